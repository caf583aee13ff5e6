//! What `build` returns and `apply` makes true.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::Value;

/// Wanted, and not yet there.
#[derive(Clone, Copy, Debug)]
pub struct Built;

/// There, as the API server confirmed. Only such resources can be reported.
#[derive(Clone, Copy, Debug)]
pub struct Applied;

/// All objects of one owner.
#[derive(Clone, Debug)]
pub struct Resources<State> {
    /// The objects in the order in which they are applied: what pods mount comes before the pods.
    pub objects: Vec<Object>,
    /// Deployments that cannot be built yet, and what they wait for.
    pub waiting: Vec<Waiting>,
    state: PhantomData<State>,
}

/// A Deployment that cannot be built yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Name of the Deployment.
    pub deployment: String,
    /// What is missing, in one line.
    pub reason: String,
}

/// One object to apply.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there are a dozen of them, for a moment")]
pub enum Object {
    /// Pods that run a server.
    Deployment(Deployment),
    /// The address of a server.
    Service(Service),
    /// What a server reads.
    ConfigMap(ConfigMap),
    /// What a server reads and others should not.
    Secret(Secret),
    /// The volume of a server that keeps its own store. It outlives its owner.
    Claim(PersistentVolumeClaim),
    /// A cert-manager Issuer or Certificate.
    CertManager(Value),
}

impl Resources<Built> {
    /// Wanted objects.
    pub fn wanted(objects: Vec<Object>, waiting: Vec<Waiting>) -> Self {
        Self { objects, waiting, state: PhantomData }
    }

    /// What is there now; `objects` are those that the API server returned.
    pub fn applied(self, objects: Vec<Object>) -> Resources<Applied> {
        Resources { objects, waiting: self.waiting, state: PhantomData }
    }
}

impl<State> Resources<State> {
    /// The Deployments.
    pub fn deployments(&self) -> impl Iterator<Item = &Deployment> {
        self.objects.iter().filter_map(|object| match object {
            Object::Deployment(deployment) => Some(deployment),
            Object::Service(_)
            | Object::ConfigMap(_)
            | Object::Secret(_)
            | Object::Claim(_)
            | Object::CertManager(_) => None,
        })
    }

    /// Names of the objects of a kind, to find those that are not wanted any more.
    pub fn names_of(&self, kind: &str) -> BTreeSet<String> {
        self.objects.iter().filter(|object| object.kind() == kind).map(Object::name).collect()
    }
}

impl Object {
    /// Kind of the object.
    pub fn kind(&self) -> &str {
        match self {
            Self::Deployment(_) => "Deployment",
            Self::Service(_) => "Service",
            Self::ConfigMap(_) => "ConfigMap",
            Self::Secret(_) => "Secret",
            Self::Claim(_) => "PersistentVolumeClaim",
            Self::CertManager(value) => value["kind"].as_str().unwrap_or_default(),
        }
    }

    /// Name of the object.
    pub fn name(&self) -> String {
        let metadata = match self {
            Self::Deployment(object) => &object.metadata,
            Self::Service(object) => &object.metadata,
            Self::ConfigMap(object) => &object.metadata,
            Self::Secret(object) => &object.metadata,
            Self::Claim(object) => &object.metadata,
            Self::CertManager(value) => {
                return value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            }
        };
        metadata.name.clone().unwrap_or_default()
    }
}

/// Who owns the objects that are built.
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    /// Namespace of the owner and of all its objects.
    pub namespace: String,
    /// Put on every object that goes with its owner.
    pub reference: OwnerReference,
}

impl Owner {
    /// Metadata of an object that goes with its owner.
    pub(crate) fn metadata(&self, name: &str, labels: BTreeMap<String, String>) -> ObjectMeta {
        ObjectMeta { owner_references: Some(vec![self.reference.clone()]), ..self.lasting(name, labels) }
    }

    /// Metadata of an object that outlives its owner.
    pub(crate) fn lasting(&self, name: &str, labels: BTreeMap<String, String>) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(self.namespace.clone()),
            labels: Some(labels),
            ..ObjectMeta::default()
        }
    }
}
