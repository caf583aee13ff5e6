//! The keys of service account tokens.

use crate::{config::Config, credentials::write_private};
use anyhow::Context;
use kcp_authn::{KeySet, ServiceAccountId, Signer};
use kcp_controllers::TokenSource;
use kcp_names::ClusterName;
use kcp_pki::{Algorithm, Encoding, PrivateKey, PublicKey};
use std::{fs, path::PathBuf};

/// What signs tokens, and what verifies them.
pub struct SigningKeys {
    /// Signs bound tokens and those in Secrets.
    pub signer: Signer,
    /// Verifies tokens of this shard and of those whose keys were given.
    pub verifying: KeySet,
}

impl SigningKeys {
    /// Reads the keys that the flags name; `<root>/sa.key`, made if it is not there, if they name none.
    ///
    /// # Errors
    /// A file cannot be read, or holds no key that signs tokens.
    pub fn load(config: &Config) -> anyhow::Result<Self> {
        let flags = &config.flags;
        let own = || -> PathBuf { config.certificates.join("sa.key") };
        let signing = flags
            .service_account_signing_key_file
            .clone()
            .or_else(|| flags.service_account_private_key_file.clone())
            .unwrap_or_else(own);
        if !signing.exists() && signing == own() {
            let key = PrivateKey::generate(Algorithm::EcdsaP256)?;
            write_private(&signing, key.to_pem(Encoding::Pkcs8).as_bytes())?;
        }
        let read = |path: &PathBuf| fs::read(path).with_context(|| path.display().to_string());
        let key = PrivateKey::from_pem(&read(&signing)?).with_context(|| signing.display().to_string())?;
        let mut public = vec![key.public()];
        for path in &flags.service_account_key_file {
            public.extend(PublicKey::read_all(&read(path)?).with_context(|| path.display().to_string())?);
        }
        let issuer = flags.service_account_issuer.first().map(String::as_str).unwrap_or_default();
        Ok(Self { signer: Signer::new(issuer, &key)?, verifying: KeySet::new(public)? })
    }
}

/// Signs the tokens that lie in Secrets.
pub struct SecretTokens(pub Signer);

impl TokenSource for SecretTokens {
    fn legacy(
        &self,
        cluster: &ClusterName,
        namespace: &str,
        account: &str,
        account_uid: &str,
        secret: &str,
    ) -> Result<String, String> {
        let account = ServiceAccountId {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
            name: account.to_owned(),
            uid: account_uid.to_owned(),
        };
        self.0.legacy(&account, secret).map_err(|error| error.to_string())
    }
}
