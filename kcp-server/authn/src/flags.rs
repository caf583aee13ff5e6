//! Flags of upstream that are not implemented. An authenticator that is asked for and not there
//! would lock people out, so the process must not start.

/// What the command line says about authenticators that do not exist yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--oidc-issuer-url`
    pub oidc_issuer_url: Option<String>,
    /// `--authentication-config`
    pub authentication_config: Option<String>,
    /// `--authentication-token-webhook-config-file`
    pub token_webhook_config_file: Option<String>,
    /// `--enable-bootstrap-token-auth`
    pub bootstrap_tokens: bool,
}

/// A flag that is not implemented.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--{flag} is not implemented: {what} is not available")]
pub struct NotImplemented {
    /// Name of the flag, without dashes.
    pub flag: &'static str,
    /// What it would have turned on.
    pub what: &'static str,
}

impl Flags {
    /// Makes sure that nothing is asked for that does not exist.
    ///
    /// # Errors
    /// Every such flag.
    pub fn check(&self) -> Result<(), Vec<NotImplemented>> {
        let given = |flag: &Option<String>| flag.as_ref().is_some_and(|value| !value.is_empty());
        let flags = [
            (given(&self.oidc_issuer_url), "oidc-issuer-url", "OpenID Connect authentication"),
            (given(&self.authentication_config), "authentication-config", "structured authentication"),
            (
                given(&self.token_webhook_config_file),
                "authentication-token-webhook-config-file",
                "webhook token authentication",
            ),
            (self.bootstrap_tokens, "enable-bootstrap-token-auth", "bootstrap token authentication"),
        ];
        let wrong: Vec<_> = flags
            .into_iter()
            .filter(|(given, _, _)| *given)
            .map(|(_, flag, what)| NotImplemented { flag, what })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_do_not_exist_are_named() {
        assert_eq!(Flags::default().check(), Ok(()));
        let flags = Flags {
            oidc_issuer_url: Some("https://issuer".to_owned()),
            authentication_config: Some(String::new()),
            bootstrap_tokens: true,
            ..Flags::default()
        };
        let texts: Vec<_> = flags.check().expect_err("two").iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "--oidc-issuer-url is not implemented: OpenID Connect authentication is not available",
                "--enable-bootstrap-token-auth is not implemented: bootstrap token authentication is not available",
            ]
        );
    }
}
