//! The names a pod can resolve: there is no DNS in a sandbox, only `/etc/hosts`.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use k8s_openapi::api::core::v1::{Pod, Service};

use super::{fields, known::Known};
use crate::workloads::Key;

/// The suffix of all names inside the sandbox.
const CLUSTER_DOMAIN: &str = "cluster.local";

/// Names of the outside that mean a Service in here: host name → Service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Published(pub(crate) BTreeMap<String, Key>);

/// The text of the pod's `/etc/hosts`.
pub(crate) fn hosts(pod: &Pod, address: Ipv4Addr, known: &Known, published: &Published) -> String {
    let mut lines = vec!["127.0.0.1 localhost".to_owned(), "::1 localhost ip6-localhost".to_owned()];
    lines.push(format!("{address} {}", own_names(pod)));
    for alias in pod.spec.iter().filter_map(|spec| spec.host_aliases.as_ref()).flatten() {
        lines.push(format!("{} {}", alias.ip, alias.hostnames.clone().unwrap_or_default().join(" ")));
    }
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    for service in known.services.iter() {
        lines.extend(names_of(service, namespace, known));
    }
    for (name, service) in &published.0 {
        let address = known.services.find(service).and_then(cluster_ip);
        lines.extend(address.filter(|_| name != "localhost").map(|address| format!("{address} {name}")));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Writes the files of a pod's `/etc` that are the pod's own, each replaced as a whole.
///
/// # Errors
/// Of the file system.
pub(crate) fn write(directory: &Path, pod: &Pod, hosts: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let files = [
        ("hosts", hosts.to_owned()),
        ("hostname", format!("{}\n", fields::hostname(pod))),
        // Nobody answers there; resolvers that insist on a server fail at once.
        ("resolv.conf", format!("search svc.{CLUSTER_DOMAIN} {CLUSTER_DOMAIN}\nnameserver 127.0.0.1\n")),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n".to_owned()),
    ];
    for (name, text) in files {
        let next = directory.join(format!(".{name}"));
        fs::write(&next, text)?;
        fs::rename(next, directory.join(name))?;
    }
    Ok(())
}

fn own_names(pod: &Pod) -> String {
    let hostname = fields::hostname(pod);
    let subdomain = pod.spec.as_ref().and_then(|spec| spec.subdomain.as_deref());
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    match subdomain.filter(|subdomain| !subdomain.is_empty()) {
        Some(subdomain) => format!("{hostname}.{subdomain}.{namespace}.svc.{CLUSTER_DOMAIN} {hostname}"),
        None => hostname,
    }
}

/// A Service with an address has one line; a headless one has its ready pods', each also under its own name.
fn names_of(service: &Service, namespace: &str, known: &Known) -> Vec<String> {
    let key = Key::of(service);
    let names = |prefix: &str| names(&format!("{prefix}{}", key.name), &key.namespace, namespace);
    if let Some(address) = cluster_ip(service) {
        return vec![format!("{address} {}", names(""))];
    }
    let slices = known.slices.iter().filter(|slice| {
        let labels = slice.metadata.labels.as_ref();
        slice.metadata.namespace.as_deref() == Some(key.namespace.as_str())
            && labels.and_then(|labels| labels.get("kubernetes.io/service-name")) == Some(&key.name)
    });
    let mut lines = Vec::new();
    for endpoint in slices.filter_map(|slice| slice.endpoints.as_ref()).flatten() {
        let ready = endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true);
        for address in endpoint.addresses.iter().filter(|_| ready) {
            if let Some(hostname) = &endpoint.hostname {
                lines.push(format!("{address} {}", names(&format!("{hostname}."))));
            }
            lines.push(format!("{address} {}", names("")));
        }
    }
    lines
}

fn names(name: &str, of: &str, namespace: &str) -> String {
    let full = format!("{name}.{of}.svc.{CLUSTER_DOMAIN} {name}.{of}.svc {name}.{of}");
    if of == namespace { format!("{full} {name}") } else { full }
}

fn cluster_ip(service: &Service) -> Option<IpAddr> {
    service.spec.as_ref()?.cluster_ip.as_deref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher::Event;
    use serde_json::json;

    use super::*;

    fn check(services: &[serde_json::Value], published: &[(&str, &str, &str)], expected: &[&str]) {
        let pod = json!({ "metadata": { "namespace": "ns", "name": "p" },
            "spec": { "containers": [], "hostAliases": [{ "ip": "1.2.3.4", "hostnames": ["a", "b"] }] } });
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let mut known = Known::default();
        for service in services {
            known.services.observe(Event::Apply(serde_json::from_value(service.clone()).unwrap()));
        }
        let slice = json!({ "metadata": { "namespace": "ns", "name": "db-x",
                "labels": { "kubernetes.io/service-name": "db" } }, "addressType": "IPv4",
            "endpoints": [{ "addresses": ["10.244.0.5"], "hostname": "db-0", "conditions": { "ready": true } },
                          { "addresses": ["10.244.0.6"], "conditions": { "ready": false } }] });
        known.slices.observe(Event::Apply(serde_json::from_value(slice).unwrap()));
        let published = published.iter().map(|(host, ns, name)| ((*host).to_owned(), Key::new(ns, name)));
        let text = hosts(&pod, Ipv4Addr::new(10, 244, 0, 2), &known, &Published(published.collect()));
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn services_are_known_by_all_their_names() {
        let service = |ns: &str, name: &str, ip: &str| json!({ "metadata": { "namespace": ns, "name": name }, "spec": { "clusterIP": ip } });
        check(
            &[
                service("ns", "web", "10.96.0.9"),
                service("other", "web", "10.96.0.8"),
                service("ns", "db", "None"),
            ],
            &[
                ("kcp.example.com", "ns", "web"),
                ("localhost", "ns", "web"),
                ("gone.example.com", "ns", "gone"),
            ],
            &[
                "10.244.0.2 p",
                "1.2.3.4 a b",
                "10.244.0.5 db-0.db.ns.svc.cluster.local db-0.db.ns.svc db-0.db.ns db-0.db",
                "10.244.0.5 db.ns.svc.cluster.local db.ns.svc db.ns db",
                "10.96.0.9 web.ns.svc.cluster.local web.ns.svc web.ns web",
                "10.96.0.8 web.other.svc.cluster.local web.other.svc web.other",
                "10.96.0.9 kcp.example.com",
            ],
        );
    }

    #[test]
    fn the_files_are_replaced_as_a_whole() {
        let directory = tempfile::tempdir().unwrap();
        let pod = Pod::default();
        write(directory.path(), &pod, "one").unwrap();
        let reader = fs::File::open(directory.path().join("hosts")).unwrap();
        write(directory.path(), &pod, "two").unwrap();
        assert_eq!(io::read_to_string(reader).unwrap(), "one");
        assert_eq!(fs::read_to_string(directory.path().join("hosts")).unwrap(), "two");
    }
}
