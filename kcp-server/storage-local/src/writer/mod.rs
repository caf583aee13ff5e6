//! The one thread that changes the store.
//!
//! It takes what waits, decides it against the live state, appends all of it to the log with one sync,
//! applies it to the engine, tells the subscribers and answers. In between it removes what has expired,
//! forgets old history, and drops segments that the engine has on disk.
//!
//! A failed write or sync ends all writing until the next start: what waited for it is answered
//! `Unknown`, and everything later `ReadOnly`.

mod group;
mod housekeeping;
pub(crate) mod queue;

use crate::{engine::EngineError, log::Log, rows::Applied, shared::Shared};
use group::{Decided, Group};
use housekeeping::Housekeeping;
use kcp_names::Revision;
use kcp_storage::Error;
use queue::{Answer, Next, Request, Submission};
use std::sync::Arc;

/// The writer's own state.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    log: Log,
    revision: Revision,
    housekeeping: Housekeeping,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, log: Log, revision: Revision) -> Self {
        let housekeeping = Housekeeping::new(&shared.options);
        Self { shared, log, revision, housekeeping }
    }

    /// Runs until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let _guard = Guard(&shared);
        loop {
            let patience = self.patience();
            match self.shared.queue.take(patience) {
                Next::Group(group) => {
                    if !group.is_empty() {
                        self.write(group);
                    }
                    self.tidy();
                }
                Next::Close => break,
            }
        }
        if let Err(error) = self.shared.engine.close() {
            tracing::warn!(%error, "the next start will replay the log");
        }
    }

    /// Writes a group and answers all who wait for it.
    fn write(&mut self, group: Vec<Submission>) {
        let (requests, replies): (Vec<_>, Vec<_>) =
            group.into_iter().map(|submission| (submission.request, submission.reply)).unzip();
        let answers = self.answers(requests);
        for (reply, answer) in replies.into_iter().zip(answers) {
            if let Some(reply) = reply {
                // Who asked may have gone; the change stands.
                let _ = reply.send(answer);
            }
        }
    }

    fn answers(&mut self, requests: Vec<Request>) -> Vec<Answer> {
        let count = requests.len();
        if let Some(reason) = self.shared.failed.get() {
            return vec![Err(Error::ReadOnly(reason.clone())); count];
        }
        let (answers, decided) = match self.decide(requests) {
            Ok(decided) => decided,
            Err(error) => {
                let reason = self.shared.fail(format!("the storage engine cannot be read: {error}"));
                return vec![Err(Error::ReadOnly(reason)); count];
            }
        };
        match self.make(decided) {
            Ok(()) => answers,
            Err(reason) => {
                let reason = self.shared.fail(reason);
                let unknown = |answer: Answer| match answer {
                    // Those that changed nothing may still have been judged by what failed.
                    Ok(_) => Err(Error::Unknown(reason.clone())),
                    Err(error) => Err(error),
                };
                answers.into_iter().map(unknown).collect()
            }
        }
    }

    fn decide(&self, requests: Vec<Request>) -> Result<(Vec<Answer>, Decided), EngineError> {
        let view = self.shared.engine.view();
        let mut group = Group::new(&view, self.revision, self.shared.oldest());
        let answers = requests.into_iter().map(|request| group.add(request)).collect::<Result<_, _>>()?;
        Ok((answers, group.decided()))
    }

    /// Makes a group durable, then visible.
    fn make(&mut self, decided: Decided) -> Result<(), String> {
        let Decided { mut rows, entries, events, revision, oldest } = decided;
        if entries.is_empty() {
            return Ok(());
        }
        self.log.append(&entries).map_err(|error| format!("the log cannot be written: {error}"))?;
        let applied = Applied { frame: self.log.last(), revision };
        applied.write(&mut rows);
        // History is refused before it goes, and not the other way round.
        self.shared.set_oldest(oldest);
        let apply = self.shared.engine.apply(rows, applied.frame);
        apply.map_err(|error| format!("the storage engine cannot be written: {error}"))?;
        self.revision = revision;
        for events in events {
            self.housekeeping.notice(&events);
            self.shared.hub.publish(events);
        }
        Ok(())
    }
}

/// However the writer ends, nobody waits for it in vain.
struct Guard<'a>(&'a Shared);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the writer has panicked".into());
        }
        self.0.queue.close();
        self.0.hub.close();
    }
}
