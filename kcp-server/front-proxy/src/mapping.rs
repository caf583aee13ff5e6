//! The mapping file: which URLs go where, with which certificate and which identity headers.

use http::HeaderName;
use kcp_authn::HeaderNames;
use kcp_transport::{ClientTls, KeyPairSource, Roots, Source};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The path whose mapping leads to the shards.
const SHARDS: &str = "/clusters/";

/// One entry, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The path as it is written.
    pub path: String,
    /// What it matches.
    pattern: Pattern,
    /// Where to: scheme, host and port, and a path to put in front; no slash at its end.
    pub backend: String,
    /// How to connect.
    pub tls: ClientTls,
    /// Which headers say who the user is.
    pub headers: HeaderNames,
}

/// A mapping file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The file cannot be read.
    #[error("cannot read mapping file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no list of mappings.
    #[error("mapping file {path}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// All mappings of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mappings {
    /// The mapping of the shards, if there is one. Its backend is not used.
    pub shards: Option<Mapping>,
    /// The others, the longest path first; `/` matches everything and so comes last.
    pub others: Vec<Mapping>,
}

impl Mappings {
    /// Reads a file. Relative paths in it start from the working directory, as upstream's do.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else than mappings.
    pub fn read(path: &Path) -> Result<Self, MappingError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| MappingError::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|reason| MappingError::Invalid { path: path.to_owned(), reason })
    }

    /// Finds the mapping of a path that is not for the shards, and the logical cluster that its pattern
    /// names.
    #[must_use]
    pub fn find<'a>(&'a self, path: &str) -> Option<(&'a Mapping, Option<String>)> {
        self.others.iter().find_map(|mapping| {
            let cluster = mapping.pattern.matches(path)?;
            Some((mapping, cluster.map(str::to_owned)))
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let entries: Option<Vec<Entry>> = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let mut mappings = Self::default();
        for entry in entries.unwrap_or_default() {
            let path = entry.path.clone();
            let mapping = entry.check().map_err(|reason| format!("path {path:?}: {reason}"))?;
            if mapping.path == SHARDS {
                mappings.shards = Some(mapping);
            } else {
                mappings.others.push(mapping);
            }
        }
        mappings.others.sort_by_key(|mapping| std::cmp::Reverse(mapping.path.len()));
        Ok(mappings)
    }
}

/// One entry as it is written. A field that is not known would be a security setting that is not followed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    #[serde(default)]
    backend: String,
    #[serde(default)]
    backend_server_ca: String,
    #[serde(default)]
    proxy_client_cert: String,
    #[serde(default)]
    proxy_client_key: String,
    #[serde(default)]
    user_header: String,
    #[serde(default)]
    group_header: String,
    #[serde(default)]
    extra_header_prefix: String,
}

impl Entry {
    fn check(self) -> Result<Mapping, String> {
        let pattern = Pattern::parse(&self.path)?;
        let identity = match (self.proxy_client_cert.as_str(), self.proxy_client_key.as_str()) {
            ("", "") => None,
            ("", _) | (_, "") => Err("proxy_client_cert and proxy_client_key belong together")?,
            (certificate, key) => Some(KeyPairSource::files(certificate, key)),
        };
        let roots = match self.backend_server_ca.as_str() {
            "" => Roots::System,
            path => Roots::Bundle(Source::File(path.into())),
        };
        Ok(Mapping {
            backend: backend(&self.backend, self.path == SHARDS)?,
            tls: ClientTls { roots, identity, server_name: None },
            headers: self.headers()?,
            path: self.path,
            pattern,
        })
    }

    fn headers(&self) -> Result<HeaderNames, String> {
        let mut names = HeaderNames::default();
        if !self.user_header.is_empty() {
            names.user = vec![header(&self.user_header)?];
        }
        if !self.group_header.is_empty() {
            names.group = vec![header(&self.group_header)?];
        }
        if !self.extra_header_prefix.is_empty() {
            names.extra_prefixes = vec![header(&self.extra_header_prefix)?.as_str().to_owned()];
        }
        Ok(names)
    }
}

fn header(name: &str) -> Result<HeaderName, String> {
    name.parse().map_err(|_| format!("{name:?} is no header name"))
}

fn backend(text: &str, unused: bool) -> Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    let uri: Result<http::Uri, _> = trimmed.parse();
    let usable = uri.is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("https" | "http")) && uri.host().is_some() && uri.query().is_none()
    });
    if usable || unused { Ok(trimmed.to_owned()) } else { Err(format!("backend {text:?} is no http(s) URL")) }
}

/// A path prefix, some of whose segments may be `{names}`. It matches whole segments.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Cluster,
    Any,
    /// `{$}`: nothing may follow.
    End,
}

