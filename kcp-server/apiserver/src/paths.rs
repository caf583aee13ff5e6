//! Everything that is no object: discovery, OpenAPI, health, version, metrics.

use crate::{
    ApiServer, Error, backup, discovery,
    pipeline::{Authenticated, Place},
    request::{MediaType, choose},
    respond,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use kcp_apimachinery::{Value, value, value::encode};
use kcp_names::ClusterName;
use kcp_registry::Catalog;
use kcp_transport::{Body, Peer};
use std::sync::Arc;

impl ApiServer {
    /// Answers an authorized request on a path.
    pub(crate) async fn path(&self, peer: &Peer, request: Authenticated) -> Result<Response<Body>, Error> {
        let path = request.parsed.info.path.trim_end_matches('/').to_owned();
        let place = request.place.clone();
        let headers = &request.parsed.headers;
        if !matches!(request.parsed.method, Method::GET | Method::HEAD) {
            return Err(Error::MethodNotAllowed(
                "the server does not allow this method on the requested resource".to_owned(),
            ));
        }
        match path.as_str() {
            "/version" => Ok(respond::bytes(StatusCode::OK, "application/json", encode(&self.version()))),
            "/metrics" => self.scrape(&place),
            backup::PATH => self.backup(peer, &request).await,
            path if is_health(path) => Ok(self.health(path, &request.parsed.raw_query)),
            "/.well-known/openid-configuration" | "/openid/v1/jwks" => Ok(self.issuer_document(&path)),
            "" => Ok(respond::bytes(StatusCode::OK, "application/json", encode(&roots()))),
            path if path.starts_with("/openapi") => {
                let catalog = self.catalog_of(&place).await?.ok_or(Error::NoSuchPath)?;
                self.open_api(&place, &catalog, path, headers)
            }
            path => {
                let catalog = self.catalog_of(&place).await?.ok_or(Error::NoSuchPath)?;
                discover(&catalog, path, headers)
            }
        }
    }

    async fn catalog_of(&self, place: &Place) -> Result<Option<Arc<Catalog>>, Error> {
        match place {
            Place::Here(cluster) => Ok(Some(self.registry.catalog(cluster).await?)),
            Place::Everywhere | Place::Nowhere => {
                Ok(Some(self.registry.catalog(&ClusterName::system_crds()).await?))
            }
            Place::Mount { .. } | Place::Elsewhere | Place::Unavailable | Place::Unknown(_) => Ok(None),
        }
    }

    /// What a Kubernetes of this level says of itself.
    fn version(&self) -> Value {
        value!({
            "major": "1", "minor": "36", "gitVersion": (format!("v1.36.0+kcp-{}", self.settings.version)),
            "gitCommit": "", "gitTreeState": "clean", "buildDate": "", "goVersion": "", "compiler": "rustc",
            "platform": "linux/amd64",
        })
    }

    fn scrape(&self, place: &Place) -> Result<Response<Body>, Error> {
        if matches!(place, Place::Here(_)) {
            return Ok(respond::text(
                StatusCode::NOT_IMPLEMENTED,
                "shard-level endpoint not available at workspace scope",
            ));
        }
        let text = self.metrics.render(self.registry.store().revision());
        Ok(respond::bytes(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text))
    }

    fn health(&self, path: &str, query: &str) -> Response<Body> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (kind, only) = (parts[0], parts.get(1).copied());
        let checks = self.metrics.checks(kind);
        let checks: Vec<_> =
            checks.iter().filter(|(name, _)| only.is_none_or(|only| *name == only)).collect();
        if checks.is_empty() && only.is_some() {
            return respond::text(StatusCode::NOT_FOUND, "404 page not found\n");
        }
        let failed = checks.iter().any(|(_, well)| !well);
        let verbose = query.split('&').any(|pair| pair == "verbose" || pair.starts_with("verbose="));
        if !failed && !verbose {
            return respond::text(StatusCode::OK, "ok");
        }
        let mut text = String::new();
        for (name, well) in checks {
            text += &if *well {
                format!("[+]{name} ok\n")
            } else {
                format!("[-]{name} failed: reason withheld\n")
            };
        }
        text += &format!("{kind} check {}\n", if failed { "failed" } else { "passed" });
        respond::text(if failed { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }, text)
    }
}

fn is_health(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    matches!(first, "healthz" | "livez" | "readyz")
}

/// The document of `/`: where to go from there.
fn roots() -> Value {
    let paths = [
        "/api",
        "/api/v1",
        "/apis",
        "/healthz",
        "/livez",
        "/metrics",
        "/openapi/v2",
        "/openapi/v3",
        "/readyz",
        "/version",
    ];
    value!({"paths": (paths.iter().map(|&path| Value::from(path)).collect::<Value>())})
}

/// A discovery document in the form that the client likes best.
fn discover(catalog: &Catalog, path: &str, headers: &HeaderMap) -> Result<Response<Body>, Error> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if matches!(path, "/api" | "/apis") {
        for media in MediaType::parse_accept(accept) {
            if media.convert.is_empty() {
                break;
            }
            let version = media.version.as_str();
            if media.kind == "application/json"
                && media.group == "apidiscovery.k8s.io"
                && media.convert == "APIGroupDiscoveryList"
                && matches!(version, "v2" | "v2beta1")
            {
                let document = discovery::aggregated(catalog, path == "/api", version);
                let kind =
                    format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
                return Ok(tagged(
                    catalog,
                    headers,
                    respond::bytes(StatusCode::OK, &kind, encode(&document)),
                ));
            }
        }
    }
    let document = discovery::document(catalog, path).ok_or(Error::NoSuchPath)?;
    let format = choose(Some(accept)).ok_or(Error::NotAcceptable)?;
    Ok(respond::document(StatusCode::OK, format.encoding, &document))
}

/// Adds the entity tag of a catalog, and answers 304 to whoever has it.
fn tagged(catalog: &Catalog, headers: &HeaderMap, mut response: Response<Body>) -> Response<Body> {
    let Ok(tag) = HeaderValue::from_str(&format!("\"{:016X}\"", catalog.id)) else { return response };
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response.headers_mut().insert(header::ETAG, tag);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}
