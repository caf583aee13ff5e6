//! What a pod's volumes are made of, and where its containers see them.

use std::{
    collections::BTreeMap,
    io,
    path::{Component, Path, PathBuf},
};

use k8s_openapi::api::core::v1::{
    ConfigMapProjection, Container, DownwardAPIVolumeFile, KeyToPath, Pod, SecretProjection,
    ServiceAccountTokenProjection, Volume, VolumeMount, VolumeProjection,
};

use super::{
    env, fields,
    known::Known,
    quantity,
    swap::{Content, Contents},
};
use crate::container::Mount;

/// Where every container finds the API's address and its token, unless it says otherwise.
const ACCOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const ACCOUNT_VOLUME: &str = "kube-api-access";
const ROOT_CA: &str = "kube-root-ca.crt";
const DEFAULT_MODE: i32 = 0o644;
const TOKEN_SECONDS: i64 = 3607;

/// Why a volume cannot be set up (yet).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("MountVolume.SetUp failed for volume \"{volume}\": {kind} \"{name}\" not found")]
    Missing { volume: String, kind: &'static str, name: String },
    #[error("MountVolume.SetUp failed for volume \"{volume}\": references non-existent key: {key}")]
    MissingKey { volume: String, key: String },
    #[error("MountVolume.SetUp failed for volume \"{volume}\": no token yet: {reason}")]
    NoToken { volume: String, reason: String },
    #[error("volume \"{volume}\": {what} is not available in a sandbox")]
    Refused { volume: String, what: &'static str },
    #[error("MountVolume.SetUp failed for volume \"{volume}\": {reason}")]
    Field { volume: String, reason: String },
}

/// What a volume is made of.
pub(crate) enum Source {
    /// Lives as long as the pod.
    Scratch,
    /// Lives as long as the claim with this uid.
    Claim { uid: String, read_only: bool },
    /// Follows objects.
    Files(Contents),
}

/// A token that a volume asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TokenWish {
    pub(crate) audience: Option<String>,
    pub(crate) seconds: i64,
}

/// Tokens by wish, or why there is none.
pub(crate) type Tokens = BTreeMap<TokenWish, Result<String, String>>;

/// The pod as it is run: with the volume of its service account, which elsewhere an admission plugin adds.
pub(crate) fn with_account(pod: &Pod, known: &Known) -> Pod {
    let mut pod = pod.clone();
    let account = fields::service_account(&pod).to_owned();
    let of_account =
        known.account(&pod, &account).and_then(|account| account.automount_service_account_token);
    let Some(spec) = &mut pod.spec else { return pod };
    if !spec.automount_service_account_token.or(of_account).unwrap_or(true) {
        return pod;
    }
    let mut added = false;
    let containers = spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten());
    for container in containers {
        let mounts = container.volume_mounts.get_or_insert_default();
        if mounts.iter().all(|mount| mount.mount_path != ACCOUNT_PATH) {
            mounts.push(VolumeMount {
                name: ACCOUNT_VOLUME.to_owned(),
                mount_path: ACCOUNT_PATH.to_owned(),
                read_only: Some(true),
                ..VolumeMount::default()
            });
            added = true;
        }
    }
    if added {
        spec.volumes.get_or_insert_default().push(account_volume());
    }
    pod
}

fn account_volume() -> Volume {
    let volume = serde_json::json!({
        "name": ACCOUNT_VOLUME,
        "projected": { "defaultMode": DEFAULT_MODE, "sources": [
            { "serviceAccountToken": { "expirationSeconds": TOKEN_SECONDS, "path": "token" } },
            { "configMap": { "name": ROOT_CA, "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [
                { "path": "namespace", "fieldRef": { "fieldPath": "metadata.namespace" } } ] } },
        ]},
    });
    serde_json::from_value(volume).unwrap_or_default()
}

/// The tokens that the pod's volumes ask for.
pub(crate) fn token_wishes(pod: &Pod) -> Vec<TokenWish> {
    let sources =
        volumes(pod).iter().filter_map(|volume| volume.projected.as_ref()?.sources.as_ref()).flatten();
    sources.filter_map(|source| source.service_account_token.as_ref()).map(wish).collect()
}

fn wish(projection: &ServiceAccountTokenProjection) -> TokenWish {
    TokenWish {
        audience: projection.audience.clone().filter(|audience| !audience.is_empty()),
        seconds: projection.expiration_seconds.unwrap_or(3600),
    }
}

/// All volumes of the pod, by name.
///
/// # Errors
/// Names the first volume that cannot be set up, and why.
pub(crate) fn sources(pod: &Pod, known: &Known, tokens: &Tokens) -> Result<BTreeMap<String, Source>, Error> {
    let source = |volume: &Volume| Ok((volume.name.clone(), Filler { pod, known, tokens, volume }.source()?));
    volumes(pod).iter().map(source).collect()
}

fn volumes(pod: &Pod) -> &[Volume] {
    pod.spec.as_ref().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default()
}

