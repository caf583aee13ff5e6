//! Objects as stored and as served.
//!
//! Stored is canonical JSON without what comes from the key or the store: `resourceVersion` and the
//! annotations `kcp.io/cluster` and `kcp.io/shard`. Serving puts those in at offsets that the header
//! holds, so that an object that is wanted as it was stored costs one copy.

use kcp_apimachinery::{
    Map, Value,
    value::{encode_into, escape_into},
};
use kcp_storage::{Header, Key, Record, RecordError};

/// The annotation that names an object's logical cluster on every read.
pub const CLUSTER_ANNOTATION: &str = "kcp.io/cluster";
/// The annotation that names the shard on copies in a cache server.
pub const SHARD_ANNOTATION: &str = "kcp.io/shard";

/// What the header has to say besides offsets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seal {
    /// Content id of the schema the object was pruned and defaulted under.
    pub schema: u64,
    /// Nothing may be created beneath the object any more.
    pub closed: bool,
    /// Seconds since 1970 at which the store removes it; 0: never.
    pub expires: u64,
}

/// Encodes an object for the store. What comes from the key is taken out of `object` first.
#[must_use]
pub fn seal(object: &mut Value, seal: Seal) -> bytes::Bytes {
    strip(object);
    let mut header =
        Header { closed: seal.closed, schema: seal.schema, expires: seal.expires, ..Header::default() };
    let mut json = Vec::with_capacity(512);
    let Some(members) = object.as_object() else {
        encode_into(object, &mut json);
        return header.seal(&json);
    };
    json.push(b'{');
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        escape_into(name, &mut json);
        json.push(b':');
        match (name, value) {
            ("apiVersion", _) => {
                header.api_version = offset(&json);
                encode_into(value, &mut json);
                header.api_version_end = offset(&json);
            }
            ("metadata", Value::Object(metadata)) => encode_metadata(metadata, &mut json, &mut header),
            _ => encode_into(value, &mut json),
        }
    }
    json.push(b'}');
    header.seal(&json)
}

fn encode_metadata(metadata: &Map, json: &mut Vec<u8>, header: &mut Header) {
    json.push(b'{');
    header.annotations = offset(json);
    for (at, (name, value)) in metadata.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        if name == "uid" {
            header.resource_version = offset(json);
        }
        escape_into(name, json);
        json.push(b':');
        if name == "annotations" {
            header.has_annotations = true;
            header.annotations = offset(json) + 1;
        }
        encode_into(value, json);
    }
    json.push(b'}');
}

fn offset(json: &[u8]) -> u32 {
    // Objects are at most 1.5 MiB; a longer one is refused before it is stored.
    u32::try_from(json.len()).unwrap_or(u32::MAX)
}

/// Takes out of an object what does not belong into the store.
pub fn strip(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    metadata.remove("resourceVersion");
    metadata.remove("selfLink");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(CLUSTER_ANNOTATION);
        annotations.remove(SHARD_ANNOTATION);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    } else if metadata.contains("annotations") {
        metadata.remove("annotations");
    }
}

/// Appends the object's JSON as clients see it: with its resource version, its logical cluster, and
/// `api_version` in place of the stored one if given.
///
/// # Errors
/// A stored value that cannot be read.
pub fn splice(
    key: &Key,
    record: &Record,
    api_version: Option<&str>,
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    let header = record.header()?;
    let json = record.json();
    let mut rest = Splice { json, at: 0 };
    out.reserve(json.len() + 128);
    if let Some(version) = api_version
        && header.api_version_end > 0
    {
        rest.copy(header.api_version, out);
        escape_into(version, out);
        rest.at = header.api_version_end as usize;
    }
    rest.copy(header.annotations, out);
    if header.annotations > 0 {
        let cluster = key.cluster.as_str();
        if !header.has_annotations {
            out.extend_from_slice(b"\"annotations\":{");
        }
        out.extend_from_slice(b"\"kcp.io/cluster\":\"");
        out.extend_from_slice(cluster.as_bytes());
        out.extend_from_slice(if header.has_annotations { b"\"," } else { b"\"}," });
    }
    if header.resource_version > 0 {
        rest.copy(header.resource_version, out);
        out.extend_from_slice(b"\"resourceVersion\":\"");
        out.extend_from_slice(record.modified.to_string().as_bytes());
        out.extend_from_slice(b"\",");
    }
    rest.copy(u32::MAX, out);
    Ok(())
}

