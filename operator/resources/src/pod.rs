//! A server in a pod: what it is told, what it sees, and when it is replaced.
//!
//! A pod is replaced when its template changes. What a process reads anew by itself (its certificates
//! and authorities) is mounted and nothing more; of what it reads once, a digest is kept in an
//! annotation of the template, so that a change of content replaces the pod and a change of
//! anything else does not. Of other images than the bundled one nothing is known, and everything counts.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{
    ConfigMap, ConfigMapVolumeSource, KeyToPath, PersistentVolumeClaimVolumeSource, Secret,
    SecretVolumeSource, Volume, VolumeMount,
};

use crate::certificate::short_digest;
use crate::objects::Object;

/// The Secrets and ConfigMaps that pods mount, as far as they exist.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// By name.
    pub secrets: BTreeMap<String, Secret>,
    /// By name.
    pub config_maps: BTreeMap<String, ConfigMap>,
}

impl Contents {
    /// One entry of a Secret.
    pub fn secret(&self, name: &str, key: &str) -> Option<&[u8]> {
        self.secrets.get(name)?.data.as_ref()?.get(key).map(|ByteString(bytes)| bytes.as_slice())
    }

    /// The same with objects that are about to be applied.
    pub(crate) fn with(&self, objects: &[Object]) -> Self {
        let mut all = self.clone();
        for object in objects {
            match object {
                Object::Secret(secret) => drop(all.secrets.insert(object.name(), secret.clone())),
                Object::ConfigMap(map) => drop(all.config_maps.insert(object.name(), map.clone())),
                Object::Deployment(_) | Object::Service(_) | Object::Claim(_) | Object::CertManager(_) => {}
            }
        }
        all
    }

    fn has(&self, source: &Source) -> bool {
        match source.kind {
            Kind::Secret => self.secrets.contains_key(&source.name),
            Kind::ConfigMap => self.config_maps.contains_key(&source.name),
        }
    }

    /// All that the object holds, in the order of its keys.
    fn bytes_of(&self, source: &Source) -> Vec<u8> {
        let mut all = Vec::new();
        let mut add = |key: &str, value: &[u8]| {
            // Lengths keep `a`+`bc` apart from `ab`+`c`.
            all.extend(key.len().to_be_bytes());
            all.extend(key.as_bytes());
            all.extend(value.len().to_be_bytes());
            all.extend(value);
        };
        match source.kind {
            Kind::Secret => {
                for (key, value) in
                    self.secrets.get(&source.name).and_then(|s| s.data.as_ref()).into_iter().flatten()
                {
                    add(key, &value.0);
                }
            }
            Kind::ConfigMap => {
                let map = self.config_maps.get(&source.name);
                for (key, value) in map.and_then(|map| map.data.as_ref()).into_iter().flatten() {
                    add(key, value.as_bytes());
                }
                for (key, value) in map.and_then(|map| map.binary_data.as_ref()).into_iter().flatten() {
                    add(key, &value.0);
                }
            }
        }
        all
    }
}

/// Whether a process notices that a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// It reads the file again.
    Again,
    /// It reads the file when it starts.
    Once,
}

/// An object that a pod mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Whether the operator waits for it. A volume of the user's own may be optional.
    required: bool,
    reads: Reads,
}

impl Source {
    /// A Secret that is read, by whatever.
    pub(crate) fn secret(name: &str) -> Self {
        Self { kind: Kind::Secret, name: name.to_owned(), required: true, reads: Reads::Again }
    }
}

/// A kind of object that pods mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Secret
    Secret,
    /// ConfigMap
    ConfigMap,
}

/// The pod of one server, under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pod {
    pub(crate) args: Vec<String>,
    pub(crate) volumes: Vec<Volume>,
    pub(crate) mounts: Vec<VolumeMount>,
    pub(crate) sources: Vec<Source>,
}

impl Pod {
    pub(crate) fn arg(&mut self, arg: impl Into<String>) {
        self.args.push(arg.into());
    }

