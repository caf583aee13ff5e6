//! The environment of a container, and `$(NAME)` in what is derived from it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource, Pod, Service};

use super::{fields, known::Known, quantity};

/// Why an environment cannot be made yet; the container waits as `CreateContainerConfigError`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("{kind} \"{name}\" not found")]
    Missing { kind: &'static str, name: String },
    #[error("couldn't find key {key} in {kind} {name}")]
    MissingKey { kind: &'static str, name: String, key: String },
    #[error("{0}")]
    Field(String),
}

/// What runtimes set when nobody else does.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The whole environment in its order: what the runtime sets, Services, `envFrom`, `env`. Later ones win.
pub(crate) fn of(pod: &Pod, container: &Container, known: &Known) -> Result<Vec<(String, String)>, Error> {
    let mut env = Environment::default();
    env.set("PATH", DEFAULT_PATH.to_owned());
    env.set("HOME", "/root".to_owned());
    env.set("HOSTNAME", fields::hostname(pod));
    let linked = pod.spec.as_ref().and_then(|spec| spec.enable_service_links).unwrap_or(true);
    for (name, value) in services(pod.metadata.namespace.as_deref().unwrap_or_default(), linked, known) {
        env.set(&name, value);
    }
    from_objects(pod, container, known, &mut env)?;
    for variable in container.env.as_deref().unwrap_or_default() {
        if let Some(value) = value(pod, container, variable, known, &env)? {
            env.set(&variable.name, value);
        }
    }
    Ok(env.ordered)
}

#[derive(Default)]
struct Environment {
    ordered: Vec<(String, String)>,
}

impl Environment {
    fn set(&mut self, name: &str, value: String) {
        self.ordered.retain(|(known, _)| known != name);
        self.ordered.push((name.to_owned(), value));
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.ordered.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn from_objects(pod: &Pod, container: &Container, known: &Known, env: &mut Environment) -> Result<(), Error> {
    for source in container.env_from.as_deref().unwrap_or_default() {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        let mut found: Vec<(String, String)> = Vec::new();
        if let Some(reference) = &source.config_map_ref {
            match known.config_map(pod, &reference.name) {
                Some(map) => found.extend(map.data.clone().unwrap_or_default()),
                None if reference.optional == Some(true) => {}
                None => return Err(missing("configmap", &reference.name)),
            }
        }
        if let Some(reference) = &source.secret_ref {
            match known.secret(pod, &reference.name) {
                Some(secret) => {
                    let data = secret.data.clone().unwrap_or_default();
                    let text = |(key, bytes): (String, k8s_openapi::ByteString)| {
                        (key, String::from_utf8_lossy(&bytes.0).into_owned())
                    };
                    found.extend(data.into_iter().map(text));
                }
                None if reference.optional == Some(true) => {}
                None => return Err(missing("secret", &reference.name)),
            }
        }
        for (key, value) in found {
            env.set(&format!("{prefix}{key}"), value);
        }
    }
    Ok(())
}

/// None for an optional source that is not there.
fn value(
    pod: &Pod,
    container: &Container,
    variable: &EnvVar,
    known: &Known,
    env: &Environment,
) -> Result<Option<String>, Error> {
    match &variable.value_from {
        Some(source) => sourced(pod, container, source, known),
        None => {
            let text = variable.value.as_deref().unwrap_or_default();
            Ok(Some(expand(text, |name| env.find(name).map(str::to_owned))))
        }
    }
}

fn sourced(
    pod: &Pod,
    container: &Container,
    source: &EnvVarSource,
    known: &Known,
) -> Result<Option<String>, Error> {
    if let Some(field) = &source.field_ref {
        return fields::value(pod, &field.field_path).map(Some).map_err(Error::Field);
    }
    if let Some(field) = &source.resource_field_ref {
        return quantity::resource_field(pod, container, field).map(Some).map_err(Error::Field);
    }
    if let Some(key) = &source.config_map_key_ref {
        let optional = key.optional == Some(true);
        let Some(map) = known.config_map(pod, &key.name) else {
            return if optional { Ok(None) } else { Err(missing("configmap", &key.name)) };
        };
        let value = map.data.as_ref().and_then(|data| data.get(&key.key)).cloned();
        return present(value, optional, "ConfigMap", &key.name, &key.key);
    }
    if let Some(key) = &source.secret_key_ref {
        let optional = key.optional == Some(true);
        let Some(secret) = known.secret(pod, &key.name) else {
            return if optional { Ok(None) } else { Err(missing("secret", &key.name)) };
        };
        let value = secret.data.as_ref().and_then(|data| data.get(&key.key));
        let value = value.map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned());
        return present(value, optional, "Secret", &key.name, &key.key);
    }
    Err(Error::Field("this source of an environment variable is not supported in the sandbox".to_owned()))
}

fn missing(kind: &'static str, name: &str) -> Error {
    Error::Missing { kind, name: name.to_owned() }
}

fn present(
    value: Option<String>,
    optional: bool,
    kind: &'static str,
    name: &str,
    key: &str,
) -> Result<Option<String>, Error> {
    if value.is_none() && !optional {
        return Err(Error::MissingKey { kind, name: name.to_owned(), key: key.to_owned() });
    }
    Ok(value)
}

/// The variables that tell of Services: always the API's, of the pod's namespace only when wanted.
fn services(namespace: &str, linked: bool, known: &Known) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for service in known.services.iter() {
        let (of, name) = (service.metadata.namespace.as_deref(), service.metadata.name.as_deref());
        if (of, name) == (Some("default"), Some("kubernetes")) || (linked && of == Some(namespace)) {
            tell_of(service, &mut variables);
        }
    }
    variables
}

fn tell_of(service: &Service, variables: &mut BTreeMap<String, String>) {
    let Some(spec) = &service.spec else { return };
    let Some(address) = spec.cluster_ip.as_deref().filter(|ip| !ip.is_empty() && *ip != "None") else {
        return;
    };
    let name = service.metadata.name.as_deref().unwrap_or_default().to_uppercase().replace('-', "_");
    let ports = spec.ports.as_deref().unwrap_or_default();
    let Some(first) = ports.first() else { return };
    variables.insert(format!("{name}_SERVICE_HOST"), address.to_owned());
    variables.insert(format!("{name}_SERVICE_PORT"), first.port.to_string());
    let url = |port: i32| format!("tcp://{address}:{port}");
    variables.insert(format!("{name}_PORT"), url(first.port));
    for port in ports {
        if let Some(named) = port.name.as_deref().filter(|named| !named.is_empty()) {
            let named = named.to_uppercase().replace('-', "_");
            variables.insert(format!("{name}_SERVICE_PORT_{named}"), port.port.to_string());
        }
        let prefix = format!("{name}_PORT_{}_TCP", port.port);
        variables.insert(prefix.clone(), url(port.port));
        variables.insert(format!("{prefix}_PROTO"), "tcp".to_owned());
        variables.insert(format!("{prefix}_PORT"), port.port.to_string());
        variables.insert(format!("{prefix}_ADDR"), address.to_owned());
    }
}

/// Replaces `$(NAME)` by the value of NAME, where there is one; `$$` stands for `$`.
pub(crate) fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            out.push_str(&value(name).unwrap_or_else(|| format!("$({name})")));
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}

