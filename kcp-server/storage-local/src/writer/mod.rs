//! The one thread that changes the store.
//!
//! It takes what waits, decides it against the live state, appends all of it to the log with one sync,
//! applies it to the engine, tells the subscribers and answers. In between it removes what has expired,
//! forgets old history, and drops segments that the engine has on disk.
//!
//! When there is no room, in the log or in the engine, nothing is written and `Full` is answered, until
//! there is room. Any other failed write, and any failed sync, ends all writing until the next start: what
//! waited for it is answered `Unknown`, and everything later `ReadOnly`.

mod group;
mod housekeeping;
pub(crate) mod queue;

use crate::{
    engine::EngineError,
    log::{AppendError, Log},
    rows::Applied,
    shared::Shared,
};
use group::{Decided, Group};
use housekeeping::Housekeeping;
use kcp_names::Revision;
use kcp_storage::Error;
use queue::{Answer, Next, Request, Submission};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The writer's own state.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    log: Log,
    revision: Revision,
    housekeeping: Housekeeping,
    /// There was no room; the writer's own work waits until then.
    resting: Option<Instant>,
}

/// How long the writer leaves its own work alone when there is no room for it.
const REST: Duration = Duration::from_secs(1);

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, log: Log, revision: Revision) -> Self {
        let housekeeping = Housekeeping::new(&shared.options);
        Self { shared, log, revision, housekeeping, resting: None }
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
        if let Err(error) = self.shared.engine.admit() {
            return vec![Err(self.refuse(&error)); count];
        }
        let (answers, decided) = match self.decide(requests) {
            Ok(decided) => decided,
            Err(error) => {
                let reason = self.shared.fail(format!("the storage engine cannot be read: {error}"));
                return vec![Err(Error::ReadOnly(reason)); count];
            }
        };
        let failed = match self.make(decided) {
            Ok(()) => return answers,
            Err(Unmade::Full(reason)) => self.full(reason),
            Err(Unmade::Broken(reason)) => Error::Unknown(self.shared.fail(reason)),
        };
        // Those that changed nothing may still have been judged by what failed.
        answers.into_iter().map(|answer| answer.and(Err(failed.clone()))).collect()
    }

    /// The answer to whoever writes when the engine takes no more.
    fn refuse(&mut self, error: &EngineError) -> Error {
        let reason = format!("the storage engine cannot be written: {error}");
        if error.is_full() { self.full(reason) } else { Error::ReadOnly(self.shared.fail(reason)) }
    }

    /// The answer to whoever writes when there is no room.
    fn full(&mut self, reason: String) -> Error {
        if self.resting.is_none() {
            tracing::error!(reason, "the store has no room; it takes writes again when there is some");
        }
        self.resting = Some(Instant::now() + REST);
        Error::Full(reason)
    }

    fn decide(&self, requests: Vec<Request>) -> Result<(Vec<Answer>, Decided), EngineError> {
        let view = self.shared.engine.view();
        let mut group = Group::new(&view, self.revision, self.shared.oldest());
        let answers = requests.into_iter().map(|request| group.add(request)).collect::<Result<_, _>>()?;
        Ok((answers, group.decided()))
    }

    /// Makes a group durable, then visible.
    fn make(&mut self, decided: Decided) -> Result<(), Unmade> {
        let Decided { mut rows, entries, events, revision, oldest } = decided;
        if entries.is_empty() {
            return Ok(());
        }
        self.log.append(&entries)?;
        if self.resting.take().is_some() {
            tracing::info!("the store has room again");
        }
        let applied = Applied { frame: self.log.last(), revision };
        applied.write(&mut rows);
        // History is refused before it goes, and not the other way round.
        self.shared.set_oldest(oldest);
        let apply = self.shared.engine.apply(rows, applied.frame);
        apply.map_err(|error| Unmade::Broken(format!("the storage engine cannot be written: {error}")))?;
        self.revision = revision;
        for events in events {
            self.housekeeping.notice(&events);
            self.shared.hub.publish(events);
        }
        Ok(())
    }
}

/// Why a group was not made.
enum Unmade {
    /// There was no room, and nothing has changed.
    Full(String),
    /// What the next start will find is not known.
    Broken(String),
}

impl From<AppendError> for Unmade {
    fn from(error: AppendError) -> Self {
        let reason = format!("the log cannot be written: {error}");
        match error {
            AppendError::Full(_) => Self::Full(reason),
            AppendError::Broken(_) => Self::Broken(reason),
        }
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
