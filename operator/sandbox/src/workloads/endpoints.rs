//! Service → EndpointSlice and Endpoints, from the pods that its selector chooses.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        core::v1::{
            EndpointAddress, EndpointPort as PlainPort, EndpointSubset, Endpoints, ObjectReference, Pod,
            Service, ServicePort,
        },
        discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice},
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::api::ObjectMeta;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    objects::Key,
    pods,
    service::is_headless,
    world::World,
    write::{Kind, Object, Write},
};

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const OURS: &str = "endpointslice-controller.k8s.io";

/// Brings the slices and Endpoints of every Service with a selector up to date.
pub(crate) fn plan(world: &World) -> Vec<Write> {
    let chosen = world.services.iter().filter(|service| service.metadata.deletion_timestamp.is_none());
    chosen.flat_map(|service| of_service(world, service)).collect()
}

fn of_service(world: &World, service: &Service) -> Vec<Write> {
    let Some(spec) = &service.spec else { return Vec::new() };
    let Some(selector) = spec.selector.as_ref().filter(|selector| !selector.is_empty()) else {
        return Vec::new();
    };
    let ports = spec.ports.as_deref().unwrap_or_default();
    let mut groups: BTreeMap<Vec<Port>, Vec<Endpoint>> = BTreeMap::new();
    for pod in world.pods.iter().filter(|pod| selects(selector, service, pod)) {
        let Some(endpoint) = endpoint(service, pod) else { continue };
        let ports = ports.iter().filter_map(|port| resolve(port, pod)).collect();
        groups.entry(ports).or_default().push(endpoint);
    }
    if groups.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    let mut writes = slices(world, service, &groups);
    writes.extend(plain(world, service, &groups));
    writes
}

fn selects(selector: &BTreeMap<String, String>, service: &Service, pod: &Pod) -> bool {
    let labels = pod.metadata.labels.as_ref();
    pod.metadata.namespace == service.metadata.namespace
        && !pods::is_finished(pod)
        && selector.iter().all(|(name, value)| labels.and_then(|labels| labels.get(name)) == Some(value))
}

/// A port as one pod has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Port {
    name: Option<String>,
    number: i32,
    protocol: String,
    app_protocol: Option<String>,
}

fn resolve(port: &ServicePort, pod: &Pod) -> Option<Port> {
    let number = match &port.target_port {
        None => port.port,
        Some(IntOrString::Int(0)) => port.port,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => named_port(pod, name)?,
    };
    Some(Port {
        name: port.name.clone(),
        number,
        protocol: port.protocol.clone().unwrap_or_else(|| "TCP".to_owned()),
        app_protocol: port.app_protocol.clone(),
    })
}

/// The number of the pod's port of that name.
pub(crate) fn named_port(pod: &Pod, name: &str) -> Option<i32> {
    let spec = pod.spec.as_ref()?;
    let ports = spec.containers.iter().filter_map(|container| container.ports.as_ref()).flatten();
    ports.filter(|port| port.name.as_deref() == Some(name)).map(|port| port.container_port).next()
}

fn endpoint(service: &Service, pod: &Pod) -> Option<Endpoint> {
    let spec = service.spec.as_ref()?;
    let address = pod.status.as_ref()?.pod_ip.clone()?;
    let terminating = pod.metadata.deletion_timestamp.is_some();
    let (serving, forced) = (pods::is_ready(pod), spec.publish_not_ready_addresses == Some(true));
    let pod_spec = pod.spec.as_ref()?;
    let of_this = pod_spec.subdomain.is_some() && pod_spec.subdomain == service.metadata.name;
    Some(Endpoint {
        addresses: vec![address],
        conditions: Some(EndpointConditions {
            ready: Some((serving && !terminating) || forced),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: pod_spec.hostname.clone().filter(|_| of_this),
        node_name: pod_spec.node_name.clone(),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            name: pod.metadata.name.clone(),
            namespace: pod.metadata.namespace.clone(),
            uid: pod.metadata.uid.clone(),
            ..ObjectReference::default()
        }),
        ..Endpoint::default()
    })
}

