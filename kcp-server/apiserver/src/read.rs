//! `get`, `list` and `watch`: from stored records to what the client asked for.

use crate::{
    ApiServer, Error,
    compress::Long,
    request::{As, Encoding, Format, Match, Options},
    respond,
    select::Selectors,
    table,
    watch::WatchBody,
    write::prepare_for_read as prepare,
};
use http::{HeaderValue, Response, StatusCode, header};
use kcp_apimachinery::{Map, Value, partial, value::encode_into};
use kcp_names::{ClusterName, Revision};
use kcp_registry::{Listing, Resource, Selection, Token, Version, codec};
use kcp_storage::{Key, ObjectName, Range, Record, Resources, Scope};
use kcp_transport::{Body, Drain};
use std::sync::Arc;

/// Objects of a long list that are read and sent together.
const CHUNK: usize = 500;

/// A read of one resource.
pub(crate) struct Read {
    pub resource: Arc<Resource>,
    pub version: Arc<Version>,
    pub format: Format,
    pub options: Options,
    /// Only metadata may be shown: the objects may be of any schema.
    pub any_schema: bool,
}

impl Read {
    /// One object's JSON as the client wants it, appended to `out`.
    pub(crate) fn encode(&self, key: &Key, record: &Record, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.is_spliced(record)? {
            codec::splice(key, record, Some(&self.version.api_version), out)?;
        } else {
            encode_into(&self.object(key, record)?, out);
        }
        Ok(())
    }

    /// Whether stored bytes serve: they are of the very schema that is asked for.
    pub(crate) fn is_spliced(&self, record: &Record) -> Result<bool, Error> {
        let same = record.header()?.schema == self.version.schema.content_id();
        let plain = self.resource.storage.name == self.version.name || &*self.resource.group != "apis.kcp.io";
        Ok(self.format.convert == As::Object && same && plain)
    }

    /// One object as the client wants it, as a tree.
    pub(crate) fn object(&self, key: &Key, record: &Record) -> Result<Value, Error> {
        let object = self.full(key, record)?;
        Ok(match self.format.convert {
            As::Metadata | As::MetadataList => partial::of(&object),
            As::Object | As::Table(_) => object,
        })
    }

    fn full(&self, key: &Key, record: &Record) -> Result<Value, Error> {
        let mut object = codec::open(key, record)?;
        if self.any_schema {
            return Ok(object);
        }
        prepare::convert(&self.resource, &self.resource.storage, &self.version, &mut object)?;
        if record.header()?.schema != self.version.schema.content_id() {
            self.version.schema.prune(&mut object);
            self.version.schema.default(&mut object);
        }
        Ok(object)
    }

    fn rows(&self, objects: &[Value]) -> Vec<Value> {
        table::rows(&self.resource, &self.version, objects, &self.options.include_object)
    }
}

impl ApiServer {
    /// `GET` of one object.
    pub(crate) async fn get(&self, read: &Read, key: &Key) -> Result<Response<Body>, Error> {
        self.reached(&read.options)?;
        let record = self.registry.record(key).await?.ok_or_else(|| missing(&read.resource, key))?;
        if let As::Table(version) = read.format.convert {
            let object = read.object(key, &record)?;
            let resource_version = record.modified.to_string();
            let table = table::of(
                &read.resource,
                &read.version,
                version,
                read.rows(&[object]),
                &resource_version,
                "",
            );
            return Ok(respond::document(StatusCode::OK, read.format.encoding, &table));
        }
        if read.format.encoding == Encoding::Json {
            let mut out = Vec::new();
            read.encode(key, &record, &mut out)?;
            return Ok(respond::bytes(StatusCode::OK, "application/json", out));
        }
        Ok(respond::document(StatusCode::OK, read.format.encoding, &read.object(key, &record)?))
    }

