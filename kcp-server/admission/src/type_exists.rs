//! The type of a new workspace: which it is, who may use it, and whether it may be where it is to be.

use crate::{
    Operation, Plugin, Rejection, Request, World,
    world::{NO_LOGICAL_CLUSTER, path_of},
};
use kcp_api::{
    rules::workspace,
    types::{
        Kind,
        tenancy::{TypeReference, Workspace, WorkspaceType},
    },
    well_known::{annotation, api_group},
    workspace_type::{Closure, PlacedType, TypeError, check_limits, default_child, parent_type, resolve},
};
use kcp_apimachinery::Value;
use kcp_storage::{BoxFuture, Identity, ResourceKey};
use std::{cell::RefCell, collections::HashMap, sync::Arc};

/// `tenancy.kcp.io/WorkspaceTypeExists`
pub(crate) struct TypeExists(pub(crate) Arc<World>);

/// Types that were looked up, by path and name.
type Known = HashMap<(String, String), Option<PlacedType>>;

/// Finds a type in one workspace.
type Find<'f> = &'f dyn Fn(&str, &str) -> Option<PlacedType>;

impl TypeExists {
    /// Decides on types. The decision is made anew until every type that it asked for was looked up;
    /// it follows a bounded number of them.
    async fn decide<T>(
        &self,
        identity: &Identity,
        decision: impl Fn(Find<'_>) -> T + Send,
    ) -> Result<T, Rejection>
    where
        T: Send,
    {
        let mut known = Known::new();
        loop {
            let (decided, missing) = attempt(&known, &decision);
            if missing.is_empty() {
                return Ok(decided);
            }
            for (path, name) in missing {
                let found = self.find(identity, &path, &name).await?;
                known.insert((path, name), found);
            }
        }
    }

    /// A type in one workspace. Types have the identity that workspaces have: one export serves both.
    async fn find(
        &self,
        identity: &Identity,
        path: &str,
        name: &str,
    ) -> Result<Option<PlacedType>, Rejection> {
        let Some(cluster) = self.0.cluster_of(path) else { return Ok(None) };
        let types = ResourceKey {
            group: api_group::TENANCY.into(),
            resource: "workspacetypes".into(),
            identity: identity.clone(),
        };
        let Some(object) = self.0.named(types, &cluster, name).await? else { return Ok(None) };
        let object = Arc::new(WorkspaceType::from_value(&object)?);
        Ok(Some(PlacedType { cluster, object }))
    }

    async fn parent(&self, request: &Request<'_>) -> Result<Arc<Value>, Rejection> {
        let parent = self.0.logical_cluster(request.cluster).await?;
        parent.ok_or_else(|| format!("workspace type cannot be resolved: {NO_LOGICAL_CLUSTER}").into())
    }

    /// Fills in the type, and the labels that it gives.
    async fn complete(&self, request: &Request<'_>, object: &mut Value) -> Result<(), Rejection> {
        // An object of another shape is refused by its schema.
        let Ok(wanted) = Workspace::from_value(object) else { return Ok(()) };
        if wanted.spec.mount.is_some() {
            return Ok(());
        }
        let parent = self.parent(request).await?;
        let given = wanted.spec.kind.filter(|kind| !kind.name.is_empty());
        let from = path_of(&parent, request.cluster);
        let annotation = parent.meta().annotation(annotation::TYPE);
        let decision = |find: Find<'_>| {
            let mut reference = match &given {
                Some(reference) => reference.clone(),
                None => default_type(annotation, find)?,
            };
            let kind = resolve(&reference, from, find).map_err(text)?;
            if reference.path.is_empty() {
                kind.path().clone_into(&mut reference.path);
            }
            Ok::<_, String>((reference, kind))
        };
        let (reference, kind) = self.decide(&request.resource.key.identity, decision).await??;
        workspace::set_type(object, &reference);
        workspace::add_labels(object, &kind.object);
        Ok(())
    }

    /// Checks that the user may use the type and all that it extends, and that it may be here.
    async fn check(&self, request: &Request<'_>, object: &Value) -> Result<(), Rejection> {
        let wanted = Workspace::from_value(object)?;
        if wanted.spec.mount.is_some() {
            return Ok(());
        }
        let reference = wanted.spec.kind.unwrap_or_default();
        let identity = &request.resource.key.identity;
        let from = request.cluster.as_str();
        let closure = |find: Find<'_>| Closure::of(resolve(&reference, from, find)?, find);
        let child = self.decide(identity, closure).await?.map_err(text)?;
        if reference.path.is_empty() {
            return Err("spec.type.path must be set".into());
        }
        for alias in child.aliases() {
            if !self.0.may_use(request.user, &alias.cluster, alias.name()).await? {
                return Err(workspace::no_use_permission(&alias.qualified()).into());
            }
        }
        let logical_cluster = self.parent(request).await?;
        let own = parent_type(logical_cluster.meta().annotation(annotation::TYPE)).map_err(text)?;
        let closure = |find: Find<'_>| {
            let kind = find(&own.path, &own.name).ok_or_else(|| unresolved("workspace", &own))?;
            Closure::of(kind, find).map_err(text)
        };
        let parent = self.decide(identity, closure).await??;
        Ok(check_limits(&parent, &own.qualified(), &child, &reference.qualified())?)
    }
}

