//! An API server in memory, as far as the operator uses one: one namespace, objects by plural and name,
//! merge patches, applies that replace what is not status, label selectors, preconditions.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

type Key = (String, String);

#[derive(Default)]
pub(super) struct Api {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<Key, Value>,
    hidden: BTreeSet<Key>,
    version: u64,
}

impl Api {
    pub(super) fn client(self: &Arc<Self>) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        });
        Client::new(service, "kcp")
    }

    /// A resource of the operator, as a user makes it.
    pub(super) fn put(&self, plural: &str, kind: &str, name: &str, spec: Value) {
        let api_version = "operator.kcp.io/v1alpha1";
        self.put_raw(plural, name, json!({ "apiVersion": api_version, "kind": kind, "spec": spec }));
    }

    pub(super) fn put_raw(&self, plural: &str, name: &str, object: Value) {
        let mut state = self.state.lock().unwrap();
        state.store((plural.to_owned(), name.to_owned()), object);
    }

    /// A user's merge patch.
    pub(super) fn change(&self, plural: &str, name: &str, patch: Value) {
        let mut object = self.object(plural, name).unwrap();
        merge(&mut object, &patch);
        self.put_raw(plural, name, object);
    }

    pub(super) fn remove(&self, plural: &str, name: &str) {
        self.state.lock().unwrap().objects.remove(&(plural.to_owned(), name.to_owned()));
    }

    pub(super) fn object(&self, plural: &str, name: &str) -> Option<Value> {
        self.state.lock().unwrap().objects.get(&(plural.to_owned(), name.to_owned())).cloned()
    }

    pub(super) fn names(&self, plural: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.objects.keys().filter(|key| key.0 == plural).map(|key| key.1.clone()).collect()
    }

    /// Readers do not see an object that is there.
    pub(super) fn hide(&self, plural: &str, name: &str) {
        self.state.lock().unwrap().hidden.insert((plural.to_owned(), name.to_owned()));
    }

    pub(super) fn show(&self, plural: &str, name: &str) {
        self.state.lock().unwrap().hidden.remove(&(plural.to_owned(), name.to_owned()));
    }

    /// How often anything has been changed.
    pub(super) fn changes(&self) -> u64 {
        self.state.lock().unwrap().version
    }

    pub(super) fn all_pods_are_ready(&self) {
        for name in self.names("deployments") {
            let wanted = self.object("deployments", &name).unwrap()["spec"]["replicas"].clone();
            let status = json!({ "updatedReplicas": wanted, "readyReplicas": wanted });
            self.change("deployments", &name, json!({ "status": status }));
        }
    }

    async fn answer(&self, request: Request<Body>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let query = parts.uri.query().unwrap_or_default();
        let applied =
            query.contains("fieldManager=") && parts.method == Method::PATCH && query.contains("force=true");
        let (code, answer) = match path(parts.uri.path()) {
            Some((plural, None)) if parts.method == Method::GET => (200, self.list(&plural, query)),
            Some((plural, None)) => self.create(plural, body),
            Some((plural, Some(name))) if parts.method == Method::GET => self.get((plural, name)),
            Some((plural, Some(name))) if parts.method == Method::DELETE => self.delete((plural, name)),
            Some((plural, Some(name))) => self.patch((plural, name), body, applied),
            None => (404, json!("404 page not found")),
        };
        let body = Full::new(Bytes::from(answer.to_string()));
        Response::builder().status(code).header("content-type", "application/json").body(body).unwrap()
    }

    fn list(&self, plural: &str, query: &str) -> Value {
        let selector = query.split('&').find_map(|part| part.strip_prefix("labelSelector="));
        let selector = selector.unwrap_or_default().replace("%2F", "/").replace("%3D", "=");
        let wanted = selector.split_once('=');
        let matches = |object: &&Value| {
            wanted.is_none_or(|(key, value)| object["metadata"]["labels"][key] == json!(value))
        };
        let state = self.state.lock().unwrap();
        let visible = state.objects.iter().filter(|(key, _)| key.0 == plural && !state.hidden.contains(*key));
        let items: Vec<_> = visible.map(|(_, object)| object).filter(matches).collect();
        json!({ "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": "1" }, "items": items })
    }

    fn get(&self, key: Key) -> (u16, Value) {
        let state = self.state.lock().unwrap();
        match state.objects.get(&key) {
            Some(object) if !state.hidden.contains(&key) => (200, object.clone()),
            Some(_) | None => failure(404, "NotFound"),
        }
    }

    fn create(&self, plural: String, object: Value) -> (u16, Value) {
        if plural == "events" {
            return (201, object);
        }
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let mut state = self.state.lock().unwrap();
        if state.objects.contains_key(&(plural.clone(), name.clone())) {
            return failure(409, "AlreadyExists");
        }
        (201, state.store((plural, name), object))
    }

    fn patch(&self, key: Key, patch: Value, applied: bool) -> (u16, Value) {
        let mut state = self.state.lock().unwrap();
        let before = state.objects.get(&key).cloned();
        let Some(mut after) = before.clone().or(applied.then(|| json!({}))) else {
            return failure(404, "NotFound");
        };
        let version = &patch["metadata"]["resourceVersion"];
        if version.is_string() && *version != after["metadata"]["resourceVersion"] {
            return failure(409, "Conflict");
        }
        if applied {
            for part in ["spec", "data"] {
                after.as_object_mut().unwrap().remove(part);
            }
        }
        merge(&mut after, &patch);
        if before.as_ref().is_some_and(|before| same(before, &after)) {
            return (200, before.unwrap());
        }
        (200, state.store(key, after))
    }

    fn delete(&self, key: Key) -> (u16, Value) {
        let mut state = self.state.lock().unwrap();
        state.version += 1;
        match state.objects.remove(&key) {
            Some(object) => (200, object),
            None => failure(404, "NotFound"),
        }
    }
}

impl State {
    fn store(&mut self, key: Key, mut object: Value) -> Value {
        self.version += 1;
        let metadata = &mut object["metadata"];
        metadata["name"] = json!(key.1);
        metadata["namespace"] = json!("kcp");
        metadata["resourceVersion"] = json!(self.version.to_string());
        if !metadata["uid"].is_string() {
            metadata["uid"] = json!(format!("uid-{}", self.version));
        }
        self.objects.insert(key, object.clone());
        object
    }
}

/// Plural and name in a path; `None` for kinds that are not served here.
fn path(path: &str) -> Option<(String, Option<String>)> {
    let (group, rest) = path.split_once("/namespaces/kcp/")?;
    let served = ["/api/v1", "/apis/apps/v1", "/apis/operator.kcp.io/v1alpha1", "/apis/events.k8s.io/v1"];
    if !served.contains(&group) {
        return None;
    }
    let mut parts = rest.split('/').map(str::to_owned);
    Some((parts.next()?, parts.next()))
}

fn failure(code: u16, reason: &str) -> (u16, Value) {
    (
        code,
        json!({ "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason }),
    )
}

fn same(one: &Value, other: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = Value::Null;
        object
    };
    bare(one) == bare(other)
}

fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else { return *into = patch.clone() };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut into[key], value);
        }
    }
}