    /// `GET` of many.
    pub(crate) async fn list(
        self: &Arc<Self>,
        read: Read,
        range: Range,
        drain: &Drain,
    ) -> Result<Response<Body>, Error> {
        self.metrics.listed(&read.resource);
        let selection = Selectors::parse(&read.options, &read.resource, &read.version)?;
        let (token, at) = self.list_start(&read.options, &range)?;
        let whole = read.options.limit == 0;
        let plain = read.format.encoding == Encoding::Json && !matches!(read.format.convert, As::Table(_));
        let limit =
            if whole && plain { CHUNK } else { usize::try_from(read.options.limit).unwrap_or(usize::MAX) };
        let listing = self.registry.list(&range, &selection, limit, token.as_ref(), at).await?;
        if whole && plain && listing.next.is_some() {
            return Ok(self.stream_list(read, range, selection, listing, drain));
        }
        let next = listing.next.as_ref().map(Token::to_text).unwrap_or_default();
        if let As::Table(version) = read.format.convert {
            let objects = listing
                .items
                .iter()
                .map(|(key, record)| read.object(key, record))
                .collect::<Result<Vec<_>, _>>()?;
            let rows = read.rows(&objects);
            let revision = listing.revision.to_string();
            let table = table::of(&read.resource, &read.version, version, rows, &revision, &next);
            return Ok(respond::document(StatusCode::OK, read.format.encoding, &table));
        }
        let mut out = list_head(&read, &listing, &next);
        encode_items(&read, &listing.items, true, &mut out)?;
        out.extend_from_slice(b"]}");
        if read.format.encoding == Encoding::Yaml {
            let value = kcp_apimachinery::value::decode(&out).map_err(|e| Error::Internal(e.to_string()))?;
            return Ok(respond::document(StatusCode::OK, Encoding::Yaml, &value));
        }
        Ok(respond::bytes(StatusCode::OK, "application/json", out))
    }

    /// A long list, chunk by chunk at one revision, at the pace of its reader. Nothing of the store is held
    /// between two chunks; should one not be readable, the body breaks off so that nobody takes it for whole.
    fn stream_list(
        self: &Arc<Self>,
        read: Read,
        range: Range,
        selection: Selectors,
        first: Listing,
        drain: &Drain,
    ) -> Response<Body> {
        let (sender, body) = Body::channel(2);
        let this = self.clone();
        drain.spawn(async move {
            let mut out = list_head(&read, &first, "");
            let (mut listing, mut leading) = (first, true);
            loop {
                if let Err(error) = encode_items(&read, &listing.items, leading, &mut out) {
                    return sender.abort(error.to_string());
                }
                leading = leading && listing.items.is_empty();
                let next = listing.next.take();
                if next.is_none() {
                    out.extend_from_slice(b"]}");
                }
                if !sender.send(std::mem::take(&mut out).into()).await {
                    return;
                }
                let Some(next) = next else { return };
                match this.registry.list(&range, &selection, CHUNK, Some(&next), None).await {
                    Ok(more) => listing = more,
                    Err(error) => return sender.abort(error.to_string()),
                }
            }
        });
        let mut response = Response::new(body);
        response.extensions_mut().insert(Long);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        response
    }

    /// Where a list begins: a token, or a revision.
    fn list_start(
        &self,
        options: &Options,
        range: &Range,
    ) -> Result<(Option<Token>, Option<Revision>), Error> {
        if !options.continue_token.is_empty() {
            let token = Token::parse(&options.continue_token, range)?;
            if !matches!(options.resource_version.as_str(), "" | "0") {
                return Err(Error::BadRequest(
                    "specifying resource version is not allowed when using continue".to_owned(),
                ));
            }
            return Ok((Some(token), None));
        }
        let version = match options.resource_version.as_str() {
            "" | "0" => return Ok((None, None)),
            text => revision(text)?,
        };
        let exact = match options.matching() {
            Some(wanted) => wanted == Match::Exact,
            None => options.limit > 0,
        };
        self.reached(options)?;
        Ok((None, exact.then_some(version)))
    }

    /// A revision that is still to come cannot be waited for.
    fn reached(&self, options: &Options) -> Result<(), Error> {
        let asked = match options.resource_version.as_str() {
            "" | "0" => return Ok(()),
            text => revision(text)?,
        };
        let newest = self.registry.store().revision();
        if asked > newest {
            return Err(kcp_registry::Error::TooLarge { asked, newest }.into());
        }
        Ok(())
    }

