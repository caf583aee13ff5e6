//! From what a client sent to what may be stored: kind, fields, defaults, metadata.

use super::{Traits, Write, kinds::NameRule};
use crate::{Error, clock};
use kcp_apimachinery::{
    Value, field,
    meta::{self, Created, Scope},
    names::Rule,
};
use kcp_names::ClusterName;
use kcp_registry::{Resource, Version};
use std::sync::Arc;

/// The letters that generated names end in: none that spell anything.
const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// What Kubernetes says when body and URL name two namespaces.
pub(crate) const OTHER_NAMESPACE: &str =
    "the namespace of the provided object does not match the namespace sent on the request";
/// Longest `generateName` that still leaves room for the suffix.
const LONGEST_PREFIX: usize = 58;

impl Write<'_> {
    /// Sets or checks `apiVersion` and `kind`.
    pub(crate) fn check_kind(&self, object: &mut Value) -> Result<(), Error> {
        let (version, kind) = (&*self.version.api_version, &*self.resource.kind);
        let given = |name: &str| object.str_at(&[name]).map(str::to_owned);
        match (given("apiVersion"), given("kind")) {
            (Some(v), _) if v != version && !v.is_empty() => Err(Error::BadRequest(format!(
                "the API version in the data ({v}) does not match the expected API version ({version})"
            ))),
            (_, Some(k)) if k != kind && !k.is_empty() => Err(Error::BadRequest(format!(
                "the kind in the data ({k}) does not match the expected kind ({kind})"
            ))),
            // Kinds of Kubernetes may leave one of them to the URL.
            (Some(_), None) | (None, Some(_)) if !self.internal && !self.resource.is_built_in() => {
                let missing = if object.get("kind").is_none() { "Kind" } else { "apiVersion" };
                Err(Error::BadRequest(format!("Object '{missing}' is missing in the body")))
            }
            _ => {
                object.force_object().insert("apiVersion", version);
                object.force_object().insert("kind", kind);
                Ok(())
            }
        }
    }

    /// Removes fields that the kind does not have, and tells of them as `fieldValidation` asks.
    pub(crate) fn prune(&self, object: &mut Value, twice: &[String]) -> Result<(), Error> {
        let told = twice.iter().map(|path| format!("duplicate field {path:?}")).collect();
        let Some(wrong) = self.strip(object, told) else { return Ok(()) };
        let kind = &self.resource.kind;
        Err(Error::BadRequest(if self.resource.is_built_in() {
            format!("{kind} in version {:?} cannot be handled as a {kind}: {wrong}", self.version.name)
        } else {
            wrong
        }))
    }

    /// Removes fields that the kind does not have. They and what was `told` before are warned of; or refused,
    /// in the words of the answer, as is a value of a wrong type.
    pub(crate) fn strip(&self, object: &mut Value, mut told: Vec<String>) -> Option<String> {
        if let Some(wrong) = self.version.schema.malformed(object) {
            return Some(wrong);
        }
        let unknown = self.version.schema.prune(object);
        told.extend(unknown.iter().map(|path| format!("unknown field {path:?}")));
        let mode = self.options.field_validation.as_str();
        if mode == "Ignore" || self.internal || told.is_empty() {
            return None;
        }
        if mode == "Strict" {
            return Some(format!("strict decoding error: {}", told.join(", ")));
        }
        told.into_iter().for_each(|problem| self.warn(problem));
        None
    }

    /// Fills in what is not given.
    pub(crate) fn default(&self, object: &mut Value) {
        self.version.schema.default(object);
    }

    /// Removes what metadata have empty: Kubernetes writes none of it.
    pub(crate) fn tidy(object: &mut Value) {
        for name in ["labels", "annotations", "finalizers", "ownerReferences", "managedFields"] {
            let empty = match object.at(&["metadata", name]) {
                Some(Value::Object(members)) => members.is_empty(),
                Some(Value::Array(items)) => items.is_empty(),
                Some(Value::Null) => true,
                Some(Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_)) | None => false,
            };
            if empty {
                object.remove_at(&["metadata", name]);
            }
        }
    }

    /// The metadata of a new object.
    pub(crate) fn born(&self, object: &mut Value) -> Result<String, Error> {
        let namespace = self.check_namespace(object)?;
        let metadata = object.force_object().entry("metadata").force_object();
        if metadata.get("resourceVersion").and_then(Value::as_str).is_some_and(|rv| !rv.is_empty()) {
            return Err(Error::BadRequest(
                "resourceVersion should not be set on objects to be created".to_owned(),
            ));
        }
        for gone in
            ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation", "resourceVersion"]
        {
            metadata.remove(gone);
        }
        if let Some(namespace) = namespace {
            metadata.insert("namespace", namespace);
        } else {
            metadata.remove("namespace");
        }
        metadata.insert("uid", uuid::Uuid::new_v4().to_string());
        metadata.insert("creationTimestamp", clock::now().to_string());
        if Traits::of(&self.resource).generation {
            metadata.insert("generation", 1_i64);
        }
        let given = metadata.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = match (&self.name, given.as_str(), metadata.get("generateName").and_then(Value::as_str)) {
            (Some(url), "", _) => url.clone(),
            (Some(url), given, _) if given != url => {
                return Err(Error::BadRequest(format!(
                    "the name of the object ({given}) does not match the name on the URL ({url})"
                )));
            }
            (_, "", Some(prefix)) if !prefix.is_empty() => generated(prefix),
            (_, "", _) => {
                let required = field::Error::required(
                    &field::Path::new("metadata").child("name"),
                    "name or generateName is required",
                );
                return Err(self.invalid("", vec![required]));
            }
            (_, given, _) => given.to_owned(),
        };
        metadata.insert("name", name.as_str());
        Ok(name)
    }

    /// The namespace of the URL, which the object must agree with.
    fn check_namespace(&self, object: &Value) -> Result<Option<String>, Error> {
        let given = object.str_at(&["metadata", "namespace"]).unwrap_or_default();
        match (&self.namespace, self.resource.namespaced) {
            (Some(url), true) if given.is_empty() || given == url => Ok(Some(url.clone())),
            (None, true) => {
                Err(Error::BadRequest("an empty namespace may not be set during creation".to_owned()))
            }
            (_, false) if given.is_empty() => Ok(None),
            _ => Err(Error::BadRequest(OTHER_NAMESPACE.to_owned())),
        }
    }

    /// Everything that is wrong with an object that is to be stored.
    pub(crate) fn check(&self, old: Option<&Value>, new: &Value) -> Vec<field::Error> {
        let scope = if self.resource.namespaced { Scope::Namespaced } else { Scope::Cluster };
        let mut errors = match old {
            None => {
                meta::validate_create(new, Created { scope, name: rule(Traits::of(&self.resource).name) })
            }
            Some(old) => meta::validate_update(new, old),
        };
        let loose = matches!(&*self.resource.group, "apiextensions.k8s.io" | "admissionregistration.k8s.io");
        if self.resource.is_built_in() && !loose {
            errors.extend(meta::validate_standard_finalizers(new));
        }
        // A bound definition was checked as a schema, and has the uid of that for a name.
        if self.cluster == ClusterName::bound_crds() && self.resource.is_built_in() {
            return errors;
        }
        errors.extend(match self.subresource.as_deref() {
            Some("status") => self.version.schema.validate_status(new, old),
            _ => self.version.schema.validate(new, old),
        });
        errors
    }
}

/// Turns an object of one version into another.
pub(crate) fn convert(
    resource: &Resource,
    from: &Arc<Version>,
    to: &Arc<Version>,
    object: &mut Value,
) -> Result<(), Error> {
    if from.name == to.name {
        return Ok(());
    }
    if &*resource.group == "apis.kcp.io" && !resource.is_built_in() {
        *object = kcp_api::convert::convert(object, &to.name).map_err(|e| Error::Internal(e.to_string()))?;
    }
    object.force_object().insert("apiVersion", &*to.api_version);
    Ok(())
}

fn generated(prefix: &str) -> String {
    let prefix: String = prefix.chars().take(LONGEST_PREFIX).collect();
    let suffix: String = uuid::Uuid::new_v4()
        .as_bytes()
        .iter()
        .take(5)
        .map(|byte| char::from(SUFFIX[usize::from(*byte) % SUFFIX.len()]))
        .collect();
    prefix + &suffix
}

fn rule(rule: NameRule) -> Rule {
    match rule {
        NameRule::Subdomain => Rule::Subdomain,
        NameRule::Label => Rule::Label,
        NameRule::PathSegment => Rule::PathSegment,
        NameRule::Service => Rule::Dns1035Label,
    }
}
