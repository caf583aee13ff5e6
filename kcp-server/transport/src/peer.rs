use crate::Drain;
use rustls_pki_types::CertificateDer;
use std::net::SocketAddr;

/// Whoever is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Where it connects from.
    pub address: SocketAddr,
    /// The certificates it presented, its own first, and proved to have the key of. Nobody has judged
    /// who signed them. Empty if it presented none.
    pub certificates: Vec<CertificateDer<'static>>,
    /// Tells when the server that holds this connection goes away.
    pub drain: Drain,
}