fn slices(world: &World, service: &Service, groups: &BTreeMap<Vec<Port>, Vec<Endpoint>>) -> Vec<Write> {
    let wanted: Vec<EndpointSlice> =
        groups.iter().map(|(ports, endpoints)| slice(service, ports, endpoints)).collect();
    let mut writes = Vec::new();
    for slice in &wanted {
        match world.slices.find(&Key::of(slice)) {
            None => writes.push(Write::Create(Box::new(Object::EndpointSlice(slice.clone())))),
            Some(known)
                if known.endpoints.as_deref().unwrap_or_default()
                    == slice.endpoints.as_deref().unwrap_or_default() => {}
            Some(known) => writes.push(Write::Patch {
                kind: Kind::EndpointSlice,
                key: Key::of(known),
                body: json!({ "endpoints": slice.endpoints }),
            }),
        }
    }
    let ours = world.slices.iter().filter(|known| {
        let label = |name| known.metadata.labels.as_ref().and_then(|labels| labels.get(name));
        known.metadata.namespace == service.metadata.namespace
            && label(SERVICE_NAME) == service.metadata.name.as_ref()
            && label(MANAGED_BY).map(String::as_str) == Some(OURS)
    });
    let stale = ours.filter(|known| wanted.iter().all(|slice| Key::of(slice) != Key::of(*known)));
    writes.extend(stale.map(|known| Write::Delete {
        kind: Kind::EndpointSlice,
        key: Key::of(known),
        uid: known.metadata.uid.clone().unwrap_or_default(),
    }));
    writes
}

/// One slice holds all endpoints with the same ports; its name follows from those ports.
fn slice(service: &Service, ports: &[Port], endpoints: &[Endpoint]) -> EndpointSlice {
    let name = service.metadata.name.as_deref().unwrap_or_default();
    let digest = Sha256::digest(format!("{ports:?}"));
    let suffix: String = digest.iter().take(5).map(|byte| char::from(b'b' + byte % 24)).collect();
    let mut labels = BTreeMap::from([
        (SERVICE_NAME.to_owned(), name.to_owned()),
        (MANAGED_BY.to_owned(), OURS.to_owned()),
    ]);
    if is_headless(service) {
        labels.insert("service.kubernetes.io/headless".to_owned(), String::new());
    }
    let ports = ports.iter().map(|port| EndpointPort {
        name: Some(port.name.clone().unwrap_or_default()),
        port: Some(port.number),
        protocol: Some(port.protocol.clone()),
        app_protocol: port.app_protocol.clone(),
    });
    EndpointSlice {
        metadata: ObjectMeta {
            namespace: service.metadata.namespace.clone(),
            name: Some(format!("{name}-{suffix}")),
            labels: Some(labels),
            owner_references: Some(vec![pods::owned_by(service)]),
            ..ObjectMeta::default()
        },
        address_type: "IPv4".to_owned(),
        endpoints: Some(endpoints.to_vec()),
        ports: Some(ports.collect()),
    }
}

fn plain(world: &World, service: &Service, groups: &BTreeMap<Vec<Port>, Vec<Endpoint>>) -> Option<Write> {
    let subsets: Vec<EndpointSubset> =
        groups.iter().filter(|(_, endpoints)| !endpoints.is_empty()).map(subset).collect();
    let key = Key::of(service);
    let body = json!({ "subsets": subsets });
    match world.endpoints.find(&key) {
        None => Some(Write::Create(Box::new(Object::Endpoints(Endpoints {
            metadata: ObjectMeta {
                namespace: service.metadata.namespace.clone(),
                name: service.metadata.name.clone(),
                labels: service.metadata.labels.clone(),
                owner_references: Some(vec![pods::owned_by(service)]),
                ..ObjectMeta::default()
            },
            subsets: Some(subsets),
        })))),
        Some(known) if known.subsets.clone().unwrap_or_default() == subsets => None,
        Some(_) => Some(Write::Patch { kind: Kind::Endpoints, key, body }),
    }
}

