//! What waits to be written.

use bytes::Bytes;
use kcp_names::Revision;
use kcp_storage::{Error, Outcome, Write};
use parking_lot::{Condvar, Mutex};
use std::{collections::VecDeque, time::Duration};
use tokio::sync::oneshot;

/// Batches that are written with one sync, at most.
const GROUP_BATCHES: usize = 1024;
/// Bytes that are written with one sync, about.
const GROUP_BYTES: usize = 4 << 20;

/// What the writer is asked for.
pub(crate) enum Request {
    Commit(Vec<Prepared>),
    Transact(Vec<Prepared>),
    Note(String, Option<Bytes>),
    Compact(Revision),
}

/// A write with what can be made ready before it is its turn.
pub(crate) struct Prepared {
    pub(crate) write: Write,
    /// Its key, spelt.
    pub(crate) key: Bytes,
    /// The keys of what it requires, spelt.
    pub(crate) requires: Vec<Bytes>,
    /// Its value, packed.
    pub(crate) packed: Option<Bytes>,
}

/// The answer to a request.
pub(crate) type Answer = Result<Vec<Outcome>, Error>;

/// A request and who waits for it. Nobody waits for the store's own.
pub(crate) struct Submission {
    pub(crate) request: Request,
    pub(crate) reply: Option<oneshot::Sender<Answer>>,
}

/// The bounded queue in front of the writer.
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    batches: usize,
    bytes: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Submission, usize)>,
    bytes: usize,
    closed: bool,
}

/// What the writer does next.
pub(crate) enum Next {
    /// It writes these; there may be none.
    Group(Vec<Submission>),
    /// It ends.
    Close,
}

impl Queue {
    pub(crate) fn new(batches: usize, bytes: usize) -> Self {
        Self { state: Mutex::default(), filled: Condvar::new(), batches, bytes }
    }

    /// Puts a request in line.
    pub(crate) fn push(&self, request: Request) -> Result<oneshot::Receiver<Answer>, Error> {
        let size = size(&request);
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        let full = state.waiting.len() >= self.batches || state.bytes + size > self.bytes;
        if full && !state.waiting.is_empty() {
            return Err(Error::Busy);
        }
        let (reply, answer) = oneshot::channel();
        state.bytes += size;
        state.waiting.push_back((Submission { request, reply: Some(reply) }, size));
        drop(state);
        self.filled.notify_one();
        Ok(answer)
    }

    /// Takes what waits, at most a group. Waits for something to come, but not longer than `patience`.
    pub(crate) fn take(&self, patience: Option<Duration>) -> Next {
        let mut state = self.state.lock();
        while state.waiting.is_empty() && !state.closed {
            match patience {
                None => self.filled.wait(&mut state),
                Some(patience) => {
                    if self.filled.wait_for(&mut state, patience).timed_out() {
                        return Next::Group(Vec::new());
                    }
                }
            }
        }
        let (mut group, mut bytes) = (Vec::new(), 0);
        while group.len() < GROUP_BATCHES && bytes < GROUP_BYTES {
            let Some((submission, size)) = state.waiting.pop_front() else { break };
            bytes += size;
            group.push(submission);
        }
        state.bytes -= bytes;
        if group.is_empty() { Next::Close } else { Next::Group(group) }
    }

    /// Takes no more requests. Those that wait are still written.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
    }
}

fn size(request: &Request) -> usize {
    match request {
        Request::Commit(writes) | Request::Transact(writes) => {
            let one = |write: &Prepared| 256 + write.packed.as_ref().map_or(0, Bytes::len);
            writes.iter().map(one).sum()
        }
        Request::Note(_, value) => 256 + value.as_ref().map_or(0, Bytes::len),
        Request::Compact(_) => 256,
    }
}
