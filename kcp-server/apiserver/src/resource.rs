//! From a resource in a URL to the verb that answers it.

use crate::{
    ApiServer, Error,
    pipeline::{Authenticated, Place},
    read::{Read, range},
    request::{As, Format, Options, ResourceTarget, Verb, choose},
    respond,
    write::{Body as WriteBody, DeleteOptions, Deleted, PatchKind, Traits, Write, Written},
};
use http::{Response, StatusCode, header};
use kcp_names::ClusterName;
use kcp_registry::{Catalog, Resource, Version};
use kcp_storage::{Identity, Key, ObjectName};
use kcp_transport::{Body, Peer};
use std::sync::Arc;

/// Longest body of a write, in bytes. Objects are at most half of it.
pub(crate) const LONGEST_BODY: usize = 3 * 1024 * 1024;
/// Bytes of a body that is too long which are read and forgotten, so that its sender can hear so.
const LONGEST_WASTE: usize = 64 * 1024 * 1024;

/// A resource that was looked up.
struct Found {
    catalog: Arc<Catalog>,
    resource: Arc<Resource>,
    version: Arc<Version>,
    /// A wildcard over all schemas of one name: metadata only.
    any_schema: bool,
}

impl ApiServer {
    /// Answers an authorized request on a resource.
    pub(crate) async fn resource(
        self: &Arc<Self>,
        peer: &Peer,
        request: Authenticated,
        target: ResourceTarget,
        verb: Verb,
    ) -> Result<Response<Body>, Error> {
        let options = Options::parse(&request.parsed.raw_query)?;
        let accept = request.parsed.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let format = choose(accept).ok_or(Error::NotAcceptable)?;
        let cluster = match &request.place {
            Place::Here(cluster) => Some(cluster.clone()),
            Place::Everywhere => None,
            Place::Nowhere
            | Place::Mount { .. }
            | Place::Elsewhere
            | Place::Unavailable
            | Place::Unknown(_) => {
                // Without a logical cluster there are no objects.
                return Err(Error::NoSuchPath);
            }
        };
        if cluster.is_none() && !matches!(verb, Verb::List | Verb::Watch) {
            return Err(Error::MethodNotAllowed(format!(
                "{} is not supported on resources of kind {:?} in the `*` logical cluster",
                verb.as_str(),
                target.resource
            )));
        }
        let found = self.find(cluster.as_ref(), &target, format).await?;
        check_place(&found.resource, &target, verb)?;
        self.check_verb(&found, &target, verb)?;
        let kind = request.parsed.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        options.check(verb, crate::write::is_apply(kind))?;
        let place = match verb == Verb::Watch {
            true => None,
            false => Some(self.flight.enter(cluster.clone()).await.map_err(|_| Error::TooManyRequests)?),
        };
        let response = match cluster {
            Some(cluster) if !verb.is_read() => {
                self.change(request, found, target, verb, cluster, options, format).await
            }
            cluster => self.look(peer, &request, found, target, verb, cluster, options, format).await,
        }?;
        Ok(response.map(|body| match place {
            Some(place) => body.guarded(place),
            None => body,
        }))
    }

    /// Looks a resource up in the catalog of its logical cluster.
    async fn find(
        &self,
        cluster: Option<&ClusterName>,
        target: &ResourceTarget,
        format: Format,
    ) -> Result<Found, Error> {
        if target.identity.as_deref() == Some("") {
            return Err(Error::Internal(format!("invalid resource {:?}: missing identity", target.resource)));
        }
        let (catalog, resource, any_schema) = match cluster {
            Some(cluster) => {
                let catalog = self.registry.catalog(cluster).await?;
                let resource = catalog.find(&target.group, &target.resource).cloned();
                (catalog, resource, false)
            }
            None => self.find_everywhere(target, format).await?,
        };
        let resource = resource.filter(|resource| match &target.identity {
            None => true,
            Some(wanted) => matches!(&resource.key.identity, Identity::Bound(hash) if **hash == **wanted),
        });
        let resource = resource.ok_or(Error::NoSuchPath)?;
        let version = match resource.version(&target.version) {
            Some(version) => version.clone(),
            None if any_schema => resource.storage.clone(),
            None => return Err(Error::NoSuchPath),
        };
        Ok(Found { catalog, resource, version, any_schema })
    }

