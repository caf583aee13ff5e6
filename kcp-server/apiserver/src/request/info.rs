use kcp_names::WorkspacePath;

/// Longest path and query that are looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// What a URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The logical cluster part.
    pub cluster: ClusterPart,
    /// What comes behind it.
    pub target: Target,
    /// The path behind the cluster part, as it came.
    pub path: String,
}

/// The `/clusters/…` part of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterPart {
    /// There is none.
    None,
    /// A name or a path.
    Path(WorkspacePath),
    /// `*`
    Wildcard,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An object or objects of an API.
    Resource(ResourceTarget),
    /// Anything else: discovery, health, metrics, …
    Path,
}

/// A resource in a URL, not yet looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceTarget {
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Plural name.
    pub resource: String,
    /// Identity hash from `<resource>:<hash>`. `Some("")` when the colon had nothing behind it.
    pub identity: Option<String>,
    /// Namespace, when the URL has one.
    pub namespace: Option<String>,
    /// Name of one object.
    pub name: Option<String>,
    /// `status`, `scale`, …
    pub subresource: Option<String>,
}

/// The verbs of Kubernetes' authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// One object.
    Get,
    /// Many objects.
    List,
    /// Changes.
    Watch,
    /// A new object.
    Create,
    /// The whole object.
    Update,
    /// A part of it.
    Patch,
    /// One object goes.
    Delete,
    /// Many objects go.
    DeleteCollection,
}

impl Verb {
    /// As RBAC spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

/// A URL that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text behind `/clusters/` is no name, no path and not `*`.
    #[error("invalid cluster: {0:?} does not match the regex")]
    Cluster(String),
    /// Too long to be looked at.
    #[error("the URL is too long")]
    TooLong,
    /// A percent-escape that is none, or not UTF-8.
    #[error("the URL is not well formed")]
    Malformed,
}

/// Reads the path of a URL (without query).
///
/// # Errors
/// A malformed cluster, escape or an overlong path.
pub fn parse_uri(raw: &str) -> Result<Info, ParseError> {
    if raw.len() > LONGEST {
        return Err(ParseError::TooLong);
    }
    let (cluster, rest) = split_cluster(raw)?;
    let target = match segments(rest)? {
        Some(parts) => resource(&parts).map_or(Target::Path, Target::Resource),
        None => Target::Path,
    };
    Ok(Info { cluster, target, path: rest.to_owned() })
}

fn split_cluster(raw: &str) -> Result<(ClusterPart, &str), ParseError> {
    let Some(rest) = raw.strip_prefix("/clusters/") else { return Ok((ClusterPart::None, raw)) };
    let (text, rest) =
        rest.split_once('/').map_or((rest, "/"), |(text, tail)| (text, &raw[raw.len() - tail.len() - 1..]));
    let text = unescape(text)?;
    if text == "*" {
        return Ok((ClusterPart::Wildcard, rest));
    }
    let path = WorkspacePath::parse(&text).map_err(|_| ParseError::Cluster(text))?;
    Ok((ClusterPart::Path(path), rest))
}

/// The segments of an API path; `None` when an inner one is empty, which no API path has.
fn segments(path: &str) -> Result<Option<Vec<String>>, ParseError> {
    let trimmed = path.trim_start_matches('/');
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    let parts = trimmed.split('/').map(unescape).collect::<Result<Vec<_>, _>>()?;
    Ok(if parts.iter().any(String::is_empty) { None } else { Some(parts) })
}