impl Pattern {
    fn parse(path: &str) -> Result<Self, String> {
        if !path.starts_with('/') {
            return Err("it must begin with /".into());
        }
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        if let Some((_, before)) = segments.split_last()
            && before.iter().any(|segment| *segment == "{$}" || segment.ends_with("...}"))
        {
            return Err("{$} and {…...} end a path".to_owned());
        }
        segments
            .into_iter()
            // What matches any rest is what every prefix does.
            .filter(|segment| !segment.ends_with("...}"))
            .map(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some("cluster") => Ok(Segment::Cluster),
                Some("$") => Ok(Segment::End),
                Some("") => Err("{} has no name".to_owned()),
                Some(_) => Ok(Segment::Any),
                None if segment.contains(['{', '}']) => Err(format!("{segment:?} is no wildcard")),
                None => Ok(Segment::Literal(segment.to_owned())),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a path begins so, and the segment at `{cluster}`.
    fn matches<'a>(&self, path: &'a str) -> Option<Option<&'a str>> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let mut cluster = None;
        for wanted in &self.0 {
            if *wanted == Segment::End {
                return segments.all(str::is_empty).then_some(cluster);
            }
            let segment = segments.next()?;
            match wanted {
                Segment::Literal(literal) if literal != segment => return None,
                Segment::Literal(_) => {}
                Segment::Cluster | Segment::Any if segment.is_empty() => return None,
                Segment::Cluster => cluster = Some(segment),
                Segment::Any | Segment::End => {}
            }
        }
        Some(cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r"
        - path: /
          backend: https://default
        - path: /clusters/
          backend: https://root:6443
          backend_server_ca: ca.crt
          proxy_client_cert: p.crt
          proxy_client_key: p.key
        - path: /services/
          backend: https://root:6443/
          user_header: X-Who
          extra_header_prefix: X-More-
        - {path: /services/special, backend: 'https://special'}
        - {path: '/e2e/clusters/{cluster}/', backend: 'https://e2e'}
        - {path: '/exact/{name}/{$}', backend: 'https://exact'}
        - {path: '/tree/{rest...}', backend: 'https://tree'}
    ";

    fn check(path: &str, expected: Option<(&str, Option<&str>)>) {
        let mappings = Mappings::parse(FILE).expect("mappings");
        let found = mappings.find(path).map(|(mapping, cluster)| (mapping.backend.clone(), cluster));
        let found = found.as_ref().map(|(backend, cluster)| (backend.as_str(), cluster.as_deref()));
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn the_longest_path_wins_and_matches_whole_segments() {
        check("/services/apiexport/x", Some(("https://root:6443", None)));
        check("/services", Some(("https://root:6443", None)));
        check("/services/special", Some(("https://special", None)));
        check("/services/special/a", Some(("https://special", None)));
        check("/services/specialist", Some(("https://root:6443", None)));
        check("/e2e/clusters/root:a/api", Some(("https://e2e", Some("root:a"))));
        check("/e2e/clusters//api", Some(("https://default", None)));
        check("/other", Some(("https://default", None)));
        check("/exact/a/", Some(("https://exact", None)));
        check("/exact/a/b", Some(("https://default", None)));
        check("/tree/a/b", Some(("https://tree", None)));
    }

    #[test]
    fn headers_and_certificates_belong_to_a_mapping() {
        let mappings = Mappings::parse(FILE).expect("mappings");
        let shards = mappings.shards.expect("there");
        assert_eq!(shards.headers, HeaderNames::default());
        assert_eq!(shards.tls.identity, Some(KeyPairSource::files("p.crt", "p.key")));
        let services = mappings.others.iter().find(|mapping| mapping.path == "/services/").expect("there");
        assert_eq!(services.headers.user, ["x-who"]);
        assert_eq!(services.headers.extra_prefixes, ["x-more-"]);
        assert_eq!(services.tls.identity, None);
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        for (text, reason) in [
            ("[{path: services, backend: 'https://x'}]", "it must begin with /"),
            ("[{path: /s, backend: 'x'}]", "backend \"x\" is no http(s) URL"),
            ("[{path: /s, backend: 'https://x', proxy_client_cert: a}]", "belong together"),
            ("[{path: /s, backend: 'https://x', verify: false}]", "verify"),
            ("[{path: '/{a', backend: 'https://x'}]", "is no wildcard"),
            ("[{path: '/{$}/a', backend: 'https://x'}]", "end a path"),
        ] {
            let error = Mappings::parse(text).expect_err(text);
            assert!(error.contains(reason), "{error}");
        }
        assert!(Mappings::parse("").expect("empty").shards.is_none());
    }
}