/// Expands with the variables of an environment.
pub(crate) fn expand_from(text: &str, env: &[(String, String)]) -> String {
    expand(text, |name| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::*;

    fn check_expand(text: &str, expected: &str) {
        assert_eq!(expand(text, |name| (name == "A").then(|| "1".to_owned())), expected);
    }

    #[test]
    fn references_are_replaced_and_dollars_escaped() {
        check_expand("x$(A)y", "x1y");
        check_expand("$(B)", "$(B)");
        check_expand("$$(A)", "$(A)");
        check_expand("$A $( $", "$A $( $");
        check_expand("$(A)$(A)$", "11$");
    }

    fn check(container: serde_json::Value, expected: &[(&str, &str)]) {
        let pod = json!({
            "metadata": { "namespace": "ns", "name": "p", "uid": "u", "labels": { "app": "web" } },
            "spec": { "containers": [] }, "status": { "podIP": "10.0.0.9" } });
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let container: Container = serde_json::from_value(container).unwrap();
        let mut known = Known::default();
        let secret = json!({ "metadata": { "namespace": "ns", "name": "s" }, "data": { "k": "djE=" } });
        known.secrets.observe(Event::Apply(serde_json::from_value(secret).unwrap()));
        let service = json!({ "metadata": { "namespace": "ns", "name": "my-db" },
            "spec": { "clusterIP": "10.96.0.5", "ports": [{ "port": 5432, "name": "sql" }] } });
        known.services.observe(Event::Apply(serde_json::from_value(service).unwrap()));
        let got = match of(&pod, &container, &known) {
            Ok(env) => env,
            Err(error) => vec![("error".to_owned(), error.to_string())],
        };
        for (name, value) in expected {
            let found = got.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            assert_eq!(found, Some(*value), "{name} in {got:?}");
        }
    }

    #[test]
    fn values_come_from_where_they_are_said_to() {
        check(
            json!({ "name": "c",
                "envFrom": [{ "prefix": "S_", "secretRef": { "name": "s" } },
                            { "configMapRef": { "name": "none", "optional": true } }],
                "env": [{ "name": "A", "value": "a" }, { "name": "B", "value": "$(A)-$(S_k)-$(LATER)" },
                        { "name": "LATER", "value": "l" },
                        { "name": "IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } },
                        { "name": "APP", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['app']" } } },
                        { "name": "K", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } }] }),
            &[
                ("B", "a-v1-$(LATER)"),
                ("IP", "10.0.0.9"),
                ("APP", "web"),
                ("K", "v1"),
                ("S_k", "v1"),
                ("MY_DB_SERVICE_HOST", "10.96.0.5"),
                ("MY_DB_SERVICE_PORT_SQL", "5432"),
                ("MY_DB_PORT_5432_TCP_ADDR", "10.96.0.5"),
                ("HOSTNAME", "p"),
            ],
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let from =
            |source: serde_json::Value| json!({ "name": "c", "env": [{ "name": "X", "valueFrom": source }] });
        check(
            from(json!({ "secretKeyRef": { "name": "s", "key": "z" } })),
            &[("error", "couldn't find key z in Secret s")],
        );
        check(
            from(json!({ "configMapKeyRef": { "name": "m", "key": "z" } })),
            &[("error", "configmap \"m\" not found")],
        );
    }
}
