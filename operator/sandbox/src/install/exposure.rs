//! Which Services of the sandbox are reached from the host, and under which names: its own API, and every FrontProxy at the
//! port and name of its installation.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use kube::{
    Api, Client,
    api::ListParams,
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use tokio::sync::watch;

use crate::{net::Publication, node::Published, workloads::Key};

/// How often FrontProxies are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where a FrontProxy will be reached from the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// `namespace/name`
    pub(crate) proxy: String,
    pub(crate) port: u16,
}

/// The doors that manifests ask for; those of a RootShard that is not among them are not known yet.
pub(super) fn wishes(manifests: &[DynamicObject]) -> Vec<Wish> {
    let of_kind = |kind: &str| {
        let found =
            manifests.iter().filter(|object| object.types.as_ref().is_some_and(|types| types.kind == kind));
        found.cloned().map(placed).collect::<Vec<_>>()
    };
    let doors = doors(&of_kind("FrontProxy"), &of_kind("RootShard"));
    doors.into_iter().map(|door| Wish { proxy: door.proxy.to_string(), port: door.port }).collect()
}

/// As it will be applied.
fn placed(mut object: DynamicObject) -> DynamicObject {
    object.metadata.namespace.get_or_insert_with(|| "default".to_owned());
    object
}

/// Keeps publications as the FrontProxies want them.
pub(crate) struct Exposure {
    pub(crate) client: Client,
    /// The API's own.
    pub(crate) api: Publication,
    pub(crate) publications: watch::Sender<Vec<Publication>>,
    pub(crate) names: watch::Sender<Published>,
}

impl Exposure {
    /// Does not return.
    pub(crate) async fn run(self) {
        loop {
            let (proxies, shards) = tokio::join!(self.list("FrontProxy"), self.list("RootShard"));
            if let (Some(proxies), Some(shards)) = (proxies, shards) {
                let doors = doors(&proxies, &shards);
                let listen = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                let mut wanted = vec![self.api.clone()];
                wanted.extend(doors.iter().map(|door| Publication {
                    listen: listen(door.port),
                    service: door.service.clone(),
                    port: door.port,
                }));
                replace(&self.publications, wanted);
                let names = doors.into_iter().map(|door| (door.hostname, door.service));
                replace(&self.names, Published(names.collect()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// None while the kind is not there.
    async fn list(&self, kind: &str) -> Option<Vec<DynamicObject>> {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("operator.kcp.io", "v1alpha1", kind));
        // The plural that is guessed from the kind is right for both.
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &kind);
        api.list(&ListParams::default()).await.ok().map(|list| list.items)
    }
}

fn replace<T: PartialEq>(sender: &watch::Sender<T>, value: T) {
    sender.send_if_modified(|known| {
        let changed = *known != value;
        *known = value;
        changed
    });
}

/// A way into an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entrance {
    proxy: Key,
    hostname: String,
    port: u16,
    service: Key,
}

/// The first FrontProxy on a port has it.
fn doors(proxies: &[DynamicObject], shards: &[DynamicObject]) -> Vec<Entrance> {
    let mut by_port: BTreeMap<u16, Entrance> = BTreeMap::new();
    for proxy in proxies {
        let name = proxy.metadata.name.as_deref().unwrap_or_default();
        let namespace = proxy.metadata.namespace.as_deref().unwrap_or_default();
        let shard = proxy.data["spec"]["rootShard"]["ref"]["name"].as_str();
        let shard = shards.iter().find(|found| {
            found.metadata.namespace == proxy.metadata.namespace && found.metadata.name.as_deref() == shard
        });
        let Some((hostname, port)) = external(proxy, shard) else { continue };
        let (proxy, service) =
            (Key::new(namespace, name), Key::new(namespace, &format!("{name}-front-proxy")));
        by_port.entry(port).or_insert(Entrance { proxy, hostname, port, service });
    }
    by_port.into_values().collect()
}

/// The proxy's own name and port, else those of its installation.
fn external(proxy: &DynamicObject, shard: Option<&DynamicObject>) -> Option<(String, u16)> {
    let own = &proxy.data["spec"]["external"];
    let hostname = |external: &serde_json::Value| {
        external["hostname"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
    };
    let port = |external: &serde_json::Value| {
        external["port"].as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)
    };
    if let (Some(hostname), Some(port)) = (hostname(own), port(own)) {
        return Some((hostname, port));
    }
    let installation = shard.map(|shard| &shard.data["spec"]["external"]);
    if let Some(old) = proxy.data["spec"]["externalHostname"].as_str().filter(|name| !name.is_empty()) {
        return match old.rsplit_once(':') {
            Some((name, number)) => Some((name.to_owned(), number.parse().ok()?)),
            None => Some((old.to_owned(), 6443)),
        };
    }
    let installation = installation?;
    Some((hostname(installation)?, port(installation)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(spec: serde_json::Value) -> Option<(String, u16)> {
        let object = |kind: &str, name: &str, spec: serde_json::Value| -> DynamicObject {
            let object = json!({ "apiVersion": "operator.kcp.io/v1alpha1", "kind": kind, "spec": spec,
                                 "metadata": { "name": name, "namespace": "ns" } });
            serde_json::from_value(object).unwrap()
        };
        let mut proxy = object("FrontProxy", "fp", spec);
        proxy.data["spec"]["rootShard"] = json!({ "ref": { "name": "root" } });
        let shard = json!({ "external": { "hostname": "kcp.example.com", "port": 8443 } });
        let doors = doors(&[proxy], &[object("RootShard", "root", shard)]);
        doors.into_iter().next().map(|door| {
            assert_eq!(door.service, Key::new("ns", "fp-front-proxy"));
            (door.hostname, door.port)
        })
    }

    #[test]
    fn a_proxy_has_the_name_of_its_installation_unless_it_has_its_own() {
        assert_eq!(check(json!({})), Some(("kcp.example.com".into(), 8443)));
        assert_eq!(
            check(json!({ "external": { "hostname": "own", "port": 443 } })),
            Some(("own".into(), 443))
        );
        assert_eq!(
            check(json!({ "external": { "hostname": "", "port": 0 } })),
            Some(("kcp.example.com".into(), 8443))
        );
        assert_eq!(check(json!({ "externalHostname": "old:9443" })), Some(("old".into(), 9443)));
        assert_eq!(check(json!({ "externalHostname": "old" })), Some(("old".into(), 6443)));
    }
}
