//! Kubeconfigs, as files.

use std::{fs, io::Write, net::IpAddr, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::Context;
use k8s_openapi::api::core::v1::Secret;
use kube::{config::Kubeconfig, core::DynamicObject};

use crate::workloads::Key;

/// A kubeconfig that works from the host.
pub(super) struct Found {
    pub(super) kubeconfig: Kubeconfig,
    /// What else the user may want to do.
    pub(super) note: Option<String>,
}

/// The Secret that a Kubeconfig object asks for.
///
/// # Errors
/// It names none.
pub(super) fn secret_of(object: &DynamicObject) -> anyhow::Result<Key> {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let name = object.data["spec"]["secretRef"]["name"].as_str().context("the Kubeconfig names no Secret")?;
    Ok(Key::new(namespace, name))
}

/// The kubeconfig in a Secret.
pub(super) fn data(secret: &Secret) -> Option<Vec<u8>> {
    Some(secret.data.as_ref()?.get("kubeconfig")?.0.clone())
}

/// The same kubeconfig for this machine.
///
/// Its server has the installation's name. Where the host does not know that name, the address is used instead, and the
/// name for the certificate only.
///
/// # Errors
/// It is none.
pub(super) fn reachable_from_here(data: &[u8]) -> anyhow::Result<Found> {
    let kubeconfig = Kubeconfig::from_yaml(std::str::from_utf8(data)?)?;
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    Ok(reachable(kubeconfig, &hosts))
}

fn reachable(mut kubeconfig: Kubeconfig, hosts: &str) -> Found {
    let mut unknown = None;
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|cluster| cluster.cluster.as_mut()) {
        let Some(url) = cluster.server.as_deref().and_then(|server| url::Url::parse(server).ok()) else {
            continue;
        };
        let Some(name) = url.domain().map(str::to_owned).filter(|name| !is_local(name, hosts)) else {
            continue;
        };
        let mut here = url;
        if here.set_host(Some("127.0.0.1")).is_ok() {
            cluster.server = Some(here.to_string());
            cluster.tls_server_name.get_or_insert_with(|| name.clone());
            unknown = Some(name);
        }
    }
    let note = unknown.map(|name| {
        format!(
            "\nThis machine does not know the name {name}, which URLs of workspaces have. To use them, type:\n\n    \
             echo '127.0.0.1 {name}' | sudo tee -a /etc/hosts\n"
        )
    });
    Found { kubeconfig, note }
}

fn is_local(name: &str, hosts: &str) -> bool {
    name == "localhost"
        || hosts.lines().any(|line| {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
            address.is_some_and(|address| address.is_loopback()) && words.any(|word| word == name)
        })
}

/// Writes it for its owner alone.
///
/// # Errors
/// Names the file.
pub(crate) fn write(path: &Path, kubeconfig: &Kubeconfig) -> anyhow::Result<()> {
    let text = serde_saphyr::to_string(kubeconfig)?;
    let next = path.with_extension("kubeconfig.tmp");
    let told = || format!("writing {}", path.display());
    let mut file = fs::File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&next)
        .with_context(told)?;
    file.write_all(text.as_bytes()).with_context(told)?;
    fs::rename(&next, path).with_context(told)
}

/// The port of the first server in a file written before.
pub(crate) fn port_of(path: &Path) -> Option<u16> {
    let kubeconfig = Kubeconfig::read_from(path).ok()?;
    let server = kubeconfig.clusters.first()?.cluster.as_ref()?.server.clone()?;
    url::Url::parse(&server).ok()?.port()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(hosts: &str, server: &str) -> (String, Option<String>, bool) {
        let kubeconfig = json!({ "clusters": [{ "name": "c", "cluster": { "server": server } }] });
        let found = reachable(serde_json::from_value(kubeconfig).unwrap(), hosts);
        let cluster = found.kubeconfig.clusters[0].cluster.clone().unwrap();
        (cluster.server.unwrap(), cluster.tls_server_name, found.note.is_some())
    }

    #[test]
    fn a_name_that_the_host_does_not_know_is_kept_for_the_certificate() {
        let url = "https://kcp.example.com:8443/clusters/root";
        assert_eq!(check("127.0.0.1 localhost kcp.example.com # x", url), (url.into(), None, false));
        let here = "https://127.0.0.1:8443/clusters/root";
        assert_eq!(
            check("10.0.0.1 kcp.example.com", url),
            (here.into(), Some("kcp.example.com".into()), true)
        );
        assert_eq!(check("", "https://localhost:1/"), ("https://localhost:1/".into(), None, false));
    }

    #[test]
    fn a_kubeconfig_is_written_for_its_owner_and_read_back() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("host.kubeconfig");
        let kubeconfig =
            json!({ "clusters": [{ "name": "c", "cluster": { "server": "https://127.0.0.1:4711/x" } }] });
        write(&path, &serde_json::from_value(kubeconfig).unwrap()).unwrap();
        assert_eq!(port_of(&path), Some(4711));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
