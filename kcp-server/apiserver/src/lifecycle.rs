//! What the state of a logical cluster does to requests in it, and home workspaces.

use crate::{
    ApiServer, Error,
    deactivation::INACTIVE,
    pipeline::{Authenticated, Place},
    request::Target,
    respond,
    write::{DeleteOptions, Deleted, Write},
};
use http::{HeaderValue, Method, Response, StatusCode, header};
use kcp_apimachinery::{Value, value};
use kcp_authz::{Attributes, Depth, Reach};
use kcp_names::{ClusterName, hash};
use kcp_registry::{Deed, codec, logical_cluster_key};
use kcp_transport::Body;

/// Seconds that a home workspace may take to become ready.
const HOME_PATIENCE: i64 = 60;
/// Objects deleted between two looks at the list of a collection.
const CHUNK: usize = 500;

impl ApiServer {
    /// A logical cluster that is marked inactive answers nobody but those who may mark it active again.
    pub(crate) async fn check_inactive(
        &self,
        request: &Authenticated,
        what: &Attributes,
    ) -> Result<(), Error> {
        let Place::Here(cluster) = &request.place else { return Ok(()) };
        let path = &request.parsed.info.path;
        let exempt =
            path.starts_with("/openapi") || path.starts_with("/apis/core.kcp.io/v1alpha1/logicalclusters");
        if cluster.is_system() || exempt || !self.is_inactive(cluster).await? {
            return Ok(());
        }
        let _ = what;
        let why = "logical cluster is marked inactive";
        Err(kcp_authz::Forbidden::new("core.kcp.io", "logicalclusters", cluster.as_str(), why).into())
    }

    async fn is_inactive(&self, cluster: &ClusterName) -> Result<bool, Error> {
        let found = self.policies.cluster(cluster).await.map_err(|e| Error::Internal(e.to_string()))?;
        Ok((*found).as_ref().is_some_and(|cluster| {
            INACTIVE.iter().any(|key| cluster.annotations.get(*key).is_some_and(|value| value == "true"))
        }))
    }

    /// Removes an object whatever its finalizers: the last step of a logical cluster's deletion.
    pub(crate) async fn erase(&self, write: &Write<'_>, name: &str) -> Result<Value, Error> {
        let key = write.key(name)?;
        let record = self.registry.record(&key).await?.ok_or_else(|| crate::write::not_found(write, name))?;
        let object = codec::open(&key, &record)?;
        self.registry.commit(&write.resource, &key, Deed::Remove(record.modified), None).await?;
        Ok(object)
    }

