//! Tokens of service accounts: JSON web tokens that this server signs and checks.
//!
//! Two forms are in use. *Bound* tokens come from TokenRequest, expire, and may be tied to a Secret.
//! *Legacy* tokens lie in Secrets and live as long as these. Both name the logical cluster that the
//! account belongs to, and a token of one logical cluster is nobody in another.

mod checks;
mod claims;
mod documents;
mod issue;
mod keys;
mod lookup;
mod peek;
mod verify;

pub use documents::discovery_document;
pub use issue::{BoundObject, BoundToken, IssueError, Lifetime, ServiceAccountId, Signer};
pub use keys::{KeySet, UnusableKey};
pub use lookup::{BoxFuture, Found, Lookup, LookupError, SecretFacts, ServiceAccountFacts};
pub use peek::peek_cluster;
pub use verify::{ServiceAccounts, TokenError};

/// Who issues legacy tokens, whatever is configured.
const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";