    /// What a wildcard request means: built-in and system resources, one identity, or metadata of all.
    async fn find_everywhere(
        &self,
        target: &ResourceTarget,
        format: Format,
    ) -> Result<(Arc<Catalog>, Option<Arc<Resource>>, bool), Error> {
        let system = self.registry.system_catalog().await?;
        if let Some(identity) = &target.identity {
            let bound = self.registry.bound_anywhere(&target.group, &target.resource, identity).await?;
            return Ok((system, bound, false));
        }
        if let Some(resource) = system.find(&target.group, &target.resource) {
            let resource = resource.clone();
            return Ok((system, Some(resource), false));
        }
        if matches!(format.convert, As::Metadata | As::MetadataList) {
            let any = self.registry.any_definition(&target.group, &target.resource).await?;
            return Ok((system, any, true));
        }
        Ok((system, None, false))
    }

    fn check_verb(&self, found: &Found, target: &ResourceTarget, verb: Verb) -> Result<(), Error> {
        let known = match target.subresource.as_deref() {
            None => found.version.verbs.contains(&verb.as_str()),
            Some("status") => found.version.status && matches!(verb, Verb::Get | Verb::Update | Verb::Patch),
            Some("scale") => {
                found.version.scale.is_some() && matches!(verb, Verb::Get | Verb::Update | Verb::Patch)
            }
            Some(name) => match found.version.subresources.iter().find(|sub| sub.name == name) {
                Some(sub) => sub.verbs.contains(&verb.as_str()),
                None => return Err(Error::NoSuchPath),
            },
        };
        if matches!(target.subresource.as_deref(), Some("status")) && !found.version.status
            || matches!(target.subresource.as_deref(), Some("scale")) && found.version.scale.is_none()
        {
            return Err(Error::NoSuchPath);
        }
        if known {
            return Ok(());
        }
        Err(method_not_allowed())
    }

    #[allow(clippy::too_many_arguments, reason = "each is one part of the request")]
    async fn look(
        self: &Arc<Self>,
        peer: &Peer,
        request: &Authenticated,
        found: Found,
        target: ResourceTarget,
        verb: Verb,
        cluster: Option<ClusterName>,
        options: Options,
        format: Format,
    ) -> Result<Response<Body>, Error> {
        let Found { resource, version, any_schema, .. } = found;
        if cluster.is_none() && target.namespace.is_some() {
            return Err(Error::BadRequest(format!(
                "cross-cluster LIST and WATCH are required to be cross-namespace, not scoped to namespace {}",
                target.namespace.unwrap_or_default()
            )));
        }
        let by_name = target.name.clone();
        let range =
            range(&resource, any_schema, cluster.as_ref(), target.namespace.as_deref(), by_name.as_deref())?;
        let read = Read { resource, version, format, options, any_schema };
        match (verb, target.name) {
            (Verb::Get, Some(name)) => {
                let cluster = cluster.ok_or(Error::NoSuchPath)?;
                let key = key(&read.resource, &cluster, target.namespace.as_deref(), &name)?;
                match target.subresource.as_deref() {
                    Some("scale") => self.get_scale(&read, &key).await,
                    Some("log") => self.pod_log(request, &key).await,
                    _ => self.get(&read, &key).await,
                }
            }
            (Verb::Watch, _) => self.watch(read, range, peer.drain.clone()).await,
            _ => self.list(read, range, &peer.drain).await,
        }
    }

