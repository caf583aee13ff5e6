//! Commits: one change, only if what it was decided upon still holds.

use crate::{Error, Registry, catalog::Resource, logical_cluster_key};
use bytes::Bytes;
use kcp_names::{ClusterName, Revision};
use kcp_storage::{Change, Expect, Key, ObjectName, Outcome, Record, Require, ResourceKey, Write};
use std::sync::Arc;

/// What is to be done with a key.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A new object; there is none.
    Create(Bytes),
    /// The object of this revision becomes this.
    Replace(Revision, Bytes),
    /// The object of this revision goes.
    Remove(Revision),
}

/// A change that was made.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Its revision.
    pub revision: Revision,
    /// The object as stored now; `None`: it is gone.
    pub record: Option<Record>,
    /// The object before.
    pub previous: Option<Record>,
}

impl Registry {
    /// Makes one change. `namespace` is the revision that made the object's namespace, when that matters.
    ///
    /// A change that has begun goes on when the caller is dropped, as happens when a client hangs up: nobody
    /// trusts what is kept of the object until it is durable and told of.
    ///
    /// # Errors
    /// `AlreadyExists`, `Conflict` (with the live object's state lost: read it again), a closed logical
    /// cluster or namespace, or a failing store.
    pub async fn commit(
        self: &Arc<Self>,
        resource: &Resource,
        key: &Key,
        deed: Deed,
        namespace: Option<Require>,
    ) -> Result<Commit, Error> {
        let creates = matches!(deed, Deed::Create(_));
        let mut requires: Vec<Require> = self.require_cluster(key, creates).await?.into_iter().collect();
        requires.extend(namespace);
        let (expect, change) = match &deed {
            Deed::Create(value) => (Expect::Absent, Change::Put(value.clone())),
            Deed::Replace(revision, value) => (Expect::Revision(*revision), Change::Put(value.clone())),
            Deed::Remove(revision) => (Expect::Revision(*revision), Change::Delete),
        };
        let write = Write { key: key.clone(), expect, change, requires };
        let made = tokio::spawn(self.clone().make(write)).await;
        let outcome = made.map_err(|_| Error::Unavailable("the store".to_owned()))??;
        self.outcome(resource, key, deed, outcome)
    }

    /// A change from the first guard to the last word, which nothing interrupts.
    async fn make(self: Arc<Self>, write: Write) -> Result<Outcome, Error> {
        let observers = self.observers.read().clone();
        let key = write.key.clone();
        let _held: Vec<_> = observers.iter().filter_map(|observer| observer.changing(&key)).collect();
        let _own = self.own_changes(&key);
        let outcomes = self.store.commit(vec![write]).await?;
        let outcome =
            outcomes.into_iter().next().ok_or_else(|| Error::Unavailable("the store".to_owned()))?;
        if let Outcome::Committed { revision, .. } = &outcome {
            self.tell(*revision).await;
        }
        Ok(outcome)
    }

