//! Decoded objects that many workspaces refer to: exports and their schemas, types, shards, bound CRDs.
//!
//! A controller looks at them again for every workspace. They are few and change rarely, so the newest ones
//! are kept decoded. Like everything that is kept of stored objects, they are not trusted while they change.

use kcp_names::ClusterName;
use kcp_reconcile::{Fact, Object};
use kcp_registry::{ClusterCache, Error, Observer, Registry, codec};
use kcp_storage::{Key, Record};
use std::sync::Arc;

/// Objects that are kept.
const OBJECTS: usize = 512;
/// Bytes of the largest object that is kept.
const LARGEST: usize = 64 << 10;

/// What is kept.
pub(crate) struct SharedObjects(ClusterCache<Kept, Key>);

enum Kept {
    Absent,
    Is(Object),
    /// It is read again each time.
    TooLarge,
}

impl SharedObjects {
    /// Keeps nothing yet, and is told of every change of `registry`.
    pub(crate) fn of(registry: &Registry) -> Arc<Self> {
        let shared = Arc::new(Self(ClusterCache::new(OBJECTS)));
        registry.on_change(shared.clone());
        shared
    }

    /// An object as it is now.
    pub(crate) async fn get(&self, registry: &Registry, key: &Key) -> Result<Fact<Object>, Error> {
        if is_shared(key) {
            let kept = self.0.get(key, || async { read(registry, key).await.map(Arc::new) }).await?;
            match &*kept {
                Kept::Absent => return Ok(Fact::Absent),
                Kept::Is(object) => return Ok(Fact::Is(object.clone())),
                Kept::TooLarge => {}
            }
        }
        let record = registry.record(key).await?;
        record.map_or(Ok(Fact::Absent), |record| open(key.clone(), &record).map(Fact::Is))
    }
}

async fn read(registry: &Registry, key: &Key) -> Result<Kept, Error> {
    Ok(match registry.record(key).await? {
        None => Kept::Absent,
        Some(record) if record.json().len() > LARGEST => Kept::TooLarge,
        Some(record) => Kept::Is(open(key.clone(), &record)?),
    })
}

impl Observer for SharedObjects {
    fn changing<'a>(&'a self, key: &Key) -> Option<Box<dyn Send + 'a>> {
        is_shared(key).then(|| Box::new(self.0.changing(key)) as Box<dyn Send + 'a>)
    }
}

fn is_shared(key: &Key) -> bool {
    match (&*key.resource.group, &*key.resource.resource) {
        ("apis.kcp.io", "apiexports" | "apiresourceschemas")
        | ("tenancy.kcp.io", "workspacetypes")
        | ("core.kcp.io", "shards") => true,
        ("apiextensions.k8s.io", "customresourcedefinitions") => key.cluster == ClusterName::bound_crds(),
        _ => false,
    }
}

/// An object as facts show it.
pub(crate) fn open(key: Key, record: &Record) -> Result<Object, Error> {
    let value = Arc::new(codec::open(&key, record)?);
    Ok(Object { key, value, created: record.created, modified: record.modified })
}
