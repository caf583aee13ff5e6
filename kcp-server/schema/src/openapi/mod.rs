//! OpenAPI documents of what is served.
//!
//! A document is a function of the kinds in it ([`Served`]), so whoever caches documents can do it by
//! [`key`]. [`v3`] makes the document of one group and version, as `kubectl explain`, `apply`, `diff` and
//! `--validate` read it; [`v2`] and [`v2_protobuf`] the one of everything, for older clients. The form and
//! the names are those of Kubernetes: `io.k8s.api.core.v1.ConfigMap` for its own types, the group backwards
//! for others (`com.example.v1.Widget`).

mod document;
mod operation;
mod parameter;
mod protobuf;
mod schema;
mod served;

pub use served::{Served, ServedSubresource};

use document::Document;
use kcp_apimachinery::{Map, Value, value};
use sha2::{Digest as _, Sha256};

/// Which of the two forms a document has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    V2,
    V3,
}

impl Dialect {
    fn reference(self, name: &str) -> Value {
        let root = match self {
            Self::V2 => "#/definitions/",
            Self::V3 => "#/components/schemas/",
        };
        value!({ "$ref": (format!("{root}{name}")) })
    }
}

/// The OpenAPI v3 document of one group and version, as JSON.
#[must_use]
pub fn v3(kinds: &[Served<'_>]) -> Vec<u8> {
    let Document { paths, schemas } = Document::of(kinds, Dialect::V3);
    let token = value!({"description": "Bearer Token authentication", "in": "header", "name": "authorization", "type": "apiKey"});
    value::encode(&value!({
        "components": {"schemas": schemas, "securitySchemes": {"BearerToken": token}},
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "openapi": "3.0.0",
        "paths": paths,
    }))
}

/// The OpenAPI v2 document of all kinds that are served, as JSON.
#[must_use]
pub fn v2(kinds: &[Served<'_>]) -> Vec<u8> {
    value::encode(&v2_tree(kinds))
}

/// The OpenAPI v2 document as the protobuf message `openapi.v2.Document`
/// (`application/com.github.proto-openapi.spec.v2@v1.0+protobuf`).
#[must_use]
pub fn v2_protobuf(kinds: &[Served<'_>]) -> Vec<u8> {
    protobuf::document(&v2_tree(kinds))
}

fn v2_tree(kinds: &[Served<'_>]) -> Value {
    let Document { paths, schemas } = Document::of(kinds, Dialect::V2);
    let token = value!({"description": "Bearer Token authentication", "in": "header", "name": "authorization", "type": "apiKey"});
    value!({
        "definitions": schemas,
        "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": paths,
        "security": [{"BearerToken": []}],
        "securityDefinitions": {"BearerToken": token},
        "swagger": "2.0",
    })
}

/// What a document is made of, in 64 hexadecimal digits: the same for the same kinds in any order. It is the hash
/// that the index gives clients, and a key for caches.
#[must_use]
pub fn key(kinds: &[Served<'_>]) -> String {
    let mut parts: Vec<_> = kinds.iter().map(Served::identity).collect();
    parts.sort();
    let digest = Sha256::digest(parts.join("\n"));
    digest.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// `/openapi/v3`: where the documents are. `documents` gives per group and version the [`key`] of its document; the
/// group is empty for the core group. `prefix` goes before every URL, such as `/clusters/root`, or is empty.
#[must_use]
pub fn index<'d>(prefix: &str, documents: impl IntoIterator<Item = (&'d str, &'d str, &'d str)>) -> Vec<u8> {
    let mut paths = Map::new();
    for (group, version, hash) in documents {
        let path =
            if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        let url = format!("{prefix}/openapi/v3/{path}?hash={hash}");
        paths.insert(path, value!({ "serverRelativeURL": url }));
    }
    value::encode(&value!({ "paths": paths }))
}

#[cfg(test)]
mod tests;
