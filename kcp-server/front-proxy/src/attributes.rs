//! What a request asks for, as far as its URL says: for the message of a refusal.

use crate::ending::is_watch;
use http::{Method, Uri};
use kcp_authz::{Attributes, Reach, ResourceTarget, Target, User};

/// Reads a request for a path below a logical cluster.
pub(crate) fn attributes(user: User, method: &Method, path: &str, uri: &Uri) -> Attributes {
    let query = uri.query().unwrap_or_default();
    let (verb, target) = match resource(path) {
        Some(target) => (verb(method, &target, query).to_owned(), Target::Resource(target)),
        None => (method.as_str().to_ascii_lowercase(), Target::Path(path.to_owned())),
    };
    Attributes { user, verb, reach: Reach::Nowhere, target }
}

/// `/api/v1/…` and `/apis/<group>/<version>/…`; `None` for every other path.
fn resource(path: &str) -> Option<ResourceTarget> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let group = match segments.next()? {
        "api" => "",
        "apis" => segments.next()?,
        _ => return None,
    };
    let version = segments.next()?;
    let mut rest: Vec<&str> = segments.collect();
    let mut namespace = "";
    // The namespace itself is in the namespace too, and these two are its own subresources.
    if let ["namespaces", name, below @ ..] = &rest[..] {
        namespace = name;
        if !matches!(below, [] | ["status" | "finalize", ..]) {
            rest = below.to_vec();
        }
    }
    let part = |at: usize| rest.get(at).copied().unwrap_or_default().to_owned();
    let resource = part(0);
    if resource.is_empty() {
        return None;
    }
    Some(ResourceTarget {
        group: group.to_owned(),
        version: version.to_owned(),
        resource,
        name: part(1),
        subresource: part(2),
        namespace: namespace.to_owned(),
    })
}

fn verb(method: &Method, target: &ResourceTarget, query: &str) -> &'static str {
    let watches = is_watch(query);
    let whole = target.name.is_empty();
    match *method {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if whole => "deletecollection",
        Method::DELETE => "delete",
        _ if whole && watches => "watch",
        _ if whole => "list",
        _ => "get",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, uri: &str, expected: &str) {
        let uri: Uri = uri.parse().expect("uri");
        let attributes = attributes(User::default(), &method, uri.path(), &uri);
        let target = match &attributes.target {
            Target::Path(path) => path.clone(),
            Target::Resource(target) => {
                let ResourceTarget { group, resource, name, subresource, namespace, .. } = target;
                format!("{group} {namespace}/{resource}/{name}/{subresource}")
            }
        };
        assert_eq!(format!("{} {target}", attributes.verb), expected);
    }

    #[test]
    fn requests_are_read_as_kubernetes_reads_them() {
        check(Method::GET, "/api/v1/namespaces/ns/pods/p/log", "get  ns/pods/p/log");
        check(Method::GET, "/api/v1/namespaces/ns", "get  ns/namespaces/ns/");
        check(Method::PUT, "/api/v1/namespaces/ns/finalize", "update  ns/namespaces/ns/finalize");
        check(Method::GET, "/apis/apps/v1/deployments?watch=true", "watch apps /deployments//");
        check(Method::DELETE, "/apis/apps/v1/deployments", "deletecollection apps /deployments//");
        check(Method::POST, "/apis/apps", "post /apis/apps");
        check(Method::GET, "/version", "get /version");
    }
}
