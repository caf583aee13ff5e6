//! The tokens that a server makes for its own `admin.kubeconfig`.

use crate::{Digest, digest};
use kcp_authz::{User, group};
use uuid::Uuid;

/// Up to three tokens; digests only. Each user has a new uid in each process.
#[derive(Clone, Debug, Default)]
pub struct AdminTokens(Vec<(Digest, User)>);

impl AdminTokens {
    /// No tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `shard-admin` in `system:masters`, known by the digest that `.admin-token-store` holds.
    #[must_use]
    pub fn shard_admin(self, stored: Digest) -> Self {
        self.with(stored, "shard-admin", &[group::MASTERS])
    }

    /// `kcp-admin` in `system:kcp:admin`.
    #[must_use]
    pub fn kcp_admin(self, token: &str) -> Self {
        self.with(Self::digest(token), "kcp-admin", &[group::KCP_ADMIN])
    }

    /// `user`, who is nobody in particular.
    #[must_use]
    pub fn user_battery(self, token: &str) -> Self {
        self.with(Self::digest(token), "user", &[])
    }

    /// SHA-256 of a token: what is stored of it.
    #[must_use]
    pub fn digest(token: &str) -> [u8; 32] {
        digest(token.as_bytes())
    }

    fn with(mut self, token: Digest, name: &str, groups: &[&str]) -> Self {
        let user = User { uid: Uuid::new_v4().to_string(), ..User::new(name, groups) };
        self.0.push((token, user));
        self
    }

    pub(crate) fn user(&self, token: &str) -> Option<User> {
        let presented = digest(token.as_bytes());
        self.0.iter().find(|(known, _)| *known == presented).map(|(_, user)| user.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_is_a_user() {
        let tokens = AdminTokens::new().shard_admin(digest(b"s")).kcp_admin("k").user_battery("u");
        let found = |token: &str| tokens.user(token).map(|user| (user.name, user.groups));
        assert_eq!(found("s"), Some(("shard-admin".to_owned(), vec!["system:masters".to_owned()])));
        assert_eq!(found("k"), Some(("kcp-admin".to_owned(), vec!["system:kcp:admin".to_owned()])));
        assert_eq!(found("u"), Some(("user".to_owned(), vec![])));
        assert_eq!((found(""), found("x")), (None, None));
        assert_eq!(AdminTokens::new().user(""), None);
    }
}
