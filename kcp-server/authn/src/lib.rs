//! Who makes a request.
//!
//! ```text
//! headers, certificates of the connection
//!   ─► tokens of the admin battery
//!   ─► request headers      only from a proxy that the request-header CA vouches for
//!   ─► client certificate   common name and organizations
//!   ─► static token file
//!   ─► service account JWT
//!   ─► anonymous            only if nothing was presented that is wrong
//! ```
//! The first that knows the user wins. Who presents something that nobody accepts is refused, even
//! where anonymous requests are allowed. Identity headers never get past this crate, whoever sent
//! them: [`Authenticator::authenticate`] removes them in every case.
//!
//! There are no sockets and no clock here: certificates are what the transport got, and the time is
//! an argument. What has to be looked up comes through [`Lookup`].

mod admin_tokens;
mod authenticator;
mod bearer;
mod certificates;
mod csv;
mod flags;
mod groups;
mod request_header;
mod review;
mod service_account;
mod token_file;

pub use admin_tokens::AdminTokens;
pub use authenticator::{Authenticated, Authenticator, Config, Refusal, Unauthorized};
pub use bearer::BearerError;
pub use certificates::ClientCertificates;
pub use flags::{Flags, NotImplemented};
pub use groups::GroupFilter;
pub use request_header::{HeaderNames, RequestHeader, RequestHeaderError, Unrepresentable};
pub use review::{ReviewError, TokenReview, user_info};
pub use service_account::{
    BoundObject, BoundToken, BoxFuture, Found, IssueError, KeySet, Lifetime, Lookup, LookupError,
    SecretFacts, ServiceAccountFacts, ServiceAccountId, ServiceAccounts, Signer, TokenError, UnusableKey,
    discovery_document, peek_cluster,
};
pub use token_file::{TokenFile, TokenFileError};

use sha2::{Digest as _, Sha256};

/// Secrets are compared and kept as digests: neither time nor memory tells them.
type Digest = [u8; 32];

fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}
