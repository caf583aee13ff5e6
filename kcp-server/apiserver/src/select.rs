//! Label and field selectors of a list or watch.

use crate::{Error, request::Options};
use kcp_apimachinery::{Value, selector};
use kcp_registry::{Resource, Selection, Version};

/// What a client wants to see of a range.
pub(crate) struct Selectors {
    labels: Option<selector::Labels>,
    fields: Option<selector::Fields>,
}

impl Selectors {
    /// Reads the selectors of a query.
    pub(crate) fn parse(options: &Options, resource: &Resource, version: &Version) -> Result<Self, Error> {
        let labels = match options.label_selector.as_str() {
            "" => None,
            text => Some(selector::Labels::parse(text).map_err(|e| Error::BadRequest(e.to_string()))?),
        };
        let fields = match options.field_selector.as_str() {
            "" => None,
            text => Some(selector::Fields::parse(text).map_err(|e| Error::BadRequest(e.to_string()))?),
        };
        if let Some(field) =
            fields.as_ref().and_then(|fields| fields.unknown(|field| is_known(field, resource, version)))
        {
            return Err(Error::BadRequest(unknown(field, resource)));
        }
        Ok(Self {
            labels: labels.filter(|l| !l.is_everything()),
            fields: fields.filter(|f| !f.is_everything()),
        })
    }
}

/// Kinds with selectors of their own say it in other words than those that have only the two of all kinds.
fn unknown(field: &str, resource: &Resource) -> String {
    if is_plain(resource) {
        return format!(
            "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        );
    }
    format!("field label not supported: {field}")
}

fn is_plain(resource: &Resource) -> bool {
    resource.is_built_in() && built_in(&resource.plural).is_empty()
}

fn is_known(field: &str, resource: &Resource, version: &Version) -> bool {
    let metadata = field == "metadata.name"
        || (field == "metadata.namespace" && (resource.namespaced || is_plain(resource)));
    metadata
        || version.selectable.iter().any(|path| path.trim_start_matches('.') == field)
        || (resource.is_built_in() && built_in(&resource.plural).contains(&field))
}

/// Fields that Kubernetes lets select built-in kinds by.
fn built_in(plural: &str) -> &'static [&'static str] {
    match plural {
        "namespaces" => &["status.phase"],
        "secrets" => &["type"],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
            "regarding.kind",
            "regarding.name",
            "regarding.namespace",
        ],
        "pods" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "certificatesigningrequests" => &["spec.signerName"],
        "replicasets" | "replicationcontrollers" => &["status.replicas"],
        "services" => &["spec.clusterIP", "spec.type"],
        _ => &[],
    }
}

impl Selection for Selectors {
    fn is_everything(&self) -> bool {
        self.labels.is_none() && self.fields.is_none()
    }

    fn selects(&self, object: &Value) -> bool {
        self.labels.as_ref().is_none_or(|labels| labels.matches(object.meta()))
            && self.fields.as_ref().is_none_or(|fields| matches(fields, object))
    }
}

fn matches(fields: &selector::Fields, object: &Value) -> bool {
    let values: Vec<(&str, String)> =
        fields.terms().iter().map(|term| (&*term.field, lookup(object, &term.field))).collect();
    fields
        .matches_with(|field| values.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str()))
}

/// A field as text; missing ones are empty.
fn lookup(object: &Value, path: &str) -> String {
    let parts: Vec<&str> = match path {
        // Core events name their source in two ways.
        "source" => vec!["source", "component"],
        path => path.split('.').collect(),
    };
    match object.at(&parts) {
        Some(Value::String(text)) => text.to_string(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(Value::Null | Value::Float(_) | Value::Array(_) | Value::Object(_)) | None => String::new(),
    }
}
