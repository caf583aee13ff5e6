//! APIBindings: who may bind to an export, and the mark by which an export's bindings are found.

use crate::{Plugin, Rejection, Request, World, world::internal};
use kcp_api::{
    convert::convert,
    rules::binding,
    types::{Kind, apis::APIBinding, apis::ExportReference},
    well_known::api_group,
};
use kcp_apimachinery::Value;
use kcp_names::ClusterName;
use kcp_storage::BoxFuture;
use std::sync::Arc;

/// `apis.kcp.io/APIBinding`
pub(crate) struct Bindings(pub(crate) Arc<World>);

impl Bindings {
    /// The logical cluster of an export; nothing if it is not there. Those of the binding's own
    /// workspace and of `root` may come later.
    async fn cluster_of(
        &self,
        request: &Request<'_>,
        export: &ExportReference,
    ) -> Result<Option<ClusterName>, Rejection> {
        match export.path.as_str() {
            "" => Ok(Some(request.cluster.clone())),
            "root" => Ok(Some(ClusterName::root())),
            path => self.0.export(path, &export.name).await,
        }
    }

    async fn mark(&self, request: &Request<'_>, object: &mut Value) -> Result<(), Rejection> {
        // An object of another shape is refused by its schema.
        let Ok(new) = read(object) else { return Ok(()) };
        let old = request.old.map(read).transpose()?;
        let Some(export) = new.spec.reference.export.as_ref().filter(|export| !export.name.is_empty()) else {
            return Ok(());
        };
        if !binding::needs_permission(old.as_ref(), &new) {
            return Ok(());
        }
        let cluster = self.cluster_of(request, export).await?;
        let cluster = cluster.ok_or_else(|| Rejection::from(binding::no_permission(old.as_ref(), export)))?;
        binding::prepare(object, &cluster, &export.name);
        Ok(())
    }

    async fn check(&self, request: &Request<'_>, object: &Value) -> Result<(), Rejection> {
        let (old, new) = (request.old.map(read).transpose()?, read(object)?);
        binding::validate(old.as_ref(), &new)?;
        let Some(export) = &new.spec.reference.export else { return Ok(()) };
        if !binding::needs_permission(old.as_ref(), &new) {
            return Ok(());
        }
        match self.cluster_of(request, export).await? {
            Some(cluster) if self.0.may_bind(request.user, &cluster, &export.name).await? => {
                Ok(binding::validate_label(object, &cluster, &export.name)?)
            }
            Some(_) | None => Err(binding::no_permission(old.as_ref(), export).into()),
        }
    }
}

/// A binding of any version.
fn read(object: &Value) -> Result<APIBinding, Rejection> {
    Ok(APIBinding::from_value(&convert(object, APIBinding::VERSION).map_err(internal)?)?)
}

impl Plugin for Bindings {
    fn name(&self) -> &'static str {
        "apis.kcp.io/APIBinding"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.is_on(api_group::APIS, "apibindings")
    }

    fn mutate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(self.mark(request, object))
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            match object {
                Some(object) => self.check(request, object).await,
                None => Ok(()),
            }
        })
    }
}
