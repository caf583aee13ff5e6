//! Where our own controllers come in: the same steps without a socket, and the facts they read.

use crate::{
    ApiServer, Error,
    request::Options,
    write::{Body, DeleteOptions, Deleted, PatchKind, Write},
};
use kcp_apimachinery::Value;
use kcp_authz::{Attributes, Depth, Reach, User, group};
use kcp_index::{Index, Resolved};
use kcp_names::ClusterName;
use kcp_reconcile::{Answer, Change, Fact, Object, Propagation, Query, Reader, Served, WriteError, Writer};
use kcp_registry::{Opened, Registry, Token};
use kcp_storage::{BoxFuture, Key, Namespace, Range, Record};
use std::sync::Arc;

/// Writes of controllers, with an identity of their own at authorization.
pub struct Internal(Arc<ApiServer>);

impl Internal {
    /// Writes through `server`.
    #[must_use]
    pub fn new(server: Arc<ApiServer>) -> Arc<Self> {
        Arc::new(Self(server))
    }

    async fn change(&self, who: &'static str, change: Change) -> Result<Value, Error> {
        let user = identity(who);
        let (key, verb, subresource) = match &change {
            Change::Create { key, .. } => (key, "create", None),
            Change::Patch { key, subresource, .. } => (key, "patch", *subresource),
            Change::Update { key, subresource, .. } => (key, "update", *subresource),
            Change::Delete { key, .. } | Change::Erase { key } => (key, "delete", None),
        };
        let key = key.clone();
        self.authorize(&user, &key, verb, subresource).await?;
        let write = self.0.write_of(who, &user, &key, subresource).await?;
        let name = key.name.to_string();
        match change {
            Change::Create { object, .. } => {
                self.0.create_object(&write, object, &[]).await.map(|w| w.object)
            }
            Change::Patch { patch, .. } => {
                self.0.patch(&write, Body::Patch(PatchKind::Merge, patch, Vec::new())).await.map(|w| w.object)
            }
            Change::Update { object, .. } => {
                self.0.update(&write, Body::Object(object, Vec::new())).await.map(|w| w.object)
            }
            Change::Delete { uid, resource_version, propagation, .. } => {
                let propagation = match propagation {
                    None => "",
                    Some(Propagation::Background) => "Background",
                    Some(Propagation::Foreground) => "Foreground",
                    Some(Propagation::Orphan) => "Orphan",
                };
                let options = DeleteOptions {
                    uid,
                    resource_version,
                    propagation: propagation.to_owned(),
                    grace: None,
                    dry_run: false,
                };
                self.0.delete(&write, &name, &options).await.map(|deleted| match deleted {
                    Deleted::Gone(object) | Deleted::Marked(object) => object,
                })
            }
            Change::Erase { .. } => self.0.erase(&write, &name).await,
        }
    }

    async fn authorize(
        &self,
        user: &User,
        key: &Key,
        verb: &str,
        subresource: Option<&str>,
    ) -> Result<(), Error> {
        let target = kcp_authz::ResourceTarget {
            group: key.resource.group.to_string(),
            resource: key.resource.resource.to_string(),
            subresource: subresource.unwrap_or_default().to_owned(),
            namespace: key.namespace.as_ref().map(ToString::to_string).unwrap_or_default(),
            name: key.name.to_string(),
            ..kcp_authz::ResourceTarget::default()
        };
        let what = Attributes {
            user: user.clone(),
            verb: verb.to_owned(),
            reach: Reach::Cluster(key.cluster.clone()),
            target: kcp_authz::Target::Resource(target),
        };
        self.0.require(&what, Depth::Whole, None).await
    }
}

/// Who a controller is to the authorizer.
pub(crate) fn identity(who: &str) -> User {
    User::new(&format!("system:kcp:{who}"), &[group::MASTERS, group::AUTHENTICATED])
}

impl ApiServer {
    /// A write of our own on the object of a key.
    pub(crate) async fn write_of<'u>(
        &self,
        who: &'static str,
        user: &'u User,
        key: &Key,
        subresource: Option<&'static str>,
    ) -> Result<Write<'u>, Error> {
        let catalog = self.registry.catalog(&key.cluster).await?;
        let resource = match catalog.stored_as(&key.resource) {
            Some(resource) => resource.clone(),
            // Instances of a binding that is gone can still be deleted under their identity.
            None => self.registry.of_key(&key.resource).await?.ok_or(Error::NoSuchPath)?,
        };
        let version = resource.storage.clone();
        Ok(Write {
            user,
            cluster: key.cluster.clone(),
            catalog,
            resource,
            version,
            namespace: key.namespace.as_ref().map(ToString::to_string),
            name: Some(key.name.to_string()),
            subresource: subresource.map(str::to_owned),
            options: Options { field_manager: who.to_owned(), ..Options::default() },
            agent: who.to_owned(),
            warnings: parking_lot::Mutex::default(),
            applied: false,
            internal: true,
        })
    }
}

impl Writer for Internal {
    fn write<'a>(&'a self, who: &'static str, change: Change) -> BoxFuture<'a, Result<Value, WriteError>> {
        Box::pin(async move { self.change(who, change).await.map_err(|error| refusal(&error)) })
    }
}

