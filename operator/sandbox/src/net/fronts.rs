//! Which addresses are listened on, and who is behind each: a function of Services and EndpointSlices.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use k8s_openapi::api::{
    core::v1::{Service, ServicePort},
    discovery::v1::EndpointSlice,
};

use crate::{node::known::Known, workloads::Key};

/// A port of a Service that is reached from the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Publication {
    /// Where on the host.
    pub(crate) listen: SocketAddr,
    pub(crate) service: Key,
    /// The Service's port.
    pub(crate) port: u16,
}

/// An address that is listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Front {
    /// A Service's port inside the sandbox.
    Cluster(Ipv4Addr, u16),
    /// A published one, outside.
    Host(SocketAddr),
}

/// All fronts with their backends. A Service without ready pods has no front, so that connecting to it is refused as it
/// should be; a publication always has one, so that its port stays ours.
pub(crate) fn fronts(known: &Known, published: &[Publication]) -> BTreeMap<Front, Vec<SocketAddr>> {
    let mut fronts = BTreeMap::new();
    for service in known.services.iter() {
        let address = service.spec.as_ref().and_then(|spec| spec.cluster_ip.as_deref()?.parse().ok());
        let Some(address) = address else { continue };
        for port in tcp_ports(service) {
            let backends = backends(known, service, port);
            if let Some(number) = number(port.port).filter(|_| !backends.is_empty()) {
                fronts.insert(Front::Cluster(address, number), backends);
            }
        }
    }
    for publication in published {
        let service = known.services.find(&publication.service);
        let backends = service.and_then(|service| {
            let port = tcp_ports(service).find(|port| number(port.port) == Some(publication.port))?;
            Some(backends(known, service, port))
        });
        fronts.insert(Front::Host(publication.listen), backends.unwrap_or_default());
    }
    fronts
}

fn tcp_ports(service: &Service) -> impl Iterator<Item = &ServicePort> {
    let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
    ports.iter().filter(|port| port.protocol.as_deref().unwrap_or("TCP") == "TCP")
}

fn backends(known: &Known, service: &Service, port: &ServicePort) -> Vec<SocketAddr> {
    let slices = known.slices.iter().filter(|slice| is_of(slice, service));
    let mut backends: Vec<SocketAddr> = slices.flat_map(|slice| of_slice(slice, port)).collect();
    backends.sort_unstable();
    backends.dedup();
    backends
}

fn is_of(slice: &EndpointSlice, service: &Service) -> bool {
    let labels = slice.metadata.labels.as_ref();
    slice.metadata.namespace == service.metadata.namespace
        && labels.and_then(|labels| labels.get("kubernetes.io/service-name"))
            == service.metadata.name.as_ref()
}

fn of_slice(slice: &EndpointSlice, port: &ServicePort) -> Vec<SocketAddr> {
    let named = |name: &Option<String>| name.clone().unwrap_or_default();
    let mut ports = slice.ports.iter().flatten().filter(|found| named(&found.name) == named(&port.name));
    let Some(number) = ports.next().and_then(|found| number(found.port?)) else { return Vec::new() };
    let ready = slice.endpoints.iter().flatten().filter(|endpoint| {
        endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
    });
    let addresses = ready.flat_map(|endpoint| &endpoint.addresses);
    addresses.filter_map(|address| Some(SocketAddr::new(address.parse::<IpAddr>().ok()?, number))).collect()
}

fn number(port: i32) -> Option<u16> {
    u16::try_from(port).ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;
    use serde_json::{Value, json};

    use super::*;

    fn check(endpoints: Value, published: &[(&str, u16)]) -> Vec<String> {
        let mut known = Known::default();
        let service = json!({ "metadata": { "namespace": "ns", "name": "web" }, "spec": { "clusterIP": "10.96.0.9",
            "ports": [{ "name": "https", "port": 443 }, { "name": "dns", "port": 53, "protocol": "UDP" }] } });
        known.services.observe(Event::Apply(serde_json::from_value(service).unwrap()));
        let slice = json!({ "metadata": { "namespace": "ns", "name": "web-1",
                "labels": { "kubernetes.io/service-name": "web" } }, "addressType": "IPv4",
            "ports": [{ "name": "https", "port": 6443 }], "endpoints": endpoints });
        known.slices.observe(Event::Apply(serde_json::from_value(slice).unwrap()));
        let published: Vec<Publication> = published
            .iter()
            .map(|(listen, port)| Publication {
                listen: listen.parse().unwrap(),
                service: Key::new("ns", "web"),
                port: *port,
            })
            .collect();
        fronts(&known, &published).iter().map(|(front, backends)| format!("{front:?} {backends:?}")).collect()
    }

    #[test]
    fn a_front_leads_to_the_ready_pods() {
        let endpoints = json!([{ "addresses": ["10.244.0.2"], "conditions": { "ready": true } },
                               { "addresses": ["10.244.0.3"], "conditions": { "ready": false } },
                               { "addresses": ["10.244.0.4"] }]);
        assert_eq!(
            check(endpoints, &[("127.0.0.1:8443", 443)]),
            [
                "Cluster(10.96.0.9, 443) [10.244.0.2:6443, 10.244.0.4:6443]",
                "Host(127.0.0.1:8443) [10.244.0.2:6443, 10.244.0.4:6443]",
            ]
        );
    }

    #[test]
    fn without_ready_pods_only_a_publication_stays() {
        assert_eq!(check(json!([]), &[("127.0.0.1:8443", 443)]), ["Host(127.0.0.1:8443) []"]);
        assert_eq!(check(json!([]), &[("127.0.0.1:8443", 80)]), ["Host(127.0.0.1:8443) []"]);
    }
}