    /// `DELETE` of many: each by itself, so that finalizers and preconditions hold for each.
    pub(crate) async fn delete_collection(
        &self,
        write: &Write<'_>,
        options: &DeleteOptions,
    ) -> Result<(), Error> {
        let selection = crate::select::Selectors::parse(&write.options, &write.resource, &write.version)?;
        let range = crate::read::range(
            &write.resource,
            false,
            Some(&write.cluster),
            write.namespace.as_deref(),
            None,
        )?;
        let mut from = None;
        loop {
            let listing = self.registry.list(&range, &selection, CHUNK, from.as_ref(), None).await?;
            for (key, _) in &listing.items {
                let one = Write {
                    user: write.user,
                    cluster: write.cluster.clone(),
                    catalog: write.catalog.clone(),
                    resource: write.resource.clone(),
                    version: write.version.clone(),
                    namespace: key.namespace.as_ref().map(ToString::to_string),
                    name: Some(key.name.to_string()),
                    subresource: None,
                    options: write.options.clone(),
                    agent: write.agent.clone(),
                    warnings: parking_lot::Mutex::default(),
                    applied: false,
                    internal: write.internal,
                };
                match self.delete(&one, key.name.as_str(), options).await {
                    Ok(Deleted::Gone(_) | Deleted::Marked(_))
                    | Err(Error::Registry(kcp_registry::Error::NotFound { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
            match listing.next {
                Some(next) => from = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// `GET …/clusters/root/…/workspaces/~`: the user's own workspace, made on first sight.
    pub(crate) async fn home_workspace(
        &self,
        request: &Authenticated,
    ) -> Result<Option<Response<Body>>, Error> {
        let Target::Resource(target) = &request.parsed.info.target else { return Ok(None) };
        let asked = self.settings.home_workspaces
            && request.place == Place::Here(ClusterName::root())
            && request.parsed.method == Method::GET
            && target.group == "tenancy.kcp.io"
            && target.resource == "workspaces"
            && target.name.as_deref() == Some("~");
        if !asked {
            return Ok(None);
        }
        let home = ClusterName::parse(&hash::home_cluster(&request.user.name))
            .map_err(|e| Error::Internal(e.to_string()))?;
        let key = logical_cluster_key(&home);
        let Some(record) = self.registry.record(&key).await? else {
            self.may_have_home(request, &target.version).await?;
            self.make_home(request, &home).await?;
            return Ok(Some(wait()));
        };
        let cluster = codec::open(&key, &record)?;
        if cluster.str_at(&["status", "phase"]) == Some("Ready") {
            return Ok(Some(respond::bytes(
                StatusCode::OK,
                "application/json",
                kcp_apimachinery::value::encode(&as_workspace(&home, &cluster)),
            )));
        }
        let created = cluster.str_at(&["metadata", "creationTimestamp"]).unwrap_or_default();
        let age = kcp_apimachinery::time::Time::parse(created)
            .map_or(0, |at| crate::clock::now().since(at).as_secs());
        if age > HOME_PATIENCE {
            return Err(Error::Internal("home workspace creation timeout".to_owned()));
        }
        Ok(Some(wait()))
    }

    async fn may_have_home(&self, request: &Authenticated, version: &str) -> Result<(), Error> {
        let what = Attributes {
            user: request.user.clone(),
            verb: "create".to_owned(),
            reach: Reach::Cluster(ClusterName::root()),
            target: kcp_authz::Target::Resource(kcp_authz::ResourceTarget {
                group: "tenancy.kcp.io".to_owned(),
                version: version.to_owned(),
                resource: "workspaces".to_owned(),
                name: "~".to_owned(),
                ..kcp_authz::ResourceTarget::default()
            }),
        };
        let verdict =
            self.authz.authorize(&what, Depth::Whole).await.map_err(|e| Error::Internal(e.to_string()))?;
        if verdict.is_allowed() {
            return Ok(());
        }
        Err(kcp_authz::forbidden(&what, "workspace access not permitted").into())
    }

    async fn make_home(&self, request: &Authenticated, home: &ClusterName) -> Result<(), Error> {
        let user = &request.user;
        let owner = crate::special::user_info(user);
        let object = value!({
            "apiVersion": "core.kcp.io/v1alpha1", "kind": "LogicalCluster",
            "metadata": {"name": "cluster", "annotations": {
                "experimental.tenancy.kcp.io/owner": (String::from_utf8_lossy(&kcp_apimachinery::value::encode(&owner)).into_owned()),
                "internal.tenancy.kcp.io/type": "root:home",
                "internal.apis.kcp.io/resource-bindings": "{}",
                "kcp.io/path": (format!("user:{}", user.name)),
            }},
            "spec": {"createdBy": (owner), "initializers": ["root:universal", "system:apibindings"]},
        });
        let key = logical_cluster_key(home);
        let who = crate::internal::identity("home-workspaces");
        let write = self.write_of("home-workspaces", &who, &key, None).await?;
        let made = self.create_object(&write, object, &[]).await;
        match made {
            Ok(_) | Err(Error::Registry(kcp_registry::Error::AlreadyExists { .. })) => {}
            Err(error) => return Err(error),
        }
        let status = value!({"status": {"phase": "Initializing"}});
        let write = self.write_of("home-workspaces", &who, &key, Some("status")).await?;
        let body = crate::write::Body::Patch(crate::write::PatchKind::Merge, status, Vec::new());
        self.patch(&write, body).await?;
        Ok(())
    }
}

fn wait() -> Response<Body> {
    let mut response = respond::text(StatusCode::TOO_MANY_REQUESTS, "Creating the home workspace");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn as_workspace(home: &ClusterName, cluster: &Value) -> Value {
    let at = |path: &[&str]| cluster.at(path).cloned().unwrap_or_default();
    let mut status = value!({"phase": (at(&["status", "phase"]))});
    for name in ["conditions", "initializers"] {
        if let Some(found) = cluster.at(&["status", name]) {
            status.set_at(&[name], found.clone());
        }
    }
    value!({
        "apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace",
        "metadata": {"name": "cluster", "creationTimestamp": (at(&["metadata", "creationTimestamp"]))},
        "spec": {"cluster": (home.as_str()), "URL": (at(&["status", "URL"]))},
        "status": (status),
    })
}
