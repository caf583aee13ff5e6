mod client;
mod self_signed;
mod server;
mod serving;
mod source;
mod verifier;

pub(crate) use client::Configs;
pub use client::{ClientTls, Roots};
pub use self_signed::generate_self_signed;
pub use server::{MinVersion, ServerTls};
pub use serving::ServingCertificate;
pub use source::{KeyPairSource, Source};

use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// The one provider of cryptography, named so that no other crate's features choose for us.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