    /// `GET` with `watch`.
    pub(crate) async fn watch(
        &self,
        read: Read,
        range: Range,
        drain: Drain,
    ) -> Result<Response<Body>, Error> {
        let selection = Box::new(Selectors::parse(&read.options, &read.resource, &read.version)?);
        let options = &read.options;
        let told = options.initial_events == Some(true);
        let from = match options.resource_version.as_str() {
            "" | "0" => None,
            text => Some(revision(text)?),
        };
        let initial = told || (from.is_none() && options.initial_events.is_none());
        let deactivated = self.deactivations.of(&range.scope);
        let from = if initial { None } else { from };
        match self.registry.watch(range, selection, from, initial).await {
            Ok(stream) => Ok(WatchBody::respond(stream, read, told, deactivated, drain)),
            Err(error) => match lost(error) {
                Ok(error) => Ok(WatchBody::ended(&read, &error)),
                Err(error) => Err(error.into()),
            },
        }
    }
}

/// Whether a watch cannot begin where its client stopped: history is gone, or never was, as after a restore.
/// That is an event of the watch and no status of the response, because there are clients that list anew only
/// when they see it there.
fn lost(error: kcp_registry::Error) -> Result<Error, kcp_registry::Error> {
    if matches!(error, kcp_registry::Error::TooLarge { .. }) {
        return Ok(kcp_registry::Error::Expired(error.to_string()).into());
    }
    if matches!(error, kcp_registry::Error::Expired(_)) { Ok(error.into()) } else { Err(error) }
}

/// A resource version as clients give it.
fn revision(text: &str) -> Result<Revision, Error> {
    Revision::parse(text).ok_or_else(|| {
        Error::BadRequest(format!(
            "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        ))
    })
}

/// Items of a list, with commas between; `leading`: nothing came before them.
fn encode_items(read: &Read, items: &[(Key, Record)], leading: bool, out: &mut Vec<u8>) -> Result<(), Error> {
    for (at, (key, record)) in items.iter().enumerate() {
        if at > 0 || !leading {
            out.push(b',');
        }
        read.encode(key, record, out)?;
    }
    Ok(())
}

/// Everything of a list's JSON before its items.
fn list_head(read: &Read, listing: &Listing, next: &str) -> Vec<u8> {
    let (kind, api_version) = match read.format.convert {
        As::Metadata | As::MetadataList => ("PartialObjectMetadataList", "meta.k8s.io/v1"),
        As::Object | As::Table(_) => (&*read.resource.list_kind, &*read.version.api_version),
    };
    let mut metadata = Map::new();
    metadata.insert("resourceVersion", listing.revision.to_string());
    if !next.is_empty() {
        metadata.insert("continue", next);
    }
    if let Some(remaining) = listing.remaining {
        metadata.insert("remainingItemCount", Value::Int(i64::try_from(remaining).unwrap_or(i64::MAX)));
    }
    let head = kcp_apimachinery::value!({"apiVersion": (api_version), "kind": (kind), "metadata": (Value::Object(metadata))});
    let mut out = Vec::with_capacity(listing.items.len() * 1024);
    encode_into(&head, &mut out);
    out.pop();
    out.extend_from_slice(b",\"items\":[");
    out
}

/// The range of keys that a URL means.
pub(crate) fn range(
    resource: &Resource,
    every_identity: bool,
    cluster: Option<&ClusterName>,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<Range, Error> {
    let segment = |text: &str| ObjectName::parse(text).map_err(|e| Error::BadRequest(e.to_string()));
    let resources = if every_identity {
        Resources::EveryIdentity { group: resource.group.clone(), resource: resource.plural.clone() }
    } else {
        Resources::One(resource.key.clone())
    };
    let namespace = namespace.filter(|_| resource.namespaced).map(segment).transpose()?;
    let scope = match (cluster, name) {
        (None, _) => Scope::Everywhere,
        (Some(cluster), Some(name)) if !resource.namespaced || namespace.is_some() => {
            Scope::Object(cluster.clone(), namespace, segment(name)?)
        }
        (Some(cluster), _) => match namespace {
            Some(namespace) => Scope::Namespace(cluster.clone(), namespace),
            None => Scope::Cluster(cluster.clone()),
        },
    };
    Ok(Range { resources, scope })
}

/// Selects nothing away.
pub(crate) struct Everything;

impl Selection for Everything {
    fn is_everything(&self) -> bool {
        true
    }
    fn selects(&self, _object: &Value) -> bool {
        true
    }
}

fn missing(resource: &Resource, key: &Key) -> Error {
    kcp_registry::Error::NotFound { resource: resource.qualified(), name: key.name.to_string() }.into()
}
