//! The local administrators: their tokens, and the kubeconfig that holds them.

use anyhow::{Context, bail};
use kcp_authn::AdminTokens;
use serde_json::{Value, json};
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

/// Tokens of this process's administrators.
pub struct Administrators {
    /// `shard-admin`, in `system:masters`; the same over restarts.
    pub shard_admin: String,
    /// `kcp-admin`, in `system:kcp:admin`; new at each start.
    pub kcp_admin: String,
    /// `user`, in no group, if that battery is on.
    pub user: Option<String>,
}

impl Administrators {
    /// Makes new tokens, and takes over the shard administrator's from the last start: its hash is in `hash_file`,
    /// and the token itself in the kubeconfig of before.
    ///
    /// # Errors
    /// The files cannot be read or written, or do not belong together.
    pub fn prepare(
        hash_file: &Path,
        kubeconfig: &Path,
        with_user: bool,
    ) -> anyhow::Result<(Self, AdminTokens)> {
        let token = || uuid::Uuid::new_v4().to_string();
        let shard_admin = match fs::read(hash_file) {
            Ok(stored) => recover(&stored, hash_file, kubeconfig)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let fresh = token();
                write_private(hash_file, &AdminTokens::digest(&fresh))?;
                fresh
            }
            Err(error) => return Err(error).context(hash_file.display().to_string()),
        };
        let this = Self { shard_admin, kcp_admin: token(), user: with_user.then(token) };
        let mut tokens =
            AdminTokens::new().shard_admin(AdminTokens::digest(&this.shard_admin)).kcp_admin(&this.kcp_admin);
        if let Some(user) = &this.user {
            tokens = tokens.user_battery(user);
        }
        Ok((this, tokens))
    }

    /// The kubeconfig that upstream's tools expect: contexts `root`, `base`, `system:admin`, `shard-base`.
    #[must_use]
    pub fn kubeconfig(&self, url: &str, authority_pem: &[u8]) -> String {
        use base64::Engine;
        let authority = base64::engine::general_purpose::STANDARD.encode(authority_pem);
        let cluster = |name: &str, suffix: &str| json!({"name": name, "cluster": {"server": format!("{url}{suffix}"), "certificate-authority-data": authority}});
        let context = |name: &str, cluster: &str, user: &str| json!({"name": name, "context": {"cluster": cluster, "user": user}});
        let user = |name: &str, token: &str| json!({"name": name, "user": {"token": token}});
        let mut contexts = vec![
            context("root", "root", "kcp-admin"),
            context("base", "base", "kcp-admin"),
            context("system:admin", "system:admin", "shard-admin"),
            context("shard-base", "base", "shard-admin"),
        ];
        let mut users = vec![user("kcp-admin", &self.kcp_admin), user("shard-admin", &self.shard_admin)];
        if let Some(token) = &self.user {
            contexts.push(context("user", "root", "user"));
            users.push(user("user", token));
        }
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": "root",
            "clusters": [cluster("root", "/clusters/root"), cluster("base", ""), cluster("system:admin", "/clusters/system:admin")],
            "contexts": contexts, "users": users,
        });
        // JSON is YAML, and readers of a kubeconfig take either; people like this better.
        serde_saphyr::to_string(&config).unwrap_or_else(|_| config.to_string())
    }
}

/// The shard administrator's token of the last start.
fn recover(stored: &[u8], hash_file: &Path, kubeconfig: &Path) -> anyhow::Result<String> {
    let no_longer = || {
        format!(
            "admin token in file {:?} is not valid anymore. Remove file {:?} and restart kcp",
            kubeconfig.display(),
            hash_file.display()
        )
    };
    let Ok(text) = fs::read_to_string(kubeconfig) else { bail!(no_longer()) };
    let config: Value = serde_saphyr::from_str(&text).with_context(no_longer)?;
    let users = config["users"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = users
        .iter()
        .find(|user| user["name"] == "shard-admin")
        .and_then(|user| user["user"]["token"].as_str());
    match found {
        Some("") | None => {
            bail!("cannot create the 'admin.kubeconfig' file with an empty token for the shard-admin user")
        }
        Some(token) if AdminTokens::digest(token)[..] == *stored => Ok(token.to_owned()),
        Some(_) => bail!(no_longer()),
    }
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// The directory does not exist or cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&name)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&name, path).with_context(|| path.display().to_string())?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok(fs::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_administrator_stays_the_same() {
        let directory = tempfile::tempdir().expect("a directory");
        let (hash, kubeconfig) = (directory.path().join("hash"), directory.path().join("kubeconfig"));
        let (first, _) = Administrators::prepare(&hash, &kubeconfig, false).expect("fresh");
        assert!(Administrators::prepare(&hash, &kubeconfig, false).is_err(), "the token is nowhere");
        write_private(&kubeconfig, first.kubeconfig("https://x:1", b"pem").as_bytes()).expect("written");
        let (second, _) = Administrators::prepare(&hash, &kubeconfig, false).expect("recovered");
        assert_eq!(first.shard_admin, second.shard_admin);
        assert_ne!(first.kcp_admin, second.kcp_admin);
    }
}
