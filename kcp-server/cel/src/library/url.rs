//! URLs, read as Go reads them.

use super::{Op, Outcome, fail};
use crate::value::{Key, Map, OpaqueVal, Text, Val};
use kcp_apimachinery::go;
use std::{fmt::Write as _, sync::Arc};

/// The parts of a URL that expressions ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlParts {
    scheme: String,
    host: String,
    path: String,
    query: String,
    fragment: String,
}

pub(super) fn call<'a>(op: Op, args: &[Val<'a>]) -> Outcome<'a> {
    match (op, args) {
        (Op::ToUrl, [Val::String(text)]) => match request(text).and_then(|_| parse(text, false)) {
            Ok(url) => Some(Ok(Val::opaque(OpaqueVal::Url(Box::new(url))))),
            Err(why) => {
                let text = go::quote(text);
                fail(format!("URL parse error during conversion from string: parse {text}: {why}"))
            }
        },
        (Op::IsUrl, [Val::String(text)]) => Some(Ok(Val::Bool(request(text).is_ok()))),
        (op, [Val::Opaque(value)]) => match &**value {
            OpaqueVal::Url(url) => part(op, url),
            _ => None,
        },
        _ => None,
    }
}

fn part<'a>(op: Op, url: &UrlParts) -> Outcome<'a> {
    let (hostname, port) = split_port(&url.host);
    let text = match op {
        Op::Scheme => &url.scheme,
        Op::Host => &url.host,
        Op::Hostname => hostname,
        Op::Port => port,
        Op::EscapedPath => return Some(Ok(Val::text(escaped(&url.path)))),
        Op::Query => return Some(Ok(query(&url.query))),
        _ => return None,
    };
    Some(Ok(Val::text(text)))
}

/// Reads what stands in a request: an absolute URL or an absolute path, without fragment.
pub(super) fn request(text: &str) -> Result<UrlParts, String> {
    parse(text, true)
}

fn parse(text: &str, in_request: bool) -> Result<UrlParts, String> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    if text.is_empty() && in_request {
        return Err("empty url".to_owned());
    }
    let mut url = UrlParts::default();
    let mut rest = text;
    if !in_request && let Some((before, fragment)) = text.split_once('#') {
        rest = before;
        url.fragment = unescape(fragment, false)?;
    }
    if rest == "*" {
        url.path = rest.to_owned();
        return Ok(url);
    }
    (url.scheme, rest) = scheme(rest)?;
    if let Some((before, query)) = rest.split_once('?') {
        rest = before;
        url.query = query.to_owned();
    }
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            // `mailto:someone` has neither host nor path.
            return Ok(url);
        }
        if in_request {
            return Err("invalid URI for request".to_owned());
        }
        if rest.split('/').next().is_some_and(|first| first.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let authority = !url.scheme.is_empty() || !in_request && !rest.starts_with("///");
    if let Some(after) = rest.strip_prefix("//").filter(|_| authority) {
        let at = after.find('/').unwrap_or(after.len());
        url.host = host(&after[..at])?;
        rest = &after[at..];
    }
    unescape(rest, false)?;
    url.path = rest.to_owned();
    Ok(url)
}

fn scheme(text: &str) -> Result<(String, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            c if c.is_ascii_alphabetic() => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            _ => break,
        }
    }
    Ok((String::new(), text))
}

fn host(authority: &str) -> Result<String, String> {
    let host = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
            if !user.chars().all(allowed) {
                return Err("net/url: invalid userinfo".to_owned());
            }
            host
        }
        None => authority,
    };
    let after = match host.strip_prefix('[') {
        Some(inner) => match inner.rsplit_once(']') {
            Some((_, after)) => after,
            None => return Err("missing ']' in host".to_owned()),
        },
        None => host.rfind(':').map_or("", |colon| &host[colon..]),
    };
    let port = after.strip_prefix(':').unwrap_or(after);
    if !after.is_empty() && (!after.starts_with(':') || !port.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(format!("invalid port {} after host", go::quote(after)));
    }
    for c in host.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !"-._~!$&'()*+,;=:[]<>\"%".contains(c) {
            return Err(format!("invalid character {} in host name", go::quote(&c.to_string())));
        }
    }
    unescape(host, false)
}

/// With `%41` and, in queries, `+` read.
fn unescape(text: &str, plus: bool) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                let code = std::str::from_utf8(&digits).ok().filter(|digits| {
                    digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
                });
                match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(code) => out.push(code),
                    None => {
                        let shown = format!("%{}", String::from_utf8_lossy(&digits));
                        return Err(format!("invalid URL escape {}", go::quote(&shown)));
                    }
                }
            }
            b'+' if plus => out.push(b' '),
            byte => out.push(byte),
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A path as it is sent.
fn escaped(path: &str) -> String {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]/%".contains(&byte);
    if path.bytes().all(fine) {
        return path.to_owned();
    }
    let Ok(plain) = unescape(path, false) else { return path.to_owned() };
    let mut out = String::new();
    for byte in plain.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+:=@/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn split_port(host: &str) -> (&str, &str) {
    let (name, port) = match host.rfind(':') {
        Some(at) if host[at + 1..].bytes().all(|byte| byte.is_ascii_digit()) => {
            (&host[..at], &host[at + 1..])
        }
        _ => (host, ""),
    };
    (name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name), port)
}

fn query<'a>(text: &str) -> Val<'a> {
    let mut all: Vec<(String, Vec<Val<'a>>)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Ok(name), Ok(value)) = (unescape(name, true), unescape(value, true)) else { continue };
        all.push((name, vec![Val::text(value)]));
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1.append(&mut later.1);
        }
        same
    });
    let mut map = Map::default();
    for (name, values) in all {
        // The names are told apart already.
        let _ = map.add(Key::String(Text::Shared(name.into())), Val::list(values));
    }
    Val::Map(Arc::new(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_can_name() {
        for (text, fine) in [
            ("https://example.com:80/path?query=val#frag", true),
            ("/absolute-path", true),
            ("https://[::1]:80/", true),
            ("mailto:a@b.c", true),
            ("../relative", false),
            ("", false),
            ("https://a:b/", false),
            ("https://[::1", false),
            ("/%zz", false),
            ("https://a b/", false),
        ] {
            assert_eq!(request(text).is_ok(), fine, "{text}");
        }
    }

    #[test]
    fn parts() {
        let url = parse("HTTPS://user@example.com:80/a%2fb c?k=1&k=2&l", false).expect("a URL");
        assert_eq!((&*url.scheme, &*url.host), ("https", "example.com:80"));
        assert_eq!(split_port(&url.host), ("example.com", "80"));
        assert_eq!(escaped(&url.path), "/a/b%20c");
        assert_eq!(split_port("[::1]:80"), ("::1", "80"));
        assert_eq!(query(&url.query).size(), Some(2));
    }
}