struct Splice<'a> {
    json: &'a [u8],
    at: usize,
}

impl Splice<'_> {
    fn copy(&mut self, upto: u32, out: &mut Vec<u8>) {
        let upto = (upto as usize).clamp(self.at, self.json.len());
        out.extend_from_slice(&self.json[self.at..upto]);
        self.at = upto;
    }
}

/// The object as a tree, as clients see it.
///
/// # Errors
/// A stored value that cannot be read.
pub fn open(key: &Key, record: &Record) -> Result<Value, RecordError> {
    record.header()?;
    let mut object = kcp_apimachinery::value::decode(record.json()).map_err(|_| RecordError::Damaged)?;
    project(key, record, &mut object);
    Ok(object)
}

/// Puts in what comes from the key and the store.
pub fn project(key: &Key, record: &Record, object: &mut Value) {
    object.set_at(&["metadata", "resourceVersion"], record.modified.to_string().into());
    object.set_at(&["metadata", "annotations", CLUSTER_ANNOTATION], key.cluster.as_str().into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value::{decode, encode};
    use kcp_names::{ClusterName, Revision};
    use kcp_storage::{ObjectName, ResourceKey};

    fn key() -> Key {
        Key {
            resource: ResourceKey::built_in("", "configmaps"),
            cluster: ClusterName::root(),
            namespace: None,
            name: ObjectName::parse("a").expect("a name"),
        }
    }

    fn check(object: &str, api_version: Option<&str>, served: &str) {
        let mut object = decode(object.as_bytes()).expect("JSON");
        let value = seal(&mut object, Seal::default());
        let record = Record { value, created: Revision(3), modified: Revision(7) };
        let mut out = Vec::new();
        splice(&key(), &record, api_version, &mut out).expect("a sound record");
        let spliced = decode(&out).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out)));
        assert_eq!(String::from_utf8(encode(&spliced)).expect("UTF-8"), served);
        if api_version.is_none() {
            assert_eq!(open(&key(), &record).expect("a sound record"), spliced, "both ways give the same");
        }
    }

    #[test]
    fn what_comes_from_the_key_is_put_in_on_read() {
        check(
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","uid":"u"},"data":{"x":"y"}}"#,
            None,
            r#"{"apiVersion":"v1","data":{"x":"y"},"kind":"ConfigMap","metadata":{"annotations":{"kcp.io/cluster":"root"},"name":"a","resourceVersion":"7","uid":"u"}}"#,
        );
    }

    #[test]
    fn what_a_client_claims_about_it_is_not_stored() {
        check(
            r#"{"apiVersion":"v1","metadata":{"annotations":{"kcp.io/cluster":"other","kcp.io/shard":"s","b":"c"},"name":"a","resourceVersion":"1","uid":"u"}}"#,
            None,
            r#"{"apiVersion":"v1","metadata":{"annotations":{"b":"c","kcp.io/cluster":"root"},"name":"a","resourceVersion":"7","uid":"u"}}"#,
        );
    }

    #[test]
    fn another_version_is_put_in_the_place_of_the_stored_one() {
        check(
            r#"{"apiVersion":"e.io/v1","metadata":{"annotations":{"b":"c"},"uid":"u"}}"#,
            Some("e.io/v2"),
            r#"{"apiVersion":"e.io/v2","metadata":{"annotations":{"b":"c","kcp.io/cluster":"root"},"resourceVersion":"7","uid":"u"}}"#,
        );
    }
}
