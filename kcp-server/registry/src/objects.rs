//! Decoded objects that many workspaces refer to: exports and their schemas, types, shards, bound CRDs.
//!
//! Admission, authorization and controllers look at them again for every workspace. They are few and change
//! rarely, so the newest ones are kept decoded. Like everything that is kept of stored objects, they are not
//! trusted while they change.

use crate::{Changing, ClusterCache, Error, Registry, codec};
use kcp_apimachinery::Value;
use kcp_names::{ClusterName, Revision};
use kcp_storage::{Key, Record};
use std::sync::Arc;

/// Objects that are kept.
const OBJECTS: usize = 512;
/// Bytes of the largest object that is kept.
const LARGEST: usize = 64 << 10;

/// An object as clients see it in its storage version.
#[derive(Clone, Debug)]
pub struct Opened {
    /// It, with its resource version and its logical cluster.
    pub value: Arc<Value>,
    /// Revision of its creation.
    pub created: Revision,
    /// Its resource version.
    pub modified: Revision,
}

impl Opened {
    /// Decodes what is stored.
    ///
    /// # Errors
    /// A stored value that cannot be read.
    pub fn of(key: &Key, record: &Record) -> Result<Self, Error> {
        let value = Arc::new(codec::open(key, record)?);
        Ok(Self { value, created: record.created, modified: record.modified })
    }
}

/// What is kept.
pub(crate) struct Objects(ClusterCache<Kept, Key>);

enum Kept {
    Absent,
    Is(Opened),
    /// It is read again each time.
    TooLarge,
}

impl Default for Objects {
    fn default() -> Self {
        Self(ClusterCache::new(OBJECTS))
    }
}

impl Objects {
    /// To be held while an object changes.
    pub(crate) fn changing(&self, key: &Key) -> Option<Changing<'_>> {
        is_shared(key).then(|| self.0.changing(key))
    }
}

impl Registry {
    /// One object, decoded, in its storage version.
    ///
    /// # Errors
    /// The store cannot be read, or what it holds.
    pub async fn object(&self, key: &Key) -> Result<Option<Opened>, Error> {
        if is_shared(key) {
            let kept = self.objects.0.get(key, || async { self.keep(key).await.map(Arc::new) }).await?;
            match &*kept {
                Kept::Absent => return Ok(None),
                Kept::Is(opened) => return Ok(Some(opened.clone())),
                Kept::TooLarge => {}
            }
        }
        self.record(key).await?.map(|record| Opened::of(key, &record)).transpose()
    }

    async fn keep(&self, key: &Key) -> Result<Kept, Error> {
        Ok(match self.record(key).await? {
            None => Kept::Absent,
            Some(record) if record.json().len() > LARGEST => Kept::TooLarge,
            Some(record) => Kept::Is(Opened::of(key, &record)?),
        })
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