    /// Guards on what this registry itself compiles from an object.
    pub(crate) fn own_changes(&self, key: &Key) -> Vec<crate::Changing<'_>> {
        let mut held: Vec<_> = self.objects.changing(key).into_iter().collect();
        match (&*key.resource.group, &*key.resource.resource) {
            ("apiextensions.k8s.io", "customresourcedefinitions") => {
                held.extend(self.definitions.changing(key));
                let shared =
                    key.cluster == ClusterName::bound_crds() || key.cluster == ClusterName::system_crds();
                held.push(if shared {
                    self.catalogs.changing_everything()
                } else {
                    self.catalogs.changing(&key.cluster)
                });
            }
            ("apis.kcp.io", "apibindings") => held.push(self.catalogs.changing(&key.cluster)),
            ("core.kcp.io", "logicalclusters") => held.push(self.incarnations.changing(&key.cluster)),
            _ => {}
        }
        held
    }

    /// What must hold of the logical cluster that a key is in. Nothing for the shard's own clusters, nor
    /// for the object that stands for the cluster itself.
    async fn require_cluster(&self, key: &Key, creates: bool) -> Result<Option<Require>, Error> {
        let own = logical_cluster_key(&key.cluster);
        if key.cluster.is_system() || *key == own {
            return Ok(None);
        }
        match self.incarnation(&key.cluster).await? {
            Some(incarnation) => Ok(Some(Require { key: own, created: incarnation.created, open: creates })),
            None => Err(Error::ClusterClosed(key.cluster.to_string())),
        }
    }

    fn outcome(&self, resource: &Resource, key: &Key, deed: Deed, outcome: Outcome) -> Result<Commit, Error> {
        let (name, qualified) = (key.name.to_string(), resource.qualified());
        match outcome {
            Outcome::Committed { revision, previous } => {
                let created = previous.as_ref().map_or(revision, |record| record.created);
                let record = match deed {
                    Deed::Create(value) => Some(Record { value, created: revision, modified: revision }),
                    Deed::Replace(_, value) => Some(Record { value, created, modified: revision }),
                    Deed::Remove(_) => None,
                };
                Ok(Commit { revision, record, previous })
            }
            Outcome::Conflict { current: Some(_) } if matches!(deed, Deed::Create(_)) => {
                Err(Error::AlreadyExists { resource: qualified, name })
            }
            Outcome::Conflict { current: None } if !matches!(deed, Deed::Create(_)) => {
                Err(Error::NotFound { resource: qualified, name })
            }
            Outcome::Conflict { .. } | Outcome::Skipped => Err(Error::Conflict {
                resource: qualified,
                name,
                why: "the object has been modified; please apply your changes to the latest version and try again"
                    .to_owned(),
            }),
            Outcome::Fenced { key: by } if &*by.resource.resource == "namespaces" => {
                Err(Error::NamespaceClosed(by.name.to_string()))
            }
            Outcome::Fenced { key: by } => Err(Error::ClusterClosed(by.cluster.to_string())),
        }
    }

    /// What must hold of a namespace for an object to be created in it; `None` if there is no such namespace.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn require_namespace(&self, key: &Key) -> Result<Option<Require>, Error> {
        let Some(namespace) = &key.namespace else { return Ok(None) };
        let own = Key {
            resource: ResourceKey::built_in("", "namespaces"),
            cluster: key.cluster.clone(),
            namespace: None,
            name: ObjectName::clone(namespace),
        };
        Ok(self.store.get(&own).await?.map(|record| Require {
            key: own,
            created: record.created,
            open: true,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Observer, built_in_resources, codec};
    use kcp_apimachinery::value;
    use kcp_storage::memory::MemoryStore;
    use parking_lot::Mutex;

    /// Remembers what it heard of.
    #[derive(Default)]
    struct Ear(Mutex<Vec<(Key, bool)>>);

    impl Observer for Ear {
        fn changed(&self, key: &Key, record: Option<&Record>) {
            self.0.lock().push((key.clone(), record.is_some()));
        }
    }

    fn world() -> (Arc<Registry>, Arc<Resource>, Key) {
        let store = Arc::new(MemoryStore::default());
        let registry = Registry::new(store, built_in_resources(false));
        let key = Key {
            resource: ResourceKey::built_in("", "configmaps"),
            cluster: ClusterName::system_admin(),
            namespace: Some(ObjectName::parse("default").expect("a name")),
            name: ObjectName::parse("hello").expect("a name"),
        };
        let resources = built_in_resources(false);
        let resource =
            resources.into_iter().find(|resource| resource.key == key.resource).expect("config maps");
        (registry, resource, key)
    }

    fn sealed(text: &str) -> Bytes {
        let mut object = value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "hello"}, "data": {"a": (text)}});
        codec::seal(&mut object, codec::Seal::default())
    }

    async fn data(registry: &Registry, key: &Key) -> Option<String> {
        let opened = registry.object(key).await.expect("it can be read")?;
        opened.value.str_at(&["data", "a"]).map(str::to_owned)
    }

    #[tokio::test]
    async fn a_change_goes_on_when_nobody_waits_for_it() {
        let (registry, resource, key) = world();
        let ear = Arc::new(Ear::default());
        registry.on_change(ear.clone());
        let mut commit = Box::pin(registry.commit(&resource, &key, Deed::Create(sealed("1")), None));
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(commit.as_mut().poll(context).is_pending())
        });
        assert!(polled.await, "it has begun");
        drop(commit);
        while ear.0.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(*ear.0.lock(), [(key.clone(), true)]);
        assert_eq!(data(&registry, &key).await.as_deref(), Some("1"));
    }

    #[tokio::test]
    async fn an_object_that_is_kept_decoded_is_never_older_than_the_last_change() {
        let (registry, resource, key) = world();
        let key = Key { resource: ResourceKey::custom("apis.kcp.io", "apiexports"), ..key };
        assert_eq!(data(&registry, &key).await, None);
        let mut last = None;
        for text in ["1", "2", "3"] {
            let deed = match last {
                None => Deed::Create(sealed(text)),
                Some(revision) => Deed::Replace(revision, sealed(text)),
            };
            last = Some(registry.commit(&resource, &key, deed, None).await.expect("it is made").revision);
            assert_eq!(data(&registry, &key).await.as_deref(), Some(text));
            assert_eq!(data(&registry, &key).await.as_deref(), Some(text), "now from the cache");
        }
        let gone = Deed::Remove(last.expect("a revision"));
        registry.commit(&resource, &key, gone, None).await.expect("it is made");
        assert_eq!(data(&registry, &key).await, None);
    }
}
