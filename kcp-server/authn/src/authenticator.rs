//! The union of all authenticators.

use crate::{
    AdminTokens, BearerError, ClientCertificates, HeaderNames, RequestHeader, RequestHeaderError,
    ServiceAccounts, TokenError, TokenFile, bearer,
};
use http::HeaderMap;
use kcp_authz::{User, group, name};
use kcp_pki::{CertificateDer, UnixTime, VerifyError};
use std::fmt;

/// Which authenticators there are. Everything in it may be replaced while requests are served, by
/// making another [`Authenticator`].
#[derive(Default)]
pub struct Config {
    /// Tokens that the server itself made.
    pub admin_tokens: Option<AdminTokens>,
    /// `--requestheader-*`
    pub request_header: Option<RequestHeader>,
    /// `--client-ca-file`
    pub client_certificates: Option<ClientCertificates>,
    /// `--token-auth-file`
    pub token_file: Option<TokenFile>,
    /// `--service-account-*`
    pub service_accounts: Option<ServiceAccounts>,
    /// `--anonymous-auth`
    pub anonymous: bool,
    /// `--api-audiences`: the audiences for which a token without others is meant.
    pub api_audiences: Vec<String>,
}

/// Says who makes a request.
pub struct Authenticator(Config);

/// Somebody is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// Who it is; always in `system:authenticated` or `system:unauthenticated`.
    pub user: User,
    /// For which of the audiences that were asked for the credential is meant.
    pub audiences: Vec<String>,
}

/// Something was presented and not accepted, or nothing was and has to be. Clients are told
/// `Unauthorized` and no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unauthorized(pub Vec<Refusal>);

/// Why one authenticator refused. For logs and reviews; it repeats no credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The `Authorization` header or its like.
    #[error(transparent)]
    Bearer(#[from] BearerError),
    /// A token that nobody knows.
    #[error("invalid bearer token")]
    UnknownToken,
    /// A service account's token.
    #[error(transparent)]
    ServiceAccount(#[from] TokenError),
    /// A client certificate.
    #[error("x509: {0}")]
    Certificate(VerifyError),
    /// A certificate that does not belong to a proxy.
    #[error(transparent)]
    RequestHeader(#[from] RequestHeaderError),
}

impl fmt::Display for Unauthorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        match &texts[..] {
            [] => f.write_str("Unauthorized"),
            [one] => f.write_str(one),
            _ => write!(f, "[{}]", texts.join(", ")),
        }
    }
}

impl Authenticator {
    /// The authenticator of a configuration.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self(config)
    }

    /// Who makes a request over a connection on which the client presented `certificates` (its own
    /// first; it has proven to hold the key, nothing else).
    ///
    /// Identity headers are removed from the request, and the credential too if it was accepted.
    ///
    /// # Errors
    /// See [`Unauthorized`].
    pub async fn authenticate(
        &self,
        certificates: &[CertificateDer<'_>],
        headers: &mut HeaderMap,
        now: UnixTime,
    ) -> Result<Authenticated, Unauthorized> {
        let found = self.identify(certificates, headers, &self.0.api_audiences, now).await;
        match &self.0.request_header {
            Some(proxies) => proxies.names().strip(headers),
            None => HeaderNames::default().strip(headers),
        }
        if found.is_ok() {
            bearer::remove(headers);
        }
        found
    }

    /// Whether anything but a client certificate may identify a user here. A front-proxy without it
    /// passes tokens on for others to judge.
    #[must_use]
    pub fn knows_tokens(&self) -> bool {
        self.0.token_file.is_some() || self.0.service_accounts.is_some() || self.0.admin_tokens.is_some()
    }

    pub(crate) fn api_audiences(&self) -> &[String] {
        &self.0.api_audiences
    }

    pub(crate) async fn identify(
        &self,
        certificates: &[CertificateDer<'_>],
        headers: &HeaderMap,
        audiences: &[String],
        now: UnixTime,
    ) -> Result<Authenticated, Unauthorized> {
        let mut refusals = Vec::new();
        let token = bearer::token(headers).unwrap_or_else(|error| {
            refusals.push(error.into());
            None
        });
        let admin = token.as_deref().and_then(|token| self.0.admin_tokens.as_ref()?.user(token));
        let agnostic = match admin {
            Some(user) => Some(user),
            None => self
                .by_certificate(certificates, headers, now, &mut refusals)
                .or_else(|| token.as_deref().and_then(|token| self.0.token_file.as_ref()?.user(token))),
        };
        if let Some(user) = agnostic.filter(|_| self.is_for_us(audiences)) {
            return Ok(self.known(user, self.0.api_audiences.clone(), audiences));
        }
        if let Some(token) = &token {
            match self.by_service_account(token, audiences, now).await {
                Ok(Some(found)) => return Ok(self.known(found.user, found.audiences, audiences)),
                Ok(None) => refusals.push(Refusal::UnknownToken),
                Err(error) => refusals.push(error.into()),
            }
        }
        if refusals.is_empty() && self.0.anonymous {
            return Ok(Authenticated { user: User::anonymous(), audiences: Vec::new() });
        }
        Err(Unauthorized(refusals))
    }

    fn by_certificate(
        &self,
        certificates: &[CertificateDer<'_>],
        headers: &HeaderMap,
        now: UnixTime,
        refusals: &mut Vec<Refusal>,
    ) -> Option<User> {
        if certificates.is_empty() {
            return None;
        }
        if let Some(proxies) = &self.0.request_header {
            match proxies.user(certificates, headers, now) {
                Ok(Some(user)) => return Some(user),
                Ok(None) => {}
                Err(error) => refusals.push(error.into()),
            }
        }
        let clients = self.0.client_certificates.as_ref()?;
        clients.user(certificates, now).map_err(|error| refusals.push(Refusal::Certificate(error))).ok()
    }

    async fn by_service_account(
        &self,
        token: &str,
        audiences: &[String],
        now: UnixTime,
    ) -> Result<Option<Authenticated>, TokenError> {
        match &self.0.service_accounts {
            Some(accounts) => accounts.authenticate(token, &self.0.api_audiences, audiences, now).await,
            None => Ok(None),
        }
    }

    /// Credentials that name no audience are meant for this API.
    fn is_for_us(&self, audiences: &[String]) -> bool {
        self.0.api_audiences.is_empty()
            || audiences.iter().any(|wanted| self.0.api_audiences.contains(wanted))
    }

    fn known(&self, mut user: User, of_credential: Vec<String>, asked: &[String]) -> Authenticated {
        let says_so = user.is_in(group::AUTHENTICATED) || user.is_in(group::UNAUTHENTICATED);
        if user.name != name::ANONYMOUS && !says_so {
            user.groups.push(group::AUTHENTICATED.to_owned());
        }
        let audiences = of_credential.into_iter().filter(|audience| asked.contains(audience)).collect();
        Authenticated { user, audiences }
    }
}