fn subset((ports, endpoints): (&Vec<Port>, &Vec<Endpoint>)) -> EndpointSubset {
    let of = |ready: bool| {
        let chosen = endpoints.iter().filter(|endpoint| {
            endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) == Some(ready)
        });
        let addresses: Vec<EndpointAddress> = chosen
            .map(|endpoint| EndpointAddress {
                ip: endpoint.addresses.first().cloned().unwrap_or_default(),
                hostname: endpoint.hostname.clone(),
                node_name: endpoint.node_name.clone(),
                target_ref: endpoint.target_ref.clone(),
            })
            .collect();
        (!addresses.is_empty()).then_some(addresses)
    };
    let ports = ports.iter().map(|port| PlainPort {
        name: port.name.clone(),
        port: port.number,
        protocol: Some(port.protocol.clone()),
        app_protocol: port.app_protocol.clone(),
    });
    EndpointSubset { addresses: of(true), not_ready_addresses: of(false), ports: Some(ports.collect()) }
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;
    use serde_json::{Value, json};

    use super::*;

    fn world(service: Value, pods: &[Value]) -> World {
        let mut world = World::default();
        world.services.observe(Event::Apply(serde_json::from_value(service).unwrap()));
        for pod in pods {
            world.pods.observe(Event::Apply(serde_json::from_value(pod.clone()).unwrap()));
        }
        world
    }

    fn service(target: Value) -> Value {
        json!({ "metadata": { "namespace": "ns", "name": "web", "uid": "s" },
                "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": target }] } })
    }

    fn pod(name: &str, app: &str, address: &str, ready: bool, http: i32) -> Value {
        json!({ "metadata": { "namespace": "ns", "name": name, "labels": { "app": app } },
                "spec": { "containers": [{ "name": "c", "ports": [{ "name": "http", "containerPort": http }] }] },
                "status": { "podIP": address, "phase": "Running",
                    "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] } })
    }

    fn check(world: &World) -> Vec<String> {
        let told = |write: &Write| match write {
            Write::Create(object) => match object.as_ref() {
                Object::EndpointSlice(slice) => {
                    let ready = |e: &Endpoint| e.conditions.as_ref().unwrap().ready.unwrap();
                    let ends: Vec<String> = slice
                        .endpoints
                        .as_ref()
                        .unwrap()
                        .iter()
                        .map(|e| format!("{}{}", e.addresses[0], if ready(e) { "" } else { "?" }))
                        .collect();
                    let ports: Vec<_> = slice.ports.as_ref().unwrap().iter().filter_map(|p| p.port).collect();
                    format!("{} {ports:?}", ends.join(","))
                }
                Object::ReplicaSet(_) | Object::Pod(_) | Object::Endpoints(_) | Object::Claim(_) => {
                    object.to_string()
                }
            },
            Write::Patch { .. } | Write::PatchStatus { .. } | Write::Delete { .. } => write.to_string(),
        };
        plan(world).iter().map(told).collect()
    }

    #[test]
    fn a_slice_names_the_pods_and_whether_they_are_ready() {
        let pods = [
            pod("a", "web", "10.0.0.1", true, 8080),
            pod("b", "web", "10.0.0.2", false, 8080),
            pod("c", "other", "10.0.0.3", true, 8080),
        ];
        assert_eq!(
            check(&world(service(json!("http")), &pods)),
            ["10.0.0.1,10.0.0.2? [8080]", "Endpoints web"]
        );
    }

    #[test]
    fn pods_with_other_port_numbers_get_a_slice_of_their_own() {
        let pods = [pod("a", "web", "10.0.0.1", true, 1), pod("b", "web", "10.0.0.2", true, 2)];
        let told = check(&world(service(json!("http")), &pods));
        assert_eq!(told, ["10.0.0.1 [1]", "10.0.0.2 [2]", "Endpoints web"]);
    }

    #[test]
    fn a_service_without_pods_has_an_empty_slice() {
        assert_eq!(check(&world(service(json!(443)), &[])), [" []", "Endpoints web"]);
    }
}
