//! Users who hold a client certificate.

use crate::{Digest, digest};
use kcp_authz::User;
use kcp_pki::{Certificate, CertificateDer, TrustBundle, UnixTime, VerifyError};
use quick_cache::sync::Cache;
use std::{sync::Arc, time::Duration};

/// How many chains are remembered as good.
const REMEMBERED: usize = 1024;
/// How long: an authority may expire meanwhile.
const MEMORY: Duration = Duration::from_secs(60);

/// Chains that lead to a bundle. A connection presents the same chain with each request, so a good
/// one is remembered for a minute.
#[derive(Debug)]
pub struct ClientCertificates {
    trusted: TrustBundle,
    good: Cache<Digest, (Arc<Certificate>, UnixTime)>,
}

impl ClientCertificates {
    /// Certificates that these authorities issued.
    #[must_use]
    pub fn new(trusted: TrustBundle) -> Self {
        Self { trusted, good: Cache::new(REMEMBERED) }
    }

    /// The user that a certificate names.
    pub(crate) fn user(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<User, VerifyError> {
        let certificate = self.verify(chain, now)?;
        Ok(User {
            name: certificate.common_name.clone(),
            groups: certificate.organizations.clone(),
            ..User::default()
        })
    }

    pub(crate) fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Arc<Certificate>, VerifyError> {
        let key = digest(&chain.iter().flat_map(|der| der.as_ref()).copied().collect::<Vec<u8>>());
        if let Some((certificate, until)) = self.good.get(&key)
            && now <= until
            && certificate.is_valid_at(now)
        {
            return Ok(certificate);
        }
        let certificate = Arc::new(self.trusted.verify_client(chain, now)?);
        let until = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()).saturating_add(MEMORY));
        self.good.insert(key, (Arc::clone(&certificate), until));
        Ok(certificate)
    }
}
