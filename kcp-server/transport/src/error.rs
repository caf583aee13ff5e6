use std::{io, net::SocketAddr, path::PathBuf};

/// Why something could not be set up. What happens to single requests is
/// [`ClientError`](crate::ClientError) and [`BodyError`](crate::BodyError).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody listens there already.
    #[error("cannot listen on {0}: the address is already in use")]
    AddressInUse(SocketAddr),
    /// Any other reason why an address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A file with a certificate or key cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A generated certificate cannot be kept.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate, key or bundle is not what it should be.
    #[error("{what}: {reason}")]
    Certificate {
        /// Where it came from.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS library refused the settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}