/// One attempt at a decision, and the types that it asked for in vain.
fn attempt<T>(known: &Known, decision: impl Fn(Find<'_>) -> T) -> (T, Vec<(String, String)>) {
    let missing = RefCell::new(Vec::new());
    let decided = decision(&|path: &str, name: &str| {
        let asked = (path.to_owned(), name.to_owned());
        match known.get(&asked) {
            Some(found) => found.clone(),
            None => {
                missing.borrow_mut().push(asked);
                None
            }
        }
    });
    let mut missing = missing.into_inner();
    missing.sort();
    missing.dedup();
    (decided, missing)
}

/// The type of workspaces that name none: what the type of their parent says.
fn default_type(annotation: Option<&str>, find: Find<'_>) -> Result<TypeReference, String> {
    let reference = parent_type(annotation).map_err(text)?;
    let parent = find(&reference.path, &reference.name).ok_or_else(|| unresolved("parent", &reference))?;
    default_child(&parent).map_err(text)
}

fn unresolved(whose: &str, reference: &TypeReference) -> String {
    let subject = if whose == "parent" { "parent type" } else { "workspace type" };
    let name = reference.qualified();
    format!("{subject} cannot be resolved: workspacetypes.tenancy.kcp.io {name:?} not found")
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn text(error: TypeError) -> String {
    error.to_string()
}

impl Plugin for TypeExists {
    fn name(&self) -> &'static str {
        "tenancy.kcp.io/WorkspaceTypeExists"
    }

    fn handles(&self, request: &Request<'_>) -> bool {
        request.stores() && request.is_on(api_group::TENANCY, "workspaces")
    }

    fn mutate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            if request.operation == Operation::Create { self.complete(request, object).await } else { Ok(()) }
        })
    }

    fn validate<'a>(
        &'a self,
        request: &'a Request<'a>,
        object: Option<&'a Value>,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(async move {
            let Some(object) = object else { return Ok(()) };
            let Some(old) = request.old else { return self.check(request, object).await };
            let (old, new) = (Workspace::from_value(old)?, Workspace::from_value(object)?);
            if new.spec.mount.is_none() && old.spec.kind != new.spec.kind {
                return Err("spec.type is immutable".into());
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;
    use kcp_names::ClusterName;

    fn kind(name: &str, spec: Value) -> PlacedType {
        let object = value!({
            "metadata": {"name": name, "annotations": {"kcp.io/path": "root"}}, "spec": spec
        });
        let object = Arc::new(WorkspaceType::from_value(&object).expect("a type"));
        PlacedType { cluster: ClusterName::root(), object }
    }

    /// Decides with the types of `root` being looked up one attempt after the other.
    fn decided<T>(types: &[PlacedType], decision: impl Fn(Find<'_>) -> T) -> (T, usize) {
        let mut known = Known::new();
        for attempts in 1.. {
            let (decided, missing) = attempt(&known, &decision);
            if missing.is_empty() {
                return (decided, attempts);
            }
            for (path, name) in missing {
                let found = types.iter().find(|kind| path == "root" && kind.name() == name).cloned();
                known.insert((path, name), found);
            }
        }
        unreachable!("a decision asks for finitely many types")
    }

    #[test]
    fn a_decision_is_made_when_all_its_types_are_known() {
        let types = [
            kind("a", value!({"extend": {"with": [{"name": "b", "path": "root"}]}})),
            kind("b", value!({"extend": {"with": [{"name": "c", "path": "root"}]}})),
            kind("c", value!({})),
        ];
        let reference = TypeReference { name: "a".into(), path: String::new() };
        let (closure, attempts) =
            decided(&types, |find| Closure::of(resolve(&reference, "root:org:team", find)?, find));
        let names: Vec<String> =
            closure.expect("all there").aliases().iter().map(|kind| kind.name().to_owned()).collect();
        assert_eq!(names, ["b", "c", "a"]);
        assert_eq!(attempts, 4);
    }

    fn check_default(annotation: Option<&str>, expected: Result<&str, &str>) {
        let types = [
            kind("org", value!({"defaultChildWorkspaceType": {"name": "team", "path": "root"}})),
            kind("leaf", value!({})),
        ];
        let (found, _) = decided(&types, |find| default_type(annotation, find));
        let found = found.map(|reference| reference.qualified());
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn a_child_without_a_type_gets_what_the_parents_type_says() {
        check_default(Some("root:org"), Ok("root:team"));
        let text = "annotation internal.tenancy.kcp.io/type on LogicalCluster must be set";
        check_default(None, Err(text));
        let text = "parent type cannot be resolved: workspacetypes.tenancy.kcp.io \"root:gone\" not found";
        check_default(Some("root:gone"), Err(text));
        let text = "spec.defaultChildWorkspaceType of workspace type %s:%s must be set";
        check_default(Some("root:leaf"), Err(text));
    }
}
