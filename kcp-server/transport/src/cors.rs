use crate::Body;
use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ORIGIN, VARY,
    },
};
use regex::Regex;
use std::sync::Arc;

const METHODS: &str = "POST, GET, OPTIONS, PUT, DELETE, PATCH";
const HEADERS: &str = "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since";

/// Scripts of which origins a browser lets talk to us, by what we tell it. By default of none.
#[derive(Clone, Debug, Default)]
pub struct Cors(Arc<[Regex]>);

/// The origin of a request, which is allowed.
#[derive(Clone, Debug)]
pub struct Origin(HeaderValue);

impl Cors {
    /// Origins as regular expressions. Empty ones count for nothing.
    ///
    /// # Errors
    /// One that is no regular expression.
    pub fn parse<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, regex::Error> {
        let given = origins.into_iter().filter(|origin| !origin.is_empty());
        given.map(Regex::new).collect::<Result<_, _>>().map(Self)
    }

    /// The origin of a request, if it is allowed.
    #[must_use]
    pub fn origin(&self, headers: &HeaderMap) -> Option<Origin> {
        if self.0.is_empty() {
            return None;
        }
        let origin = headers.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        self.0.iter().any(|allowed| allowed.is_match(text)).then(|| Origin(origin.clone()))
    }
}

impl Origin {
    /// The answer to a browser that asks before it sends.
    #[must_use]
    pub fn preflight(&self, method: &Method) -> Option<Response<Body>> {
        if method != Method::OPTIONS {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        self.allow(response.headers_mut());
        Some(response)
    }

    /// Lets scripts of this origin read a response.
    pub fn allow(&self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0.clone());
        headers.append(VARY, HeaderValue::from_static("Origin"));
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
            (ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
            (ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allowed: &[&str], origin: &str, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().expect("value"));
        let cors = Cors::parse(allowed.iter().copied()).expect("regular expressions");
        let found = cors.origin(&headers).and_then(|origin| origin.preflight(&Method::OPTIONS));
        let told = found.map(|answer| answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN].clone());
        assert_eq!(told, expected.then(|| origin.parse().expect("value")), "{allowed:?} {origin}");
    }

    #[test]
    fn only_origins_that_match_are_told_that_they_may() {
        check(&[], "https://a.example", false);
        check(&[""], "https://a.example", false);
        check(&["//a\\.example(:|$)"], "https://a.example:8443", true);
        check(&["//a\\.example(:|$)"], "https://a.example.evil", false);
        check(&["^https://b$", "^https://a\\.example$"], "https://a.example", true);
        assert!(Cors::parse(["("]).is_err());
    }
}
