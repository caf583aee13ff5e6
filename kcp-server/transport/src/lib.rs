//! Sockets, TLS and HTTP: everything between the wire and a function from request to response.
//!
//! Downwards, as a request travels:
//!
//! - [`Listener`] holds an address, [`Server`] accepts on it: a bounded number of connections, TLS 1.2 or
//!   1.3, HTTP/2 or HTTP/1.1 as ALPN agrees. A [`Service`] answers each request, knowing the [`Peer`].
//! - Client certificates are asked for and never demanded. The handshake proves that the peer owns the
//!   key of what it presents and judges nothing else; trust is the authenticator's, per request, so that
//!   CA bundles change without a new handshake and a bad certificate is an answer (401), not an alert.
//! - [`Body`] is the one body type, for what comes in and what goes out.
//! - Shutting down is two moments, told to every request by its [`Drain`]: *begun* (no new connections,
//!   GOAWAY, watches end by themselves) and *over* (what is left is cut).
//! - [`Client`] is the other side: pooled HTTP/2 and HTTP/1.1 with client certificates. [`forward`] passes
//!   a request on through it, streams in both directions and tunnels upgrades byte for byte.
//! - [`Cors`] tells browsers whose scripts may talk to us.
//! - Certificates and bundles given as files are read again when they change: [`Upkeep`].
//!
//! Nothing here knows paths, identities or objects.

mod body;
mod client;
mod cors;
mod drain;
mod error;
mod forward;
mod peer;
mod server;
mod tls;
mod upkeep;

pub use body::{Body, BodyError, BodySender};
pub use client::{Client, ClientError, ClientLimits};
pub use cors::{Cors, Origin};
pub use drain::Drain;
pub use error::Error;
pub use forward::{forward, strip_hop_by_hop};
pub use peer::Peer;
pub use server::{Limits, Listener, Server, Service};
pub use tls::{
    ClientTls, KeyPairSource, MinVersion, Roots, ServerTls, ServingCertificate, Source, generate_self_signed,
};
pub use upkeep::{Upkeep, keep_up};
