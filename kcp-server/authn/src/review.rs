//! TokenReview: asking who a token is.

use crate::{Authenticated, Authenticator};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use kcp_apimachinery::{Map, Value};
use kcp_authz::{Reach, User};
use kcp_pki::UnixTime;

/// The `status` of a TokenReview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenReview {
    /// The token is somebody's.
    Known(Authenticated),
    /// It is nobody's, and why.
    Unknown(String),
}

/// A TokenReview that cannot be answered; 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// `spec.token` is empty.
    #[error("token is required for TokenReview in authentication")]
    NoToken,
    /// Outside of any logical cluster.
    #[error("TokenReview needs a logical cluster")]
    NoCluster,
}

impl Authenticator {
    /// Who the token of a TokenReview is, for `audiences` (none: those of this API).
    ///
    /// # Errors
    /// See [`ReviewError`].
    pub async fn review(
        &self,
        reach: &Reach,
        token: &str,
        audiences: &[String],
        now: UnixTime,
    ) -> Result<TokenReview, ReviewError> {
        if token.is_empty() {
            return Err(ReviewError::NoToken);
        }
        if reach.cluster().is_none() {
            return Err(ReviewError::NoCluster);
        }
        // A blank would hide the token, and somebody who presents none may be anonymous.
        let blank = token.contains(char::is_whitespace);
        let value = HeaderValue::try_from(format!("Bearer {token}")).ok().filter(|_| !blank);
        let Some(value) = value else {
            return Ok(TokenReview::Unknown("invalid bearer token".to_owned()));
        };
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value);
        let audiences = if audiences.is_empty() { self.api_audiences() } else { audiences };
        Ok(match self.identify(&[], &headers, audiences, now).await {
            Ok(found) => TokenReview::Known(found),
            Err(refused) => TokenReview::Unknown(refused.to_string()),
        })
    }
}

impl TokenReview {
    /// The status as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut status = Map::new();
        match self {
            Self::Known(found) => {
                status.insert("authenticated", true);
                status.insert("user", user_info(&found.user));
                if !found.audiences.is_empty() {
                    status.insert("audiences", strings(&found.audiences));
                }
            }
            Self::Unknown(error) => {
                status.insert("user", Value::object());
                status.insert("error", error.as_str());
            }
        }
        Value::Object(status)
    }
}

/// A user as `UserInfo` of `authentication.k8s.io`: what reviews and admission show.
#[must_use]
pub fn user_info(user: &User) -> Value {
    let mut info = Map::new();
    for (field, text) in [("username", &user.name), ("uid", &user.uid)] {
        if !text.is_empty() {
            info.insert(field, text.as_str());
        }
    }
    if !user.groups.is_empty() {
        info.insert("groups", strings(&user.groups));
    }
    if !user.extra.is_empty() {
        let extra: Map = user.extra.iter().map(|(key, values)| (key.as_str(), strings(values))).collect();
        info.insert("extra", extra);
    }
    Value::Object(info)
}

fn strings(texts: &[String]) -> Value {
    texts.iter().map(|text| Value::from(text.as_str())).collect()
}