fn refusal(error: &Error) -> WriteError {
    let message = error.to_string();
    match crate::status(error).code {
        404 => WriteError::NotFound(message),
        409 if crate::status(error).reason == "AlreadyExists" => WriteError::AlreadyExists(message),
        409 => WriteError::Conflict(message),
        429 | 500..=599 => WriteError::Unavailable(message),
        _ => WriteError::Refused(message),
    }
}

/// Facts from this shard's own registry and index.
pub struct StoreReader {
    registry: Arc<Registry>,
    index: Arc<Index>,
    owners: Arc<dyn Owners>,
}

/// Who depends on whom: what an index of owner references answers.
pub trait Owners: Send + Sync + 'static {
    /// Keys of the objects in `cluster` that refer to the owner with this uid.
    fn dependents(&self, cluster: &kcp_names::ClusterName, uid: &str) -> Vec<Key>;
}

impl StoreReader {
    /// Reads from these.
    #[must_use]
    pub fn new(registry: Arc<Registry>, index: Arc<Index>, owners: Arc<dyn Owners>) -> Arc<Self> {
        Arc::new(Self { registry, index, owners })
    }

    async fn list(&self, range: &Range, limit: usize) -> Result<Answer, kcp_registry::Error> {
        let from: Option<&Token> = None;
        let listing = self.registry.list(range, &crate::read::Everything, limit, from, None).await?;
        let more = listing.next.is_some();
        let objects =
            listing.items.into_iter().map(|(key, record)| open(key, &record)).collect::<Result<_, _>>()?;
        Ok(Answer::Objects(objects, more))
    }

    /// Keys of what a namespace holds: kind by kind, of those that its logical cluster serves.
    async fn namespace_keys(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        limit: usize,
    ) -> Result<Vec<Key>, kcp_registry::Error> {
        let catalog = self.registry.catalog(cluster).await?;
        let mut keys = Vec::new();
        for resource in catalog.resources.iter().filter(|resource| resource.namespaced) {
            let range = Range::namespace(resource.key.clone(), cluster.clone(), namespace.clone());
            let page = self.registry.store().range(&range, None, limit - keys.len(), None).await?;
            keys.extend(page.items.into_iter().map(|(key, _)| key));
            if keys.len() >= limit {
                break;
            }
        }
        Ok(keys)
    }

    async fn answer(&self, query: &Query) -> Result<Answer, kcp_registry::Error> {
        Ok(match query {
            Query::Get(key) => {
                let found = self.registry.object(key).await?;
                Answer::Object(found.map_or(Fact::Absent, |opened| Fact::Is(fact(key.clone(), opened))))
            }
            Query::List(range, limit) => self.list(range, *limit).await?,
            Query::Page(range, after, limit) => {
                let page = self.registry.store().range(range, after.as_ref(), *limit, None).await?;
                let objects = page.items.into_iter().map(|(key, record)| open(key, &record));
                Answer::Objects(objects.collect::<Result<_, _>>()?, page.more)
            }
            Query::Keys(range, limit) => {
                let page = self.registry.store().range(range, None, *limit, None).await?;
                Answer::Keys(page.items.into_iter().map(|(key, _)| key).collect())
            }
            Query::Dependents(cluster, uid) => Answer::Keys(self.owners.dependents(cluster, uid)),
            Query::Contents(cluster, after, limit) => {
                Answer::Keys(self.registry.store().cluster_keys(cluster, after.as_ref(), *limit).await?)
            }
            Query::NamespaceContents(cluster, namespace, limit) => {
                Answer::Keys(self.namespace_keys(cluster, namespace, *limit).await?)
            }
            Query::Kind(cluster, group, kind) => {
                let catalog = self.registry.catalog(cluster).await?;
                Answer::Served(catalog.of_kind(group, kind).map_or(Fact::Absent, |resource| {
                    Fact::Is(Served { resource: resource.key.clone(), namespaced: resource.namespaced })
                }))
            }
            Query::Path(path) => Answer::Cluster(match path.as_name() {
                Some(name) => Fact::Is(name),
                None => match self.index.resolve(path) {
                    Resolved::Here { cluster, .. } | Resolved::Elsewhere { cluster, .. } => Fact::Is(cluster),
                    Resolved::Mount { .. } | Resolved::Unknown => Fact::Absent,
                    Resolved::Unavailable => Fact::Unknown,
                },
            }),
        })
    }
}

fn open(key: Key, record: &Record) -> Result<Object, kcp_registry::Error> {
    let opened = Opened::of(&key, record)?;
    Ok(fact(key, opened))
}

/// An object as facts show it.
fn fact(key: Key, opened: Opened) -> Object {
    let Opened { value, created, modified } = opened;
    Object { key, value, created, modified }
}

impl Reader for StoreReader {
    fn read<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer, kcp_storage::Error>> {
        Box::pin(async move {
            self.answer(query).await.map_err(|error| kcp_storage::Error::Read(error.to_string()))
        })
    }
}
