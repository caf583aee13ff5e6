//! `kcp-apiexport`: the identity of an APIExport, and its endpoint slice.
//!
//! An export owns a secret key; the hash of the key is the identity under which consumers' objects are
//! stored. It is set once. A key that changes later is told of and changes nothing.

use crate::{
    conditions::{self, Condition},
    key, kinds,
};
use kcp_api::{identity, well_known::annotation};
use kcp_apimachinery::{Value, value};
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range, ResourceKey};

const NAMESPACE: &str = "kcp-system";

/// The controller.
#[derive(Default)]
pub struct ApiExports;

impl Controller for ApiExports {
    fn name(&self) -> &'static str {
        "kcp-apiexport"
    }

    fn watches(&self) -> Vec<Range> {
        vec![Range::everywhere(kinds::api_exports()), Range::everywhere(kinds::core("secrets"))]
    }

    fn glance(&self, event: &Event, wakes: &mut Vec<Wakes>) -> bool {
        if event.key.resource == kinds::api_exports() {
            wakes.push(Wakes::One(event.key.clone()));
        } else {
            // An export may name any secret of its logical cluster as its key.
            wakes.push(Wakes::All(Range::cluster(kinds::api_exports(), event.key.cluster.clone())));
        }
        false
    }

    fn wakes(&self, _event: &Event, _object: &Value, _wakes: &mut Vec<Wakes>) {}

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(export) = facts.get(at)? else { return Ok(Step::Done) };
        if export.is_deleting() {
            return Ok(Step::Done);
        }
        let text = |path: &[&str]| export.value.str_at(path).filter(|text| !text.is_empty());
        let name = text(&["spec", "identity", "secretRef", "name"]);
        let namespace = text(&["spec", "identity", "secretRef", "namespace"]).unwrap_or(NAMESPACE);
        let Some(secret_name) = name else { return refer(&export, facts) };
        let Some(secret_key) = key(kinds::core("secrets"), &at.cluster, Some(namespace), secret_name) else {
            return Ok(Step::Done);
        };
        let mut object = (*export.value).clone();
        let verdict = match facts.get(&secret_key)? {
            Fact::Is(secret) => identity::hash_of_secret(&secret.value).map_err(|e| e.to_string()),
            Fact::Absent | Fact::Unknown => Err(format!("secret {namespace}/{secret_name} not found")),
        };
        let known = text(&["status", "identityHash"]).map(str::to_owned);
        let condition = match (verdict, known) {
            (Ok(hash), None) => {
                object.set_at(&["status", "identityHash"], hash.into());
                Condition::met("IdentityValid")
            }
            (Ok(hash), Some(known)) if hash == known => Condition::met("IdentityValid"),
            (Ok(hash), Some(known)) => failed(format!(
                "hash mismatch: identity secret hash {hash:?} must match status.identityHash {known:?}"
            )),
            (Err(why), _) => failed(why),
        };
        conditions::set(&mut object, &condition, facts.now());
        let mut changes = Vec::new();
        changes.extend(slice(&export, facts)?);
        if object != *export.value {
            changes.push(Change::Update { key: at.clone(), object, subresource: None });
        }
        Ok(if changes.is_empty() { Step::Done } else { Step::Write(changes) })
    }
}

fn failed(why: String) -> Condition<'static> {
    Condition::unmet("IdentityValid", "Error", "IdentityVerificationFailed", why)
}

/// Makes a key, in the namespace for keys, and has the export refer to it.
fn refer(export: &Object, facts: &Facts) -> Result<Step, Missing> {
    let (cluster, name) = (&export.key.cluster, export.key.name.as_str());
    let mut changes = Vec::new();
    let Some(namespace) = key(kinds::core("namespaces"), cluster, None, NAMESPACE) else {
        return Ok(Step::Done);
    };
    let Some(secret) = key(kinds::core("secrets"), cluster, Some(NAMESPACE), name) else {
        return Ok(Step::Done);
    };
    match facts.get(&namespace)? {
        Fact::Is(found) if found.is_deleting() => {
            return Ok(Step::Wait(Wake::Change, format!("namespace {NAMESPACE} is being deleted")));
        }
        Fact::Is(_) | Fact::Unknown => {}
        Fact::Absent => {
            let object = value!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": (NAMESPACE)}});
            changes.push(Change::Create { key: namespace, object });
        }
    }
    if facts.get(&secret)? == Fact::Absent {
        let object = identity::secret(NAMESPACE, name, &identity::generate());
        changes.push(Change::Create { key: secret, object });
    }
    let mut patch = export.precondition();
    patch.set_at(&["spec", "identity", "secretRef"], value!({"name": (name), "namespace": (NAMESPACE)}));
    changes.push(Change::Patch { key: export.key.clone(), patch, subresource: None });
    Ok(Step::Write(changes))
}

/// The endpoint slice of the same name that every export has, unless it says that it wants none.
fn slice(export: &Object, facts: &Facts) -> Result<Option<Change>, Missing> {
    if export.value.at(&["metadata", "annotations", annotation::SKIP_ENDPOINT_SLICE]).is_some() {
        return Ok(None);
    }
    let slices = ResourceKey::custom("apis.kcp.io", "apiexportendpointslices");
    let name = export.key.name.as_str();
    let Some(at) = key(slices, &export.key.cluster, None, name) else { return Ok(None) };
    if facts.get(&at)? != Fact::Absent {
        return Ok(None);
    }
    let path = export.value.str_at(&["metadata", "annotations", annotation::PATH]);
    let object = value!({
        "apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIExportEndpointSlice",
        "metadata": {"name": (name), "ownerReferences": [{
            "apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "name": (name), "uid": (export.uid()),
        }]},
        "spec": {"export": {"name": (name), "path": (path.unwrap_or(export.key.cluster.as_str()))}},
    });
    Ok(Some(Change::Create { key: at, object }))
}
