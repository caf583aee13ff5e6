//! The body of a watch: one JSON document per event, as they come.

use crate::{
    Error,
    deactivation::Deactivated,
    read::Read,
    request::{As, Encoding},
    status, table,
};
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use kcp_apimachinery::{
    Value,
    value::{encode, encode_into},
};
use kcp_names::Revision;
use kcp_registry::{Streamed, WatchStream};
use kcp_storage::{Key, Record};
use kcp_transport::{Body, BodySender, Drain};
use std::time::Duration;

/// How often a client that wants bookmarks gets one when nothing happens.
const BOOKMARK: Duration = Duration::from_secs(60);
/// How long a watch lasts when the client does not say. Kubernetes ends them by itself, too.
const LONGEST: Duration = Duration::from_secs(3600);
/// Event documents that may wait for the client's pipe.
const QUEUE: usize = 16;

/// One running watch.
pub(crate) struct WatchBody {
    stream: WatchStream,
    read: Read,
    initial_told: bool,
    first_table: bool,
    deactivated: Deactivated,
}

impl WatchBody {
    /// Starts the watch and gives the response that it fills.
    pub(crate) fn respond(
        stream: WatchStream,
        read: Read,
        initial_told: bool,
        deactivated: Deactivated,
        drain: Drain,
    ) -> Response<Body> {
        let (sender, body) = Body::channel(QUEUE);
        let response = headed(&read, body);
        let watch = Self { stream, read, initial_told, first_table: true, deactivated };
        let stop = drain.clone();
        drain.spawn(async move { watch.run(&sender, &stop).await });
        response
    }

    /// A watch that tells why it cannot be, and nothing else.
    pub(crate) fn ended(read: &Read, error: &Error) -> Response<Body> {
        headed(read, Body::from(failed(error)))
    }

    async fn run(mut self, sender: &BodySender, drain: &Drain) {
        let lasts = self.read.options.timeout.unwrap_or(LONGEST);
        let end = tokio::time::sleep(lasts);
        tokio::pin!(end);
        let mut bookmarks = tokio::time::interval_at(tokio::time::Instant::now() + BOOKMARK, BOOKMARK);
        loop {
            let document = tokio::select! {
                () = &mut end => return,
                () = drain.begun() => return,
                () = self.deactivated.happened() => return,
                () = sender.closed() => return,
                _ = bookmarks.tick(), if self.read.options.bookmarks => match self.stream.progress() {
                    Some(revision) => Ok(Some(self.bookmark(revision, false))),
                    None => continue,
                },
                next = self.stream.next() => match next {
                    Ok(event) => self.document(event),
                    Err(error) => Err(Error::Registry(error)),
                },
            };
            let (document, last) = match document {
                Ok(None) => continue,
                Ok(Some(document)) => (document, false),
                Err(error) => (failed(&error), true),
            };
            if !sender.send(document).await || last {
                return;
            }
        }
    }

    fn document(&mut self, event: Streamed) -> Result<Option<Bytes>, Error> {
        let (kind, key, record) = match &event {
            Streamed::InitialEnd(revision) if self.initial_told && self.read.options.bookmarks => {
                return Ok(Some(self.bookmark(*revision, true)));
            }
            Streamed::InitialEnd(_) => return Ok(None),
            Streamed::Added(key, record, _) => ("ADDED", key, record),
            Streamed::Modified(key, record, _) => ("MODIFIED", key, record),
            Streamed::Deleted(key, record, _) => ("DELETED", key, record),
        };
        self.event(kind, key, record).map(Some)
    }

    fn event(&mut self, kind: &str, key: &Key, record: &Record) -> Result<Bytes, Error> {
        let mut out = Vec::with_capacity(record.value.len() + 200);
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\",\"object\":");
        if let As::Table(version) = self.read.format.convert {
            let object = self.read.object(key, record)?;
            let rows = table::rows(
                &self.read.resource,
                &self.read.version,
                &[object],
                &self.read.options.include_object,
            );
            let resource_version = record.modified.to_string();
            let mut table =
                table::of(&self.read.resource, &self.read.version, version, rows, &resource_version, "");
            // Only the first table of a watch brings its columns.
            if !std::mem::take(&mut self.first_table) {
                table.set_at(&["columnDefinitions"], Value::Null);
            }
            encode_into(&table, &mut out);
        } else {
            self.read.encode(key, record, &mut out)?;
        }
        out.extend_from_slice(b"}\n");
        Ok(out.into())
    }

    fn bookmark(&self, revision: Revision, initial_end: bool) -> Bytes {
        let (api_version, kind) = match self.read.format.convert {
            As::Metadata | As::MetadataList => ("meta.k8s.io/v1", "PartialObjectMetadata"),
            As::Table(version) => {
                (if version == "v1" { "meta.k8s.io/v1" } else { "meta.k8s.io/v1beta1" }, "Table")
            }
            As::Object => (&*self.read.version.api_version, &*self.read.resource.kind),
        };
        let mut object = kcp_apimachinery::value!({
            "kind": (kind), "apiVersion": (api_version), "metadata": {"resourceVersion": (revision.to_string())},
        });
        if initial_end {
            object.set_at(&["metadata", "annotations", "k8s.io/initial-events-end"], "true".into());
        }
        if kind == "Table" {
            object.set_at(&["rows"], Value::Array(Vec::new()));
        }
        let mut out = encode(&kcp_apimachinery::value!({"type": "BOOKMARK", "object": (object)}));
        out.push(b'\n');
        out.into()
    }
}

fn headed(read: &Read, body: Body) -> Response<Body> {
    let yaml = read.format.encoding == Encoding::Yaml;
    let mut response = Response::new(body);
    let kind = if yaml { "application/yaml;stream=watch" } else { "application/json" };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

/// The last event of a watch that cannot go on.
fn failed(error: &Error) -> Bytes {
    let status = status::status(error).to_value();
    let mut out = encode(&kcp_apimachinery::value!({"type": "ERROR", "object": (status)}));
    out.push(b'\n');
    out.into()
}
