//! OpenAPI documents, made on demand and kept by the content of the catalog that they describe.

use crate::{ApiServer, Error, discovery, pipeline::Place, request::MediaType, respond};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use kcp_registry::{Catalog, Resource, Version};
use kcp_schema::openapi::{self, Served, ServedSubresource};
use kcp_transport::Body;
use quick_cache::{Weighter, sync::Cache};

/// Bytes of documents that are kept.
const KEPT: u64 = 16 * 1024 * 1024;
/// Documents that are kept, at most.
const COUNT: usize = 400;

/// The documents that are kept, by what they are made of. A logical cluster with the same APIs as another
/// has the same documents.
pub(crate) struct Documents(Cache<String, Bytes, ByLength>);

#[derive(Clone)]
struct ByLength;

impl Weighter<String, Bytes> for ByLength {
    fn weight(&self, key: &String, document: &Bytes) -> u64 {
        (key.len() + document.len()) as u64
    }
}

impl Default for Documents {
    fn default() -> Self {
        Self(Cache::with_weighter(COUNT, KEPT, ByLength))
    }
}

impl Documents {
    fn get(&self, key: String, make: impl FnOnce() -> Vec<u8>) -> Bytes {
        if let Some(found) = self.0.get(&key) {
            return found;
        }
        let made = Bytes::from(make());
        self.0.insert(key, made.clone());
        made
    }
}

impl ApiServer {
    /// `/openapi/v2`, `/openapi/v3` and the documents below it.
    pub(crate) fn open_api(
        &self,
        place: &Place,
        catalog: &Catalog,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Error> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            ["openapi", "v2"] => Ok(self.v2(catalog, headers)),
            ["openapi", "v3"] => {
                let prefix = match place {
                    Place::Here(cluster) => format!("/clusters/{cluster}"),
                    Place::Everywhere => return Err(Error::NoSuchPath),
                    Place::Nowhere
                    | Place::Mount { .. }
                    | Place::Elsewhere
                    | Place::Unavailable
                    | Place::Unknown(_) => String::new(),
                };
                Ok(respond::bytes(StatusCode::OK, "application/json", Self::contents(catalog, &prefix)))
            }
            ["openapi", "v3", "api", version] => self.v3(catalog, "", version, headers),
            ["openapi", "v3", "apis", group, version] => self.v3(catalog, group, version, headers),
            _ => Err(Error::NoSuchPath),
        }
    }

    fn v2(&self, catalog: &Catalog, headers: &HeaderMap) -> Response<Body> {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let wanted = MediaType::parse_accept(accept);
        let protobuf = wanted.iter().map(|media| media.kind.as_str()).find(|kind| {
            kind.contains("proto-openapi.spec.v2") || *kind == "application/json" || *kind == "*/*"
        });
        let protobuf = protobuf.is_some_and(|kind| kind.contains("protobuf"));
        let served = every(catalog);
        let kinds: Vec<Served<'_>> =
            served.iter().map(|(resource, version)| describe(resource, version)).collect();
        let key = format!("v2/{protobuf}/{}", openapi::key(&kinds));
        let document = self
            .documents
            .get(key.clone(), || if protobuf { openapi::v2_protobuf(&kinds) } else { openapi::v2(&kinds) });
        let kind = if protobuf {
            // What older clients ask for, with an `@` in it, is no media type to newer ones.
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        } else {
            "application/json"
        };
        tagged(headers, &key, respond::bytes(StatusCode::OK, kind, document))
    }

    fn contents(catalog: &Catalog, prefix: &str) -> Vec<u8> {
        let mut entries = Vec::new();
        let groups = std::iter::once(String::new()).chain(discovery::groups(catalog));
        for group in groups {
            for version in discovery::versions(catalog, &group) {
                let served = some(catalog, &group, &version);
                let kinds: Vec<Served<'_>> = served.iter().map(|(r, v)| describe(r, v)).collect();
                entries.push((group.clone(), version, openapi::key(&kinds)));
            }
        }
        openapi::index(
            prefix,
            entries.iter().map(|(group, version, key)| (group.as_str(), version.as_str(), key.as_str())),
        )
    }

    fn v3(
        &self,
        catalog: &Catalog,
        group: &str,
        version: &str,
        headers: &HeaderMap,
    ) -> Result<Response<Body>, Error> {
        let served = some(catalog, group, version);
        if served.is_empty() {
            return Err(Error::NoSuchPath);
        }
        let kinds: Vec<Served<'_>> =
            served.iter().map(|(resource, version)| describe(resource, version)).collect();
        let key = format!("v3/{}", openapi::key(&kinds));
        let document = self.documents.get(key.clone(), || openapi::v3(&kinds));
        Ok(tagged(headers, &key, respond::bytes(StatusCode::OK, "application/json", document)))
    }
}

type Both<'c> = (&'c Resource, &'c Version);

fn every(catalog: &Catalog) -> Vec<Both<'_>> {
    let all = catalog.resources.iter();
    all.flat_map(|resource| resource.versions.iter().map(move |version| (&**resource, &**version))).collect()
}

fn some<'c>(catalog: &'c Catalog, group: &str, version: &str) -> Vec<Both<'c>> {
    let wanted = |(resource, served): &Both<'_>| &*resource.group == group && &*served.name == version;
    every(catalog).into_iter().filter(wanted).collect()
}

fn describe<'c>(resource: &'c Resource, version: &'c Version) -> Served<'c> {
    let mut subresources = Vec::new();
    if version.status {
        subresources.push(ServedSubresource { name: "status", verbs: STATUS.into(), kind: None });
    }
    if version.scale.is_some() {
        subresources.push(ServedSubresource {
            name: "scale",
            verbs: STATUS.into(),
            kind: Some(("autoscaling", "v1", "Scale")),
        });
    }
    subresources.extend(version.subresources.iter().map(|sub| ServedSubresource {
        name: sub.name,
        verbs: sub.verbs.into(),
        kind: (!sub.version.is_empty()).then_some((sub.group, sub.version, sub.kind)),
    }));
    Served {
        group: &resource.group,
        version: &version.name,
        kind: &resource.kind,
        list_kind: &resource.list_kind,
        plural: &resource.plural,
        namespaced: resource.namespaced,
        verbs: version.verbs.as_slice().into(),
        subresources,
        selectable: version.selectable.iter().map(String::as_str).collect(),
        schema: &version.schema,
    }
}

const STATUS: &[&str] = &["get", "patch", "update"];

/// Adds the entity tag, and answers 304 to whoever has the document.
fn tagged(headers: &HeaderMap, key: &str, mut response: Response<Body>) -> Response<Body> {
    let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", key.rsplit('/').next().unwrap_or_default()))
    else {
        return response;
    };
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response.headers_mut().insert(header::ETAG, tag);
    response
}
