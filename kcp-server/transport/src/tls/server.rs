use super::{ServingCertificate, provider, verifier::PossessionOnly};
use crate::Error;
use rustls::{ServerConfig, crypto::aws_lc_rs::Ticketer};
use std::sync::Arc;

/// The TLS side of a server.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// What the server shows.
    pub certificate: Arc<ServingCertificate>,
    /// The oldest protocol it speaks.
    pub min_version: MinVersion,
    /// Whether it offers HTTP/2 besides HTTP/1.1.
    pub http2: bool,
}

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinVersion {
    /// TLS 1.2, as Kubernetes does by default.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl ServerTls {
    /// Shows `certificate` and speaks TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    #[must_use]
    pub fn new(certificate: Arc<ServingCertificate>) -> Self {
        Self { certificate, min_version: MinVersion::default(), http2: true }
    }

    pub(crate) fn config(&self) -> Result<Arc<ServerConfig>, Error> {
        let versions: &[_] = match self.min_version {
            MinVersion::Tls12 => &[&rustls::version::TLS12, &rustls::version::TLS13],
            MinVersion::Tls13 => &[&rustls::version::TLS13],
        };
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)?
            .with_client_cert_verifier(PossessionOnly::new())
            .with_cert_resolver(self.certificate.clone());
        let spoken: &[&[u8]] = if self.http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        config.alpn_protocols = spoken.iter().map(|name| name.to_vec()).collect();
        // Tickets instead of a table of sessions: resuming costs no memory here.
        config.ticketer = Ticketer::new()?;
        config.send_tls13_tickets = 1;
        Ok(Arc::new(config))
    }
}