    #[allow(clippy::too_many_arguments, reason = "each is one part of the request")]
    async fn change(
        &self,
        request: Authenticated,
        found: Found,
        target: ResourceTarget,
        verb: Verb,
        cluster: ClusterName,
        options: Options,
        format: Format,
    ) -> Result<Response<Body>, Error> {
        let headers = &request.parsed.headers;
        let text = |name: header::HeaderName| {
            headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (content_type, agent) =
            (text(header::CONTENT_TYPE), text(header::USER_AGENT).unwrap_or_default());
        let bytes = collect(headers, request.parsed.take().into_body()).await?;
        request.trace.body(&bytes);
        let mut write = Write {
            user: &request.user,
            cluster,
            catalog: found.catalog,
            resource: found.resource,
            version: found.version,
            namespace: target.namespace,
            name: target.name,
            subresource: target.subresource,
            options,
            agent: agent.split('/').next().unwrap_or_default().to_owned(),
            warnings: parking_lot::Mutex::default(),
            applied: false,
            internal: false,
        };
        if let Some(warning) = &write.version.deprecation {
            write.warn(warning.clone());
        }
        let response = match verb {
            Verb::Create => {
                let body = WriteBody::object(content_type.as_deref(), &bytes)?;
                if write.subresource.is_some() || Traits::of(&write.resource).review {
                    return self.special(&write, body, format, headers_deep(&request.parsed.headers)).await;
                }
                self.create(&write, body).await.and_then(|written| self.written(&write, format, written))
            }
            Verb::Update => {
                let body = WriteBody::object(content_type.as_deref(), &bytes)?;
                self.update(&write, body).await.and_then(|written| self.written(&write, format, written))
            }
            Verb::Patch => {
                let body = WriteBody::patch(content_type.as_deref(), &bytes, write.version.known.is_some())?;
                write.applied = matches!(&body, WriteBody::Patch(PatchKind::Apply, ..));
                self.patch(&write, body).await.and_then(|written| self.written(&write, format, written))
            }
            Verb::Delete => {
                let options =
                    DeleteOptions::read(&write, WriteBody::object(content_type.as_deref(), &bytes)?)?;
                let name = write.name.clone().unwrap_or_default();
                self.delete(&write, &name, &options).await.map(|deleted| match deleted {
                    Deleted::Gone(object) => {
                        let status = crate::write::success(&write, &object);
                        respond::document(StatusCode::OK, format.encoding, &status)
                    }
                    Deleted::Marked(object) => respond::document(StatusCode::OK, format.encoding, &object),
                })
            }
            Verb::DeleteCollection => {
                let options =
                    DeleteOptions::read(&write, WriteBody::object(content_type.as_deref(), &bytes)?)?;
                self.delete_collection(&write, &options).await.map(|()| {
                    let status = kcp_apimachinery::value!({
                        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"
                    });
                    respond::document(StatusCode::OK, format.encoding, &status)
                })
            }
            Verb::Get | Verb::List | Verb::Watch => Err(Error::NoSuchPath),
        }?;
        let warnings = write.warnings.into_inner();
        Ok(respond::with_warnings(response, &warnings))
    }

    /// The answer to a write that made or changed an object.
    fn written(&self, write: &Write<'_>, format: Format, written: Written) -> Result<Response<Body>, Error> {
        let mut object = written.object;
        crate::write::prepare_for_read::convert(
            &write.resource,
            &write.resource.storage,
            &write.version,
            &mut object,
        )?;
        let code = if written.created { StatusCode::CREATED } else { StatusCode::OK };
        if write.subresource.as_deref() == Some("scale") {
            object = crate::write::scale_of(write, &object)?;
        } else {
            match format.convert {
                As::Table(version) => {
                    let rv = object.str_at(&["metadata", "resourceVersion"]).unwrap_or_default().to_owned();
                    let rows = crate::table::rows(
                        &write.resource,
                        &write.version,
                        &[object],
                        &write.options.include_object,
                    );
                    object = crate::table::of(&write.resource, &write.version, version, rows, &rv, "");
                }
                As::Metadata | As::MetadataList => object = kcp_apimachinery::partial::of(&object),
                As::Object => {}
            }
        }
        Ok(respond::document(code, format.encoding, &object))
    }

    async fn get_scale(&self, read: &Read, key: &Key) -> Result<Response<Body>, Error> {
        let record = self.registry.record(key).await?.ok_or_else(|| {
            Error::from(kcp_registry::Error::NotFound {
                resource: read.resource.qualified(),
                name: key.name.to_string(),
            })
        })?;
        let object = read.object(key, &record)?;
        let scale = crate::write::scale_object(&read.version, &object)?;
        Ok(respond::document(StatusCode::OK, read.format.encoding, &scale))
    }
}

/// A resource is served at the paths of its own scope, and each verb at one shape of path. Whoever may do
/// something in a namespace was asked for that namespace, so nothing outside of it may answer there.
fn check_place(resource: &Resource, target: &ResourceTarget, verb: Verb) -> Result<(), Error> {
    // A namespace is asked for as if it were in itself.
    let itself =
        target.group.is_empty() && target.resource == "namespaces" && target.name == target.namespace;
    if target.namespace.is_some() && !resource.namespaced && !itself {
        return Err(Error::NoSuchPath);
    }
    let homeless = resource.namespaced && target.namespace.is_none();
    let fits = match verb {
        Verb::Get | Verb::Delete => {
            if homeless {
                return Err(Error::NoSuchPath);
            }
            true
        }
        Verb::List | Verb::Watch => !homeless || target.name.is_none(),
        Verb::Create => !homeless && (target.name.is_none() || target.subresource.is_some()),
        Verb::Update | Verb::Patch => !homeless && target.name.is_some(),
        Verb::DeleteCollection => !homeless,
    };
    if fits { Ok(()) } else { Err(method_not_allowed()) }
}

fn method_not_allowed() -> Error {
    Error::MethodNotAllowed("the server does not allow this method on the requested resource".to_owned())
}

/// The key of an object in a URL.
fn key(
    resource: &Resource,
    cluster: &ClusterName,
    namespace: Option<&str>,
    name: &str,
) -> Result<Key, Error> {
    let segment = |text: &str| ObjectName::parse(text).map_err(|e| Error::BadRequest(e.to_string()));
    Ok(Key {
        resource: resource.key.clone(),
        cluster: cluster.clone(),
        namespace: namespace.filter(|_| resource.namespaced).map(segment).transpose()?,
        name: segment(name)?,
    })
}

/// Reads a whole body, up to the limit.
async fn collect(headers: &http::HeaderMap, mut body: Body) -> Result<bytes::Bytes, Error> {
    let told =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut whole = bytes::BytesMut::new();
    if told.is_none_or(|told| told <= LONGEST_BODY) {
        while let Some(chunk) = body.chunk().await {
            let chunk = chunk.map_err(|error| Error::Body(error.to_string()))?;
            whole.extend_from_slice(&chunk);
            if whole.len() > LONGEST_BODY {
                break;
            }
        }
        if whole.len() <= LONGEST_BODY {
            return Ok(whole.freeze());
        }
    }
    drop(whole);
    // Whoever asks first hears it first. The others send on, and would not read an answer before they are through.
    if !headers.contains_key(header::EXPECT) {
        let mut more = LONGEST_WASTE;
        while let Some(Ok(chunk)) = body.chunk().await {
            more = more.saturating_sub(chunk.len());
            if more == 0 {
                break;
            }
        }
    }
    Err(Error::BodyTooLarge(LONGEST_BODY))
}

fn headers_deep(headers: &http::HeaderMap) -> bool {
    headers.get("x-kcp-internal-deep-subjectaccessreview").is_some_and(|value| value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        request::{Target, parse_uri},
        status,
    };

    /// Which code a verb at a path gets before anything is looked up; 0: it goes on.
    fn check(verb: Verb, path: &str, expected: u16) {
        let Target::Resource(target) = parse_uri(path).expect(path).target else { panic!("{path}") };
        let kinds = kcp_registry::built_in_resources(false);
        let kind = kinds
            .iter()
            .find(|kind| *kind.group == *target.group && *kind.plural == *target.resource)
            .expect(path);
        let code = check_place(kind, &target, verb).err().map_or(0, |error| status(&error).code);
        assert_eq!(code, expected, "{} {path}", verb.as_str());
    }

    #[test]
    fn a_namespace_is_no_door_to_what_is_not_in_it() {
        for verb in [Verb::List, Verb::Create, Verb::Get, Verb::Update, Verb::DeleteCollection] {
            check(verb, "/apis/rbac.authorization.k8s.io/v1/namespaces/a/clusterrolebindings", 404);
            check(verb, "/api/v1/namespaces/a/namespaces", 404);
            check(verb, "/api/v1/namespaces/a/namespaces/b", 404);
        }
        for verb in [Verb::Get, Verb::Update, Verb::Patch, Verb::Delete, Verb::Watch] {
            check(verb, "/api/v1/namespaces/a", 0);
        }
    }

    #[test]
    fn verbs_have_their_paths() {
        check(Verb::List, "/api/v1/configmaps", 0);
        check(Verb::Get, "/api/v1/configmaps/a", 404);
        check(Verb::Create, "/api/v1/configmaps", 405);
        check(Verb::DeleteCollection, "/api/v1/configmaps", 405);
        check(Verb::DeleteCollection, "/api/v1/namespaces/a/configmaps", 0);
        check(Verb::Create, "/api/v1/namespaces/a/configmaps", 0);
        check(Verb::Create, "/api/v1/namespaces/a/configmaps/b", 405);
        check(Verb::Create, "/api/v1/namespaces/a/serviceaccounts/b/token", 0);
        check(Verb::Update, "/api/v1/namespaces/a/configmaps", 405);
        check(Verb::Patch, "/api/v1/namespaces", 405);
    }
}