/// `/api/v1/…` and `/apis/<group>/<version>/…` with at least a resource behind the version.
fn resource(parts: &[String]) -> Option<ResourceTarget> {
    let (group, version, rest) = match parts {
        [api, version, rest @ ..] if api == "api" => ("", version, rest),
        [apis, group, version, rest @ ..] if apis == "apis" => (group.as_str(), version, rest),
        _ => return None,
    };
    let mut target =
        ResourceTarget { group: group.into(), version: version.clone(), ..ResourceTarget::default() };
    let rest = match rest {
        // `/namespaces/<ns>/<resource>…`, unless what follows is a subresource of the namespace itself.
        [first, namespace, next, ..]
            if first == "namespaces" && !matches!(next.as_str(), "status" | "finalize") =>
        {
            target.namespace = Some(namespace.clone());
            &rest[2..]
        }
        [first, namespace, ..] if first == "namespaces" => {
            target.namespace = Some(namespace.clone());
            rest
        }
        _ => rest,
    };
    let (resource, tail) = rest.split_first()?;
    match resource.split_once(':') {
        Some((name, identity)) => {
            target.resource = name.into();
            target.identity = Some(identity.into());
        }
        None => target.resource.clone_from(resource),
    }
    target.name = tail.first().cloned();
    target.subresource = (tail.len() > 1).then(|| tail[1..].join("/"));
    Some(target)
}

/// Decodes percent-escapes.
fn unescape(text: &str) -> Result<String, ParseError> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit =
                || bytes.next().and_then(|b| char::from(b).to_digit(16)).ok_or(ParseError::Malformed);
            let value = digit()? * 16 + digit()?;
            out.push(u8::try_from(value).map_err(|_| ParseError::Malformed)?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).map_err(|_| ParseError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: &str) {
        let info = parse_uri(url).expect(url);
        let cluster = match &info.cluster {
            ClusterPart::None => "-".to_owned(),
            ClusterPart::Path(path) => path.to_string(),
            ClusterPart::Wildcard => "*".to_owned(),
        };
        let target = match &info.target {
            Target::Path => format!("path {}", info.path),
            Target::Resource(t) => format!(
                "{}/{} {}{} ns={} name={} sub={}",
                t.group,
                t.version,
                t.resource,
                t.identity.as_ref().map(|i| format!(":{i}")).unwrap_or_default(),
                t.namespace.as_deref().unwrap_or("-"),
                t.name.as_deref().unwrap_or("-"),
                t.subresource.as_deref().unwrap_or("-"),
            ),
        };
        assert_eq!(format!("{cluster} {target}"), expected);
    }

    #[test]
    fn urls_name_what_they_always_did() {
        check("/api/v1/namespaces", "- /v1 namespaces ns=- name=- sub=-");
        check("/api/v1/namespaces/a", "- /v1 namespaces ns=a name=a sub=-");
        check("/api/v1/namespaces/a/finalize", "- /v1 namespaces ns=a name=a sub=finalize");
        check("/api/v1/namespaces/a/secrets/b", "- /v1 secrets ns=a name=b sub=-");
        check("/clusters/root/api/v1/namespaces/a/secrets", "root /v1 secrets ns=a name=- sub=-");
        check("/clusters/root:org/apis/e.io/v1/ws/x/status", "root:org e.io/v1 ws ns=- name=x sub=status");
        check("/clusters/*/apis/e.io/v1/ws:f00", "* e.io/v1 ws:f00 ns=- name=- sub=-");
        check("/clusters/root", "root path /");
        check("/clusters/root/", "root path /");
        check("/clusters/root/apis/e.io/v1", "root path /apis/e.io/v1");
        check("/healthz", "- path /healthz");
        check("/clusters/root/api/v1/namespaces//secrets", "root path /api/v1/namespaces//secrets");
        check("/api/v1/namespaces/a%2Fb/secrets/c", "- /v1 secrets ns=a/b name=c sub=-");
    }

    #[test]
    fn malformed_clusters_are_refused() {
        for bad in [
            "/clusters//api",
            "/clusters/Root/api",
            "/clusters/root:/api",
            "/clusters/**/api",
            "/clusters/%zz/",
        ] {
            assert!(parse_uri(bad).is_err(), "{bad}");
        }
        assert!(parse_uri(&format!("/{}", "a".repeat(LONGEST))).is_err());
    }
}
