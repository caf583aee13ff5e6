//! Admission around a write, and how its object is sealed for the store.

use crate::{ApiServer, Error, write::Write};
use bytes::Bytes;
use kcp_admission::{Operation, Rejection, Request};
use kcp_apimachinery::Value;
use kcp_registry::codec::{self, Seal};
use std::time::{SystemTime, UNIX_EPOCH};

impl ApiServer {
    /// Lets every plugin change the object.
    pub(crate) async fn mutate(
        &self,
        write: &Write<'_>,
        operation: Operation,
        old: Option<&Value>,
        name: &str,
        object: &mut Value,
    ) -> Result<(), Error> {
        let request = request(write, operation, old, name);
        for plugin in self.admission.iter().filter(|plugin| plugin.handles(&request)) {
            plugin.mutate(&request, object).await.map_err(|rejection| refused(write, name, rejection))?;
        }
        Ok(())
    }

    /// Lets every plugin refuse it.
    pub(crate) async fn validate(
        &self,
        write: &Write<'_>,
        operation: Operation,
        old: Option<&Value>,
        name: &str,
        object: Option<&Value>,
    ) -> Result<(), Error> {
        let request = request(write, operation, old, name);
        for plugin in self.admission.iter().filter(|plugin| plugin.handles(&request)) {
            plugin.validate(&request, object).await.map_err(|rejection| refused(write, name, rejection))?;
        }
        Ok(())
    }

    /// The object's bytes for the store. It is in the stored version.
    pub(crate) fn seal(&self, write: &Write<'_>, object: &mut Value) -> Bytes {
        let on =
            |group: &str, plural: &str| &*write.resource.group == group && &*write.resource.plural == plural;
        let closed = if on("core.kcp.io", "logicalclusters") {
            object.str_at(&["status", "phase"]) == Some("Deleting")
        } else {
            on("", "namespaces") && object.at(&["metadata", "deletionTimestamp"]).is_some()
        };
        let expires = if write.resource.is_built_in() && &*write.resource.plural == "events" {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            (now + self.settings.event_ttl).as_secs()
        } else {
            0
        };
        codec::seal(object, Seal { schema: write.resource.storage.schema.content_id(), closed, expires })
    }

    /// What a client should know although the write succeeds.
    pub(crate) fn warn_of(&self, write: &Write<'_>, old: Option<&Value>, object: &Value) {
        match (&*write.resource.group, &*write.resource.plural) {
            ("apiextensions.k8s.io", "customresourcedefinitions") => {
                kcp_schema::crd::warnings(object, old).into_iter().for_each(|warning| write.warn(warning));
            }
            ("apis.kcp.io", "apiresourceschemas") => {}
            _ => return,
        }
        if has_rules(object.get("spec")) {
            write.warn("x-kubernetes-validations are stored but not enforced by this server yet");
        }
    }
}

/// Whether `x-kubernetes-validations` occur anywhere in a value.
fn has_rules(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Object(map)) => map.iter().any(|(name, value)| {
            (name == "x-kubernetes-validations" && value.as_array().is_some_and(|rules| !rules.is_empty()))
                || has_rules(Some(value))
        }),
        Some(Value::Array(items)) => items.iter().any(|item| has_rules(Some(item))),
        Some(Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_)) | None => {
            false
        }
    }
}

fn request<'a>(
    write: &'a Write<'_>,
    operation: Operation,
    old: Option<&'a Value>,
    name: &'a str,
) -> Request<'a> {
    Request {
        user: write.user,
        operation,
        cluster: &write.cluster,
        resource: &write.resource,
        version: &write.version,
        subresource: write.subresource.as_deref().unwrap_or_default(),
        namespace: write.namespace.as_deref(),
        name,
        old,
        dry_run: write.options.dry_run,
    }
}

fn refused(write: &Write<'_>, name: &str, rejection: Rejection) -> Error {
    match rejection {
        Rejection::Forbidden(message) => write.forbidden(name, message),
        Rejection::Invalid(errors) => write.invalid(name, errors),
        Rejection::NotFound { resource, name } => kcp_registry::Error::NotFound { resource, name }.into(),
        Rejection::NamespaceTerminating(namespace) => write.namespace_terminating(name, &namespace),
        Rejection::Internal(message) => Error::Internal(message),
    }
}
