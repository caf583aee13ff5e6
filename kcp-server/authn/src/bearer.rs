//! Finding the token in a request.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, UPGRADE},
};

/// Browsers cannot set headers on web sockets, so a token may come as a subprotocol.
const WEB_SOCKET_PREFIX: &str = "base64url.bearer.authorization.k8s.io.";
/// Longer tokens are not looked at.
const MAX_LENGTH: usize = 64 * 1024;

/// A token was meant, but there is not exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// Two headers: whoever is behind us might take the other.
    #[error("more than one Authorization header")]
    Several,
    /// The header cannot be read as text, or the subprotocol as base64.
    #[error("invalid bearer token")]
    Unreadable,
    /// More than 64 KiB.
    #[error("bearer token is too long")]
    TooLong,
    /// Of two subprotocols that are tokens.
    #[error("multiple base64.bearer.authorization tokens specified")]
    SeveralProtocols,
    /// A client that offers the token only would be answered with it.
    #[error("missing additional subprotocol")]
    OnlyProtocol,
}

/// The token of a request; `None` if it has none.
pub(crate) fn token(headers: &HeaderMap) -> Result<Option<String>, BearerError> {
    let token = match authorization(headers)? {
        Some(token) => Some(token.to_owned()),
        None => web_socket(headers)?,
    };
    if token.as_ref().is_some_and(|token| token.len() > MAX_LENGTH) {
        return Err(BearerError::TooLong);
    }
    Ok(token)
}

/// Takes the token out of a request.
pub(crate) fn remove(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    let others: Vec<String> =
        protocols(headers).filter(|name| !name.starts_with(WEB_SOCKET_PREFIX)).map(str::to_owned).collect();
    if headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        headers.remove(SEC_WEBSOCKET_PROTOCOL);
        if let Ok(value) = HeaderValue::from_str(&others.join(",")) {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
    }
}

fn authorization(headers: &HeaderMap) -> Result<Option<&str>, BearerError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BearerError::Several);
    }
    let text = value.to_str().map_err(|_| BearerError::Unreadable)?;
    let mut words = text.trim().splitn(3, ' ');
    match (words.next(), words.next()) {
        (Some(scheme), Some(token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            Ok(Some(token))
        }
        _ => Ok(None),
    }
}

fn web_socket(headers: &HeaderMap) -> Result<Option<String>, BearerError> {
    let upgrade = headers.get(UPGRADE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return Ok(None);
    }
    let mut encoded = protocols(headers).filter_map(|name| name.strip_prefix(WEB_SOCKET_PREFIX));
    let Some(first) = encoded.next() else { return Ok(None) };
    if encoded.next().is_some() {
        return Err(BearerError::SeveralProtocols);
    }
    if protocols(headers).all(|name| name.starts_with(WEB_SOCKET_PREFIX)) {
        return Err(BearerError::OnlyProtocol);
    }
    if first.len() > 2 * MAX_LENGTH {
        return Err(BearerError::TooLong);
    }
    let token = BASE64.decode(first).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    token.filter(|token| !token.is_empty()).map(Some).ok_or(BearerError::Unreadable)
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn check(given: &[(&str, &str)], wanted: Result<Option<&str>, BearerError>) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a name"),
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        assert_eq!(token(&headers).as_ref().map(Option::as_deref), wanted.as_ref().map(|token| *token));
    }

    #[test]
    fn a_bearer_token_is_the_second_word() {
        check(&[("authorization", "Bearer abc")], Ok(Some("abc")));
        check(&[("authorization", " bEARER abc def")], Ok(Some("abc")));
        check(&[], Ok(None));
        for other in ["", "Bearer", "Bearer ", "Bearer  abc", "Basic abc", "abc", "Bearerabc"] {
            check(&[("authorization", other)], Ok(None));
        }
    }

    #[test]
    fn two_headers_are_refused() {
        check(&[("authorization", "Bearer a"), ("authorization", "Bearer a")], Err(BearerError::Several));
        check(&[("authorization", "Basic a"), ("authorization", "Bearer b")], Err(BearerError::Several));
    }

    #[test]
    fn very_long_tokens_are_refused() {
        let long = |length: usize| format!("Bearer {}", "x".repeat(length));
        check(&[("authorization", &long(MAX_LENGTH))], Ok(Some(&"x".repeat(MAX_LENGTH))));
        check(&[("authorization", &long(MAX_LENGTH + 1))], Err(BearerError::TooLong));
    }

    #[test]
    fn a_web_socket_brings_its_token_as_a_protocol() {
        let protocol = |text: &str| format!("{WEB_SOCKET_PREFIX}{}", BASE64.encode(text));
        let upgrade = ("upgrade", "websocket");
        let with = |value: &str, wanted| check(&[upgrade, ("sec-websocket-protocol", value)], wanted);
        with(&format!("{}, v4.channel.k8s.io", protocol("abc")), Ok(Some("abc")));
        with(&protocol("abc"), Err(BearerError::OnlyProtocol));
        with(&format!("a,{},{}", protocol("a"), protocol("b")), Err(BearerError::SeveralProtocols));
        with(&format!("a,{WEB_SOCKET_PREFIX}!"), Err(BearerError::Unreadable));
        with("v4.channel.k8s.io", Ok(None));
        check(&[("sec-websocket-protocol", &format!("a,{}", protocol("abc")))], Ok(None));
    }

    #[test]
    fn a_token_is_taken_out() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        let offered = format!("v4.channel.k8s.io,{WEB_SOCKET_PREFIX}YQ");
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_str(&offered).expect("a value"));
        remove(&mut headers);
        assert!(!headers.contains_key(AUTHORIZATION));
        assert_eq!(headers[SEC_WEBSOCKET_PROTOCOL], "v4.channel.k8s.io");
    }
}