    /// `--flag=value`, unless there is no value.
    pub(crate) fn flag(&mut self, flag: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.args.push(format!("--{flag}={value}"));
        }
    }

    /// Mounts a Secret. A volume that is there already is mounted once more.
    pub(crate) fn secret(&mut self, volume: &str, secret: &str, path: &str, reads: Reads) {
        let source = SecretVolumeSource {
            secret_name: Some(secret.to_owned()),
            default_mode: Some(0o644),
            ..SecretVolumeSource::default()
        };
        self.mount(volume, path, Some(true), Volume { secret: Some(source), ..Volume::default() });
        self.source(Kind::Secret, secret, true, reads);
    }

    /// Mounts the certificate of an authority. Its key, which is in the same Secret, stays outside.
    pub(crate) fn authority(&mut self, volume: &str, secret: &str, path: &str) {
        self.secret(volume, secret, path, Reads::Again);
        let certificate = KeyToPath { key: "tls.crt".to_owned(), path: "tls.crt".to_owned(), mode: None };
        let name = volume_name(volume);
        for volume in self.volumes.iter_mut().filter(|volume| volume.name == name) {
            if let Some(source) = &mut volume.secret {
                source.items = Some(vec![certificate.clone()]);
            }
        }
    }

    /// Mounts a ConfigMap.
    pub(crate) fn config_map(&mut self, volume: &str, name: &str, path: &str, reads: Reads) {
        let source = ConfigMapVolumeSource {
            name: name.to_owned(),
            default_mode: Some(0o644),
            ..ConfigMapVolumeSource::default()
        };
        self.mount(volume, path, Some(true), Volume { config_map: Some(source), ..Volume::default() });
        self.source(Kind::ConfigMap, name, true, reads);
    }

    /// Mounts a claimed volume, to be written to.
    pub(crate) fn claim(&mut self, volume: &str, claim: &str, path: &str) {
        let source = PersistentVolumeClaimVolumeSource { claim_name: claim.to_owned(), read_only: None };
        self.mount(volume, path, None, Volume { persistent_volume_claim: Some(source), ..Volume::default() });
    }

    fn mount(&mut self, volume: &str, path: &str, read_only: Option<bool>, source: Volume) {
        let name = volume_name(volume);
        if self.volumes.iter().all(|there| there.name != name) {
            self.volumes.push(Volume { name: name.clone(), ..source });
        }
        let mount = VolumeMount { name, mount_path: path.to_owned(), read_only, ..VolumeMount::default() };
        self.mounts.push(mount);
    }

    /// Volumes and mounts of the user's own. What they hold counts as read once.
    pub(crate) fn extra(&mut self, volumes: &[Volume], mounts: &[VolumeMount]) {
        for volume in volumes {
            if let Some(name) = volume.secret.as_ref().and_then(|secret| secret.secret_name.as_deref()) {
                self.source(Kind::Secret, name, false, Reads::Once);
            }
            if let Some(map) = &volume.config_map {
                self.source(Kind::ConfigMap, &map.name, false, Reads::Once);
            }
        }
        self.volumes.extend(volumes.iter().cloned());
        self.mounts.extend(mounts.iter().cloned());
    }

    fn source(&mut self, kind: Kind, name: &str, required: bool, reads: Reads) {
        self.sources.push(Source { kind, name: name.to_owned(), required, reads });
    }

    /// The first thing that the pod cannot do without and that does not exist.
    pub(crate) fn missing(&self, contents: &Contents) -> Option<String> {
        let missing = self.sources.iter().find(|source| source.required && !contents.has(source))?;
        Some(match missing.kind {
            Kind::Secret => format!("Secret {} does not exist", missing.name),
            Kind::ConfigMap => format!("ConfigMap {} does not exist", missing.name),
        })
    }

    /// A digest of what the process reads once; `None` if it reads nothing of that sort.
    pub(crate) fn digest(&self, contents: &Contents, bundled: bool) -> Option<String> {
        let counted = |source: &&Source| source.reads == Reads::Once || !bundled;
        let mut bytes = Vec::new();
        for source in self.sources.iter().filter(counted) {
            bytes.extend(source.name.as_bytes());
            bytes.push(0);
            bytes.extend(contents.bytes_of(source));
        }
        (!bytes.is_empty()).then(|| short_digest(&bytes))
    }
}

/// Volumes are mostly called like what they mount, which may have a longer name or dots in it.
fn volume_name(name: &str) -> String {
    if name.len() <= 63 && !name.contains('.') {
        return name.to_owned();
    }
    let start: String = name.chars().take(46).map(|c| if c == '.' { '-' } else { c }).collect();
    format!("{start}-{}", short_digest(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(secrets: &[(&str, &str)]) -> Contents {
        let secret = |value: &str| Secret {
            data: Some(BTreeMap::from([("key".to_owned(), ByteString(value.into()))])),
            ..Secret::default()
        };
        let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), secret(value))).collect();
        Contents { secrets, ..Contents::default() }
    }

    fn pod() -> Pod {
        let mut pod = Pod::default();
        pod.secret("tls", "tls", "/tls", Reads::Again);
        pod.secret("webhook", "webhook", "/webhook", Reads::Once);
        pod
    }

    #[test]
    fn a_pod_is_replaced_for_what_it_reads_once() {
        let digest =
            |tls, webhook, bundled| pod().digest(&contents(&[("tls", tls), ("webhook", webhook)]), bundled);
        assert_eq!(digest("1", "1", true), digest("2", "1", true));
        assert_ne!(digest("1", "1", true), digest("1", "2", true));
        assert_ne!(digest("1", "1", false), digest("2", "1", false), "another image may read it once");
    }

    #[test]
    fn a_pod_waits_for_what_it_mounts() {
        assert_eq!(pod().missing(&contents(&[("tls", "1")])).unwrap(), "Secret webhook does not exist");
        assert_eq!(pod().missing(&contents(&[("tls", "1"), ("webhook", "1")])), None);
    }

    #[test]
    fn a_volume_has_a_possible_name() {
        assert_eq!(volume_name("kcp-proxy-server"), "kcp-proxy-server");
        let long = volume_name(&"a.b".repeat(30));
        assert!(long.len() == 63 && !long.contains('.'), "{long}");
    }
}
