//! What plans ask for, and the one place where it is done.

use std::fmt;

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet, StatefulSet},
    core::v1::{Endpoints, PersistentVolumeClaim, Pod, Service},
    discovery::v1::EndpointSlice,
};
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::Value;

use super::{
    objects::Key,
    world::{Known, World},
};

/// One change of one object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Write {
    Create(Box<Object>),
    /// A merge patch.
    Patch {
        kind: Kind,
        key: Key,
        body: Value,
    },
    /// A merge patch of the status.
    PatchStatus {
        kind: Kind,
        key: Key,
        body: Value,
    },
    /// Deletes this incarnation, its dependents in the background.
    Delete {
        kind: Kind,
        key: Key,
        uid: String,
    },
}

/// An object to create.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object {
    ReplicaSet(ReplicaSet),
    Pod(Pod),
    EndpointSlice(EndpointSlice),
    Endpoints(Endpoints),
    Claim(PersistentVolumeClaim),
}

/// A kind that is patched or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Deployment,
    ReplicaSet,
    StatefulSet,
    Pod,
    Service,
    EndpointSlice,
    Endpoints,
    Claim,
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(object) => write!(f, "create {object}"),
            Self::Patch { kind, key, .. } => write!(f, "patch {kind:?} {key}"),
            Self::PatchStatus { kind, key, .. } => write!(f, "status of {kind:?} {key}"),
            Self::Delete { kind, key, .. } => write!(f, "delete {kind:?} {key}"),
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, meta) = match self {
            Self::ReplicaSet(object) => ("ReplicaSet", &object.metadata),
            Self::Pod(object) => ("Pod", &object.metadata),
            Self::EndpointSlice(object) => ("EndpointSlice", &object.metadata),
            Self::Endpoints(object) => ("Endpoints", &object.metadata),
            Self::Claim(object) => ("PersistentVolumeClaim", &object.metadata),
        };
        let name = meta.name.as_ref().or(meta.generate_name.as_ref());
        write!(f, "{kind} {}", name.map_or("", String::as_str))
    }
}

/// Does writes and tells the world of the answers.
pub(crate) struct Executor {
    client: Client,
}

impl Executor {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Does one write. That an object to change or delete is gone is no error: the watch will tell, and the next plan
    /// will know. One to create that exists already is: it may belong to someone who is still being deleted.
    pub(crate) async fn execute(&self, write: Write, world: &mut World) -> Result<(), kube::Error> {
        let done = match write {
            Write::Create(object) => match *object {
                Object::ReplicaSet(object) => self.create(object, world).await,
                Object::Pod(object) => self.create(object, world).await,
                Object::EndpointSlice(object) => self.create(object, world).await,
                Object::Endpoints(object) => self.create(object, world).await,
                Object::Claim(object) => self.create(object, world).await,
            },
            Write::Patch { kind, key, body } => self.patch(kind, &key, &body, false, world).await,
            Write::PatchStatus { kind, key, body } => self.patch(kind, &key, &body, true, world).await,
            Write::Delete { kind, key, uid } => self.delete(kind, &key, uid, world).await,
        };
        match done {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            other => other,
        }
    }

    async fn create<K: Known>(&self, object: K, world: &mut World) -> Result<(), kube::Error> {
        let api = self.api::<K>(object.meta().namespace.as_deref().unwrap_or_default());
        let created = api.create(&PostParams::default(), &object).await?;
        K::among(world).learn(created);
        Ok(())
    }

    async fn patch(
        &self,
        kind: Kind,
        key: &Key,
        body: &Value,
        status: bool,
        world: &mut World,
    ) -> Result<(), kube::Error> {
        match kind {
            Kind::Deployment => self.patch_one::<Deployment>(key, body, status, world).await,
            Kind::ReplicaSet => self.patch_one::<ReplicaSet>(key, body, status, world).await,
            Kind::StatefulSet => self.patch_one::<StatefulSet>(key, body, status, world).await,
            Kind::Pod => self.patch_one::<Pod>(key, body, status, world).await,
            Kind::Service => self.patch_one::<Service>(key, body, status, world).await,
            Kind::EndpointSlice => self.patch_one::<EndpointSlice>(key, body, status, world).await,
            Kind::Endpoints => self.patch_one::<Endpoints>(key, body, status, world).await,
            Kind::Claim => self.patch_one::<PersistentVolumeClaim>(key, body, status, world).await,
        }
    }

    async fn patch_one<K: Known>(
        &self,
        key: &Key,
        body: &Value,
        status: bool,
        world: &mut World,
    ) -> Result<(), kube::Error> {
        let (api, params) = (self.api::<K>(&key.namespace), PatchParams::default());
        let patched = if status {
            api.patch_status(&key.name, &params, &Patch::Merge(body)).await?
        } else {
            api.patch(&key.name, &params, &Patch::Merge(body)).await?
        };
        K::among(world).learn(patched);
        Ok(())
    }

    async fn delete(&self, kind: Kind, key: &Key, uid: String, world: &mut World) -> Result<(), kube::Error> {
        match kind {
            Kind::Deployment => self.delete_one::<Deployment>(key, uid, world).await,
            Kind::ReplicaSet => self.delete_one::<ReplicaSet>(key, uid, world).await,
            Kind::StatefulSet => self.delete_one::<StatefulSet>(key, uid, world).await,
            Kind::Pod => self.delete_one::<Pod>(key, uid, world).await,
            Kind::Service => self.delete_one::<Service>(key, uid, world).await,
            Kind::EndpointSlice => self.delete_one::<EndpointSlice>(key, uid, world).await,
            Kind::Endpoints => self.delete_one::<Endpoints>(key, uid, world).await,
            Kind::Claim => self.delete_one::<PersistentVolumeClaim>(key, uid, world).await,
        }
    }

    async fn delete_one<K: Known>(
        &self,
        key: &Key,
        uid: String,
        world: &mut World,
    ) -> Result<(), kube::Error> {
        let preconditions = Preconditions { uid: Some(uid.clone()), resource_version: None };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
        match self.api::<K>(&key.namespace).delete(&key.name, &params).await?.left() {
            // Still there, terminating: a finalizer or a grace period holds it.
            Some(object) if object.meta().deletion_timestamp.is_some() => K::among(world).learn(object),
            Some(_) | None => K::among(world).remove(key, &uid),
        }
        Ok(())
    }

    fn api<K: Known>(&self, namespace: &str) -> Api<K> {
        Api::namespaced(self.client.clone(), namespace)
    }
}
