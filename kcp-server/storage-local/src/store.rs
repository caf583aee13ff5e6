use crate::{
    codec,
    shared::Shared,
    value,
    writer::queue::{Answer, Prepared, Request},
};
use bytes::Bytes;
use kcp_names::{ClusterName, Revision};
use kcp_storage::{
    Batch, BoxFuture, Change, Error, EventPage, Key, NOTE_LIMIT, Outcome, Page, Range, Record, Scope, Store,
    Subscription, Write, check_batch, check_transaction,
};
use parking_lot::Mutex;
use std::{fs::File, sync::Arc, thread::JoinHandle};

/// Objects that are read where the caller runs. More of them go to a thread that may block.
const FEW: usize = 32;

/// The embedded [`Store`], in a directory of the local file system.
pub struct LocalStore {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Mutex<Option<JoinHandle<()>>>,
    pub(crate) lock: Mutex<Option<File>>,
}

impl LocalStore {
    /// Writes what waits, writes the memtable out, and gives the directory free. Later writes are
    /// answered `Closed`. Dropping the store does the same.
    pub fn close(&self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.lock().take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the store has panicked");
        }
        self.lock.lock().take();
    }

    /// Why the store only reads, if so.
    #[must_use]
    pub fn read_only(&self) -> Option<&str> {
        self.shared.failed.get().map(String::as_str)
    }

    /// Bytes of the tables on disk.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.shared.engine.disk_bytes()
    }

    /// Puts a request in line; what is answered when it was its turn.
    fn submit(&self, request: Result<Request, Error>) -> BoxFuture<'_, Answer> {
        let waiting = match (self.shared.failed.get(), request) {
            (_, Err(error)) => Err(error),
            (Some(reason), _) => Err(Error::ReadOnly(reason.clone())),
            (None, Ok(request)) => self.shared.queue.push(request),
        };
        Box::pin(async {
            match waiting?.await {
                Ok(answer) => answer,
                Err(_) => Err(Error::Unknown("the writer has gone".into())),
            }
        })
    }

    /// Reads, on a thread that may block if there is much to read.
    fn read<'a, T: Send + 'static>(
        &'a self,
        few: bool,
        read: impl FnOnce(&Shared) -> Result<T, Error> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, Error>> {
        let shared = &self.shared;
        Box::pin(async move {
            if few || tokio::runtime::Handle::try_current().is_err() {
                return read(shared);
            }
            let shared = Arc::clone(shared);
            let done = tokio::task::spawn_blocking(move || read(&shared)).await;
            done.unwrap_or_else(|error| Err(Error::Read(error.to_string())))
        })
    }
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        self.close();
    }
}

/// Does for a batch what need not wait for the writer.
fn prepare(batch: Batch) -> Vec<Prepared> {
    let one = |write: Write| Prepared {
        key: codec::spell(&write.key).into(),
        requires: write.requires.iter().map(|require| codec::spell(&require.key).into()).collect(),
        packed: match &write.change {
            Change::Put(value) => Some(value::pack(value)),
            Change::Delete => None,
        },
        write,
    };
    batch.into_iter().map(one).collect()
}

impl Store for LocalStore {
    fn revision(&self) -> Revision {
        self.shared.hub.revision()
    }

    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Record>, Error>> {
        Box::pin(std::future::ready(self.shared.get(key)))
    }

    fn range<'a>(
        &'a self,
        range: &'a Range,
        after: Option<&'a Key>,
        limit: usize,
        at: Option<Revision>,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        let (range, after) = (range.clone(), after.cloned());
        self.read(limit <= FEW, move |shared| shared.range(&range, after.as_ref(), limit, at))
    }

    fn count<'a>(&'a self, range: &'a Range) -> BoxFuture<'a, Result<u64, Error>> {
        let range = range.clone();
        let few = matches!(range.scope, Scope::Object(..));
        self.read(few, move |shared| shared.count(&range))
    }

    fn cluster_keys<'a>(
        &'a self,
        cluster: &'a ClusterName,
        after: Option<&'a Key>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Key>, Error>> {
        let (cluster, after) = (cluster.clone(), after.cloned());
        self.read(limit <= FEW, move |shared| shared.cluster_keys(&cluster, after.as_ref(), limit))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>, Error>> {
        self.submit(check_batch(&batch).map(|()| Request::Commit(prepare(batch))))
    }

    fn transact(&self, batch: Batch) -> BoxFuture<'_, Result<Vec<Outcome>, Error>> {
        self.submit(check_transaction(&batch).map(|()| Request::Transact(prepare(batch))))
    }

    fn events<'a>(
        &'a self,
        range: &'a Range,
        after: Revision,
        limit: usize,
    ) -> BoxFuture<'a, Result<EventPage, Error>> {
        let range = range.clone();
        self.read(false, move |shared| shared.events(&range, after, limit))
    }

    fn subscribe(&self) -> Subscription {
        self.shared.hub.subscribe()
    }

    fn compact(&self, revision: Revision) -> BoxFuture<'_, Result<(), Error>> {
        let answer = self.submit(Ok(Request::Compact(revision)));
        Box::pin(async { answer.await.map(drop) })
    }

    fn note<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, Error>> {
        Box::pin(std::future::ready(self.shared.note(name)))
    }

    fn set_note<'a>(&'a self, name: &'a str, value: Option<Bytes>) -> BoxFuture<'a, Result<(), Error>> {
        let size = value.as_ref().map_or(0, Bytes::len);
        let request = match size > NOTE_LIMIT {
            true => Err(Error::TooLarge { size, limit: NOTE_LIMIT }),
            false => Ok(Request::Note(name.to_owned(), value)),
        };
        let answer = self.submit(request);
        Box::pin(async { answer.await.map(drop) })
    }
}
