//! The labels by which exports find what they claim. Written on every object, so that nobody can forge
//! or strip one; the claims that a workspace accepts are kept ready until one of its bindings changes.

use crate::{Plugin, Rejection, Request, World, world::internal};
use kcp_api::{
    claims::{self, Grant, normalized},
    convert::convert,
    types::{
        Kind,
        apis::{APIBinding, AcceptableClaim, ClaimState, ExportReference},
    },
    well_known::api_group,
};
use kcp_apimachinery::{Value, meta::GroupResource};
use kcp_names::ClusterName;
use kcp_registry::{ClusterCache, Observer, Selection, codec};
use kcp_storage::{BoxFuture, Key, Range, ResourceKey};
use std::{collections::BTreeMap, sync::Arc};

/// Logical clusters whose accepted claims are kept ready.
const CLUSTERS: usize = 20_000;

/// `apis.kcp.io/PermissionClaims`
pub(crate) struct PermissionClaims {
    world: Arc<World>,
    accepted: ClusterCache<Vec<Accepted>>,
}

/// The claims that one binding accepts.
struct Accepted {
    export: ExportReference,
    claims: Vec<AcceptableClaim>,
}

impl Accepted {
    /// Nothing for a binding that accepts nothing.
    fn read(binding: &Value) -> Option<Self> {
        let binding = convert(binding, APIBinding::VERSION).ok()?;
        let binding = APIBinding::from_value(&binding).ok()?;
        let mut claims = binding.spec.permission_claims;
        claims.retain(|claim| claim.state == ClaimState::Accepted);
        let export = binding.spec.reference.export?;
        (!claims.is_empty()).then_some(Self { export, claims })
    }

    fn concerns(&self, resource: &GroupResource) -> bool {
        let wanted = normalized(&resource.group, &resource.resource);
        self.claims.iter().any(|claim| (claim.claim.group.as_str(), claim.claim.resource.as_str()) == wanted)
    }
}

impl PermissionClaims {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self { world, accepted: ClusterCache::new(CLUSTERS) })
    }

    async fn read(&self, cluster: &ClusterName) -> Result<Arc<Vec<Accepted>>, Rejection> {
        let range = Range::cluster(ResourceKey::custom(api_group::APIS, "apibindings"), cluster.clone());
        let listing = self.world.registry.list(&range, &Everything, 0, None, None).await.map_err(internal)?;
        let mut accepted = Vec::new();
        for (key, record) in &listing.items {
            accepted.extend(Accepted::read(&codec::open(key, record).map_err(internal)?));
        }
        Ok(Arc::new(accepted))
    }

    /// The claim labels that an object must have.
    async fn labels(
        &self,
        request: &Request<'_>,
        object: &Value,
    ) -> Result<BTreeMap<String, String>, Rejection> {
        let resource = GroupResource::new(&request.resource.group, &request.resource.plural);
        let accepted = self.accepted.get(request.cluster, || self.read(request.cluster)).await?;
        let mut grants = Vec::new();
        for binding in accepted.iter().filter(|binding| binding.concerns(&resource)) {
            if let Some(cluster) = self.cluster_of(request, &binding.export).await? {
                grants.push((cluster, binding));
            }
        }
        let own = if request.is_on(api_group::APIS, "apibindings") { export_of(object) } else { None };
        let own_cluster = match &own {
            Some(export) => self.cluster_of(request, export).await?,
            None => None,
        };
        let own = own.as_ref().zip(own_cluster.as_ref());
        Ok(claims::labels_for(
            &resource,
            object,
            grants.iter().map(|(cluster, binding)| Grant {
                cluster,
                export: &binding.export.name,
                claims: &binding.claims,
            }),
            own.map(|(export, cluster)| Grant { cluster, export: &export.name, claims: &[] }),
        ))
    }

    /// The logical cluster of an export that is there.
    async fn cluster_of(
        &self,
        request: &Request<'_>,
        export: &ExportReference,
    ) -> Result<Option<ClusterName>, Rejection> {
        let own = request.cluster.as_str();
        let path = if export.path.is_empty() { own } else { export.path.as_str() };
        self.world.export(path, &export.name).await
    }
}

fn export_of(binding: &Value) -> Option<ExportReference> {
    let text = |name| binding.str_at(&["spec", "reference", "export", name]).unwrap_or_default().to_owned();
    let export = ExportReference { path: text("path"), name: text("name") };
    (!export.name.is_empty()).then_some(export)
}

impl Observer for PermissionClaims {
    fn changing<'a>(&'a self, key: &Key) -> Option<Box<dyn Send + 'a>> {
        let binding = key.resource == ResourceKey::custom(api_group::APIS, "apibindings");
        binding.then(|| Box::new(self.accepted.changing(&key.cluster)) as Box<dyn Send + 'a>)
    }
}

impl Plugin for PermissionClaims {
    fn name(&self) -> &'static str {
        "apis.kcp.io/PermissionClaims"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.subresource.is_empty()
    }

    fn mutate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            let labels = self.labels(request, object).await?;
            claims::apply(object, &labels);
            Ok(())
        })
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            let Some(object) = object else { return Ok(()) };
            let labels = self.labels(request, object).await?;
            Ok(claims::validate(object, &labels)?)
        })
    }
}

struct Everything;

impl Selection for Everything {
    fn is_everything(&self) -> bool {
        true
    }

    fn selects(&self, _object: &Value) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    fn binding(state: &str) -> Value {
        value!({
            "apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": "a"},
            "spec": {
                "reference": {"export": {"path": "root:org", "name": "e"}},
                "permissionClaims": [
                    {"resource": "events", "verbs": ["*"], "state": state, "selector": {"matchAll": true}}
                ],
            },
        })
    }

    #[test]
    fn only_accepted_claims_count() {
        let accepted = Accepted::read(&binding("Accepted")).expect("it accepts one");
        assert!(accepted.concerns(&GroupResource::new("", "events")));
        assert!(accepted.concerns(&GroupResource::new("events.k8s.io", "events")));
        assert!(!accepted.concerns(&GroupResource::new("", "secrets")));
        assert!(Accepted::read(&binding("Rejected")).is_none());
        assert_eq!(export_of(&binding("Accepted")).map(|export| export.name).as_deref(), Some("e"));
        assert_eq!(export_of(&value!({"spec": {}})), None);
    }
}
