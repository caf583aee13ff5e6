//! WorkspaceTypes as controllers look them up.

use crate::{key, kinds::Kinds};
use kcp_api::{
    types::{
        Kind,
        tenancy::{TypeReference, WorkspaceType},
    },
    workspace_type::{Closure, PlacedType, resolve},
};
use kcp_names::WorkspacePath;
use kcp_reconcile::{Facts, Missing};
use std::{cell::Cell, sync::Arc};

/// The type that a reference means, seen from a workspace, with all that it extends; or why there is none.
///
/// # Errors
/// Some of them are not read yet.
pub(crate) fn closure(
    kinds: &Kinds,
    reference: &TypeReference,
    from: &str,
    facts: &Facts,
) -> Result<Result<Closure, String>, Missing> {
    let unread = Cell::new(false);
    let find = |path: &str, name: &str| {
        find(kinds, path, name, facts).unwrap_or_else(|Missing| {
            unread.set(true);
            None
        })
    };
    let found = resolve(reference, from, find).and_then(|kind| Closure::of(kind, find));
    if unread.get() { Err(Missing) } else { Ok(found.map_err(|error| error.to_string())) }
}

fn find(kinds: &Kinds, path: &str, name: &str, facts: &Facts) -> Result<Option<PlacedType>, Missing> {
    let Ok(path) = WorkspacePath::parse(path) else { return Ok(None) };
    let Some(cluster) = facts.path(&path)?.known() else { return Ok(None) };
    let Some(at) = key(kinds.workspace_types(), &cluster, None, name) else { return Ok(None) };
    let Some(found) = facts.get(&at)?.known() else { return Ok(None) };
    let object = WorkspaceType::from_value(&found.value).ok().map(Arc::new);
    Ok(object.map(|object| PlacedType { cluster, object }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::{Value, value};
    use kcp_names::ClusterName;
    use kcp_reconcile::{Answer, Fact, Query};

    fn kinds() -> Kinds {
        Kinds { tenancy: "t".into(), topology: "o".into(), shards: "s".into() }
    }

    fn known(types: &[(&str, Value)]) -> Facts {
        let root = ClusterName::root();
        let mut facts = Facts::new(0, 0);
        let path = WorkspacePath::parse("root").expect("a path");
        facts.learn(Query::Path(path), Answer::Cluster(Fact::Is(root.clone())));
        for (name, with) in types {
            let at = key(kinds().workspace_types(), &root, None, name).expect("a key");
            let object = value!({"metadata": {"name": (*name)}, "spec": {"initializer": true, "extend": {"with": (with.clone())}}});
            facts = facts.with(at, object);
        }
        facts
    }

    fn of(name: &str, facts: &Facts) -> Result<Result<Closure, String>, Missing> {
        let reference = TypeReference { name: name.to_owned(), path: "root".to_owned() };
        closure(&kinds(), &reference, "root", facts)
    }

    #[test]
    fn each_base_comes_before_its_own_bases() {
        let facts =
            known(&[("t", value!([{"name": "a"}])), ("a", value!([{"name": "u"}])), ("u", value!([]))]);
        let closure = of("t", &facts).expect("read").expect("a closure");
        assert_eq!(closure.initializers(), ["root:a", "root:u", "root:t"]);
    }

    #[test]
    fn what_is_not_read_is_asked_for() {
        let facts = known(&[("t", value!([{"name": "a"}]))]);
        assert_eq!(of("t", &facts), Err(Missing));
        let at = key(kinds().workspace_types(), &ClusterName::root(), None, "a").expect("a key");
        assert_eq!(facts.take_missing(), [Query::Get(at)]);
    }

    /// Two types that name each other many times must not be followed along every way there is.
    #[test]
    fn circles_are_told_at_once() {
        let many = |name: &str| (0..200).map(|_| value!({"name": (name)})).collect::<Value>();
        let facts = known(&[("a", many("b")), ("b", many("a"))]);
        let why = of("a", &facts).expect("read").expect_err("a circle");
        assert!(why.starts_with("circular dependency detected in workspace type root:a"), "{why}");
    }
}
