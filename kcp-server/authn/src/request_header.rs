//! Identity that a proxy vouches for, in headers.
//!
//! The headers count only on a connection whose client certificate the request-header CA issued to
//! an allowed name. On any other they are somebody's attempt, and are removed unread.

use crate::ClientCertificates;
use http::{HeaderMap, HeaderName, HeaderValue};
use kcp_authz::User;
use kcp_pki::{CertificateDer, TrustBundle, UnixTime, VerifyError};
use std::collections::BTreeMap;

/// What is removed whatever is configured.
const USUAL: [&str; 3] = ["x-remote-user", "x-remote-group", "x-remote-uid"];
const USUAL_EXTRA_PREFIX: &str = "x-remote-extra-";

/// Which headers carry an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderNames {
    /// `--requestheader-username-headers`; the first that is there counts.
    pub user: Vec<HeaderName>,
    /// `--requestheader-group-headers`; all of them count, one group for each value.
    pub group: Vec<HeaderName>,
    /// `--requestheader-uid-headers`; the first that is there counts.
    pub uid: Vec<HeaderName>,
    /// `--requestheader-extra-headers-prefix`, in lower case. The rest of the name is the key,
    /// percent-encoded.
    pub extra_prefixes: Vec<String>,
}

impl Default for HeaderNames {
    /// What kcp's own components use. None of them passes a uid on.
    fn default() -> Self {
        Self {
            user: vec![HeaderName::from_static("x-remote-user")],
            group: vec![HeaderName::from_static("x-remote-group")],
            uid: Vec::new(),
            extra_prefixes: vec![USUAL_EXTRA_PREFIX.to_owned()],
        }
    }
}

/// A user whose name, groups or extra cannot be written into headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the user cannot be passed on in headers")]
pub struct Unrepresentable;

impl HeaderNames {
    /// Removes every header that carries an identity: these, and the usual ones in any case.
    pub fn strip(&self, headers: &mut HeaderMap) {
        for name in USUAL {
            headers.remove(name);
        }
        for name in [&self.user, &self.group, &self.uid].into_iter().flatten() {
            headers.remove(name);
        }
        let is_extra = |name: &str| name.starts_with(USUAL_EXTRA_PREFIX) || self.extra_key(name).is_some();
        let extra: Vec<HeaderName> = headers.keys().filter(|name| is_extra(name.as_str())).cloned().collect();
        for name in extra {
            headers.remove(name);
        }
    }

    /// Replaces whatever identity the headers carry by `user` (`None`: by none), as a proxy does
    /// before it forwards. The uid is not written.
    ///
    /// # Errors
    /// The user has a name with a control character or the like. The headers carry no identity then.
    pub fn stamp(&self, headers: &mut HeaderMap, user: Option<&User>) -> Result<(), Unrepresentable> {
        self.strip(headers);
        let Some(user) = user else { return Ok(()) };
        let stamped = self.write(headers, user);
        if stamped.is_err() {
            self.strip(headers);
        }
        stamped
    }

    fn write(&self, headers: &mut HeaderMap, user: &User) -> Result<(), Unrepresentable> {
        let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Unrepresentable);
        let name = self.user.first().ok_or(Unrepresentable)?;
        headers.insert(name.clone(), value(&user.name)?);
        for held in &user.groups {
            let name = self.group.first().ok_or(Unrepresentable)?;
            headers.append(name.clone(), value(held)?);
        }
        for (key, values) in &user.extra {
            let prefix = self.extra_prefixes.first().ok_or(Unrepresentable)?;
            let name =
                HeaderName::try_from(format!("{prefix}{}", escape(key))).map_err(|_| Unrepresentable)?;
            for text in values {
                headers.append(name.clone(), value(text)?);
            }
        }
        Ok(())
    }

    /// The user that the headers name; `None` if they name nobody.
    fn read(&self, headers: &HeaderMap) -> Result<Option<User>, RequestHeaderError> {
        let Some(name) = first(headers, &self.user)? else { return Ok(None) };
        let mut groups = Vec::new();
        for value in self.group.iter().flat_map(|name| headers.get_all(name)) {
            groups.push(text(value)?.to_owned());
        }
        groups.retain(|group| !group.is_empty());
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            if let Some(key) = self.extra_key(name.as_str()) {
                extra.entry(unescape(key)).or_default().push(text(value)?.to_owned());
            }
        }
        let uid = first(headers, &self.uid)?.unwrap_or_default().to_owned();
        Ok(Some(User { name: name.to_owned(), uid, groups, extra }))
    }

    /// Header names are in lower case here.
    fn extra_key<'a>(&self, name: &'a str) -> Option<&'a str> {
        self.extra_prefixes.iter().find_map(|prefix| name.strip_prefix(prefix.as_str()))
    }
}

/// `--requestheader-*`: which proxies are believed.
#[derive(Debug)]
pub struct RequestHeader {
    proxies: ClientCertificates,
    allowed_names: Vec<String>,
    names: HeaderNames,
}

/// A connection that is no proxy's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestHeaderError {
    /// The request-header CA does not vouch for it.
    #[error("x509: {0}")]
    Certificate(#[from] VerifyError),
    /// It does, but for somebody else.
    #[error("x509: subject with cn={0} is not in the allowed list")]
    Name(String),
    /// A header is no text.
    #[error("an identity header is not UTF-8")]
    Unreadable,
}

impl RequestHeader {
    /// Proxies with a certificate of `ca` whose common name is one of `allowed_names` (any, if there
    /// are none).
    #[must_use]
    pub fn new(ca: TrustBundle, allowed_names: Vec<String>, names: HeaderNames) -> Self {
        Self { proxies: ClientCertificates::new(ca), allowed_names, names }
    }

    pub(crate) fn names(&self) -> &HeaderNames {
        &self.names
    }

    /// The user whom a proxy names; `None` if it names nobody.
    pub(crate) fn user(
        &self,
        chain: &[CertificateDer<'_>],
        headers: &HeaderMap,
        now: UnixTime,
    ) -> Result<Option<User>, RequestHeaderError> {
        let proxy = self.proxies.verify(chain, now)?;
        if !self.allowed_names.is_empty() && !self.allowed_names.contains(&proxy.common_name) {
            return Err(RequestHeaderError::Name(proxy.common_name.clone()));
        }
        self.names.read(headers)
    }
}

fn first<'a>(headers: &'a HeaderMap, names: &[HeaderName]) -> Result<Option<&'a str>, RequestHeaderError> {
    for name in names {
        if let Some(value) = headers.get(name).filter(|value| !value.is_empty()) {
            return text(value).map(Some);
        }
    }
    Ok(None)
}

fn text(value: &HeaderValue) -> Result<&str, RequestHeaderError> {
    std::str::from_utf8(value.as_bytes()).map_err(|_| RequestHeaderError::Unreadable)
}

/// Percent-encodes what a header name cannot hold.
fn escape(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encode = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    key.bytes().map(encode).collect()
}

/// Percent-decodes a key; one that is not encoded well is taken as it is.
fn unescape(key: &str) -> String {
    let mut bytes = key.bytes();
    let mut out = Vec::with_capacity(key.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(high), Some(low)) => out.extend(u8::try_from(high * 16 + low)),
            _ => return key.to_owned(),
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| key.to_owned())
}