struct Filler<'a> {
    pod: &'a Pod,
    known: &'a Known,
    tokens: &'a Tokens,
    volume: &'a Volume,
}

impl Filler<'_> {
    fn source(&self) -> Result<Source, Error> {
        let volume = self.volume;
        let mut contents = Contents::default();
        if let Some(secret) = &volume.secret {
            let projection = SecretProjection {
                name: secret.secret_name.clone().unwrap_or_default(),
                items: secret.items.clone(),
                optional: secret.optional,
            };
            self.secret(&projection, mode(secret.default_mode), &mut contents)?;
        } else if let Some(map) = &volume.config_map {
            let projection = ConfigMapProjection {
                name: map.name.clone(),
                items: map.items.clone(),
                optional: map.optional,
            };
            self.config_map(&projection, mode(map.default_mode), &mut contents)?;
        } else if let Some(downward) = &volume.downward_api {
            let items = downward.items.as_deref().unwrap_or_default();
            self.downward(items, mode(downward.default_mode), &mut contents)?;
        } else if let Some(projected) = &volume.projected {
            for source in projected.sources.as_deref().unwrap_or_default() {
                self.projection(source, mode(projected.default_mode), &mut contents)?;
            }
        } else {
            return self.directory();
        }
        Ok(Source::Files(contents))
    }

    fn directory(&self) -> Result<Source, Error> {
        let volume = self.volume;
        if volume.empty_dir.is_some() {
            return Ok(Source::Scratch);
        }
        if let Some(claim) = &volume.persistent_volume_claim {
            let found = self.known.claim(self.pod, &claim.claim_name);
            let uid = found.and_then(|claim| claim.metadata.uid.clone());
            let uid = uid.ok_or_else(|| self.missing("persistentvolumeclaim", &claim.claim_name))?;
            return Ok(Source::Claim { uid, read_only: claim.read_only == Some(true) });
        }
        let what = if volume.host_path.is_some() {
            "hostPath"
        } else if volume.csi.is_some() {
            "csi"
        } else if volume.ephemeral.is_some() {
            "ephemeral"
        } else if volume.nfs.is_some() {
            "nfs"
        } else {
            "this kind of volume"
        };
        Err(Error::Refused { volume: volume.name.clone(), what })
    }

    fn projection(&self, source: &VolumeProjection, mode: u32, into: &mut Contents) -> Result<(), Error> {
        if let Some(secret) = &source.secret {
            self.secret(secret, mode, into)?;
        }
        if let Some(map) = &source.config_map {
            self.config_map(map, mode, into)?;
        }
        if let Some(downward) = &source.downward_api {
            self.downward(downward.items.as_deref().unwrap_or_default(), mode, into)?;
        }
        if let Some(token) = &source.service_account_token {
            self.token(token, into)?;
        }
        if source.cluster_trust_bundle.is_some() || source.pod_certificate.is_some() {
            return Err(Error::Refused { volume: self.volume.name.clone(), what: "this projection" });
        }
        Ok(())
    }

    fn secret(&self, projection: &SecretProjection, mode: u32, into: &mut Contents) -> Result<(), Error> {
        let optional = projection.optional == Some(true);
        let found = self.known.secret(self.pod, &projection.name);
        let data = match found {
            Some(secret) => secret.data.clone().unwrap_or_default(),
            None if optional => BTreeMap::new(),
            None => return Err(self.missing("secret", &projection.name)),
        };
        let data = data.into_iter().map(|(key, bytes)| (key, bytes.0)).collect();
        self.keys(&data, projection.items.as_deref(), optional, mode, into)
    }

    fn config_map(
        &self,
        projection: &ConfigMapProjection,
        mode: u32,
        into: &mut Contents,
    ) -> Result<(), Error> {
        let optional = projection.optional == Some(true);
        let found = self.known.config_map(self.pod, &projection.name);
        let data = match found {
            Some(map) => {
                let text = map.data.clone().unwrap_or_default().into_iter();
                let binary = map.binary_data.clone().unwrap_or_default().into_iter();
                text.map(|(key, text)| (key, text.into_bytes()))
                    .chain(binary.map(|(key, bytes)| (key, bytes.0)))
                    .collect()
            }
            None if optional => BTreeMap::new(),
            None => return Err(self.missing("configmap", &projection.name)),
        };
        self.keys(&data, projection.items.as_deref(), optional, mode, into)
    }

    /// All keys as files, or the chosen ones under the paths they are given.
    fn keys(
        &self,
        data: &BTreeMap<String, Vec<u8>>,
        items: Option<&[KeyToPath]>,
        optional: bool,
        mode: u32,
        into: &mut Contents,
    ) -> Result<(), Error> {
        let Some(items) = items.filter(|items| !items.is_empty()) else {
            let file =
                |(key, bytes): (&String, &Vec<u8>)| (key.clone(), Content { bytes: bytes.clone(), mode });
            into.0.extend(data.iter().map(file));
            return Ok(());
        };
        for item in items {
            match data.get(&item.key) {
                Some(bytes) => {
                    let mode = item.mode.map_or(mode, |mode| self::mode(Some(mode)));
                    into.0.insert(item.path.clone(), Content { bytes: bytes.clone(), mode });
                }
                None if optional => {}
                None => {
                    return Err(Error::MissingKey {
                        volume: self.volume.name.clone(),
                        key: item.key.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    fn downward(&self, items: &[DownwardAPIVolumeFile], mode: u32, into: &mut Contents) -> Result<(), Error> {
        for item in items {
            let value = match (&item.field_ref, &item.resource_field_ref) {
                (Some(field), _) => fields::value(self.pod, &field.field_path),
                (None, Some(field)) => quantity::resource_field(self.pod, &Container::default(), field),
                (None, None) => Ok(String::new()),
            };
            let value = value.map_err(|reason| Error::Field { volume: self.volume.name.clone(), reason })?;
            let mode = item.mode.map_or(mode, |mode| self::mode(Some(mode)));
            into.0.insert(item.path.clone(), Content { bytes: value.into_bytes(), mode });
        }
        Ok(())
    }

    fn token(&self, projection: &ServiceAccountTokenProjection, into: &mut Contents) -> Result<(), Error> {
        let no_token = |reason: String| Error::NoToken { volume: self.volume.name.clone(), reason };
        let token = match self.tokens.get(&wish(projection)) {
            Some(Ok(token)) => token.clone(),
            Some(Err(reason)) => return Err(no_token(reason.clone())),
            None => return Err(no_token("not asked for".to_owned())),
        };
        into.0.insert(projection.path.clone(), Content { bytes: token.into_bytes(), mode: 0o600 });
        Ok(())
    }

    fn missing(&self, kind: &'static str, name: &str) -> Error {
        Error::Missing { volume: self.volume.name.clone(), kind, name: name.to_owned() }
    }
}

fn mode(mode: Option<i32>) -> u32 {
    u32::try_from(mode.unwrap_or(DEFAULT_MODE)).unwrap_or(0o644) & 0o777
}

/// Where each volume's directory is, and whether it may be written.
pub(crate) struct Placed {
    pub(crate) directory: PathBuf,
    pub(crate) read_only: bool,
}

/// The mounts of one container. Makes what must exist beforehand: sub-paths, and the points where one mount lies in
/// another one that cannot be written.
///
/// # Errors
/// When a mount names no volume, or a sub-path leaves its volume.
pub(crate) fn mounts(
    container: &Container,
    env: &[(String, String)],
    placed: &BTreeMap<String, Placed>,
) -> io::Result<Vec<Mount>> {
    let wrong = |reason: String| io::Error::new(io::ErrorKind::InvalidInput, reason);
    let mut mounts = Vec::new();
    for mount in container.volume_mounts.as_deref().unwrap_or_default() {
        let volume = placed.get(&mount.name).ok_or_else(|| wrong(format!("no volume {}", mount.name)))?;
        let sub_path = match (&mount.sub_path, &mount.sub_path_expr) {
            (Some(path), _) if !path.is_empty() => Some(path.clone()),
            (_, Some(expression)) if !expression.is_empty() => Some(env::expand_from(expression, env)),
            _ => None,
        };
        let source = match &sub_path {
            None => volume.directory.clone(),
            Some(path) => below(&volume.directory, path, !volume.read_only)?,
        };
        let read_only = volume.read_only || mount.read_only == Some(true);
        mounts.push(Mount { source, target: PathBuf::from(&mount.mount_path), read_only });
    }
    make_nested_points(&mounts)?;
    Ok(mounts)
}

/// The path inside the volume, wherever links in it lead, as long as they stay in it.
fn below(directory: &Path, path: &str, make: bool) -> io::Result<PathBuf> {
    let outside = || io::Error::new(io::ErrorKind::InvalidInput, format!("subPath {path} leaves its volume"));
    if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(outside());
    }
    let whole = directory.join(path);
    if make && std::fs::symlink_metadata(&whole).is_err() {
        std::fs::create_dir_all(&whole)?;
    }
    let real = whole.canonicalize()?;
    if real.starts_with(directory.canonicalize()?) { Ok(real) } else { Err(outside()) }
}

fn make_nested_points(mounts: &[Mount]) -> io::Result<()> {
    for inner in mounts {
        let outer = mounts
            .iter()
            .filter(|outer| outer.target != inner.target && inner.target.starts_with(&outer.target));
        let Some(outer) = outer.max_by_key(|outer| outer.target.components().count()) else { continue };
        let Ok(rest) = inner.target.strip_prefix(&outer.target) else { continue };
        let point = outer.source.join(rest);
        if inner.source.is_dir() {
            std::fs::create_dir_all(point)?;
        } else if !point.exists() {
            std::fs::File::create(point)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "volumes_tests.rs"]
mod tests;
