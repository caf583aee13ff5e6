//! Where a workspace is to be: the first phase of its creation, which only writes down what was chosen.
//!
//! The claim is on the Workspace before anything is made of it, so that a crash never leaves two logical
//! clusters of one workspace. Admission claims when the workspace is created, so that this costs no write of
//! its own; where it could not (no shard fits yet, the name is taken), the controller does.

use crate::well_known::{annotation, finalizer, label};
use kcp_apimachinery::{Value, selector::Labels};
use kcp_names::hash;

/// A shard and a name for the logical cluster of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Name of the shard.
    pub shard: String,
    /// The region that the shard says it is in.
    pub region: Option<String>,
    /// Name of the logical cluster.
    pub cluster: String,
}

/// Chooses among shards those that the workspace's selector selects and that take workspaces; `None` if there
/// are none. `seed` decides, and must be of this workspace alone and not to be guessed.
#[must_use]
pub fn choose<'s>(
    workspace: &Value,
    shards: impl IntoIterator<Item = &'s Value>,
    seed: &str,
) -> Option<Claim> {
    let selector = workspace.at(&["spec", "location", "selector"]);
    let selector = Labels::from_object(selector).ok().filter(|_| selector.is_some());
    let fitting: Vec<&Value> = shards
        .into_iter()
        .filter(|shard| shard.meta().annotation(annotation::UNSCHEDULABLE).is_none())
        .filter(|shard| selector.as_ref().is_none_or(|selector| selector.matches(shard.meta())))
        .collect();
    // The remainder is smaller than the number of shards, which is a usize.
    let number = seed.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let chosen = fitting.get(usize::try_from(number.checked_rem(fitting.len() as u64)?).ok()?)?;
    Some(Claim {
        shard: chosen.meta().name()?.to_owned(),
        region: chosen.meta().label(label::REGION).map(str::to_owned),
        cluster: hash::base36_sha224(seed.as_bytes()).chars().take(16).collect(),
    })
}

impl Claim {
    /// Writes the claim of `workspace` into `object`: the workspace itself, or a patch of it.
    pub fn write(&self, workspace: &Value, object: &mut Value) {
        let mut set = |path: &[&str], text: &str| object.set_at(path, text.into());
        set(&["metadata", "annotations", annotation::HOSTING_SHARD], &self.shard);
        set(&["metadata", "annotations", annotation::SHARD_HASH], &hash::shard_hash(&self.shard));
        set(&["metadata", "annotations", annotation::CHOSEN_CLUSTER], &self.cluster);
        set(&["metadata", "labels", label::PHASE], "Scheduling");
        if let Some(region) = &self.region {
            set(&["metadata", "labels", label::REGION], region);
        }
        let mut finalizers: Vec<&str> = workspace.meta().finalizers().collect();
        if !finalizers.contains(&finalizer::WORKSPACE) {
            finalizers.push(finalizer::WORKSPACE);
        }
        let finalizers: Value = finalizers.into_iter().map(Value::from).collect();
        object.set_at(&["metadata", "finalizers"], finalizers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    fn shards() -> [Value; 3] {
        let mut closed = value!({"metadata": {"name": "closed", "labels": {"size": "big"}}});
        closed.set_at(&["metadata", "annotations", annotation::UNSCHEDULABLE], "true".into());
        [
            value!({"metadata": {"name": "amber", "labels": {"size": "big", "region": "eu"}}}),
            closed,
            value!({"metadata": {"name": "coral", "labels": {"size": "small"}}}),
        ]
    }

    fn check(selector: Value, seed: &str, expected: Option<&str>) {
        let workspace = value!({"spec": {"location": {"selector": (selector)}}});
        let claim = choose(&workspace, &shards(), seed);
        assert_eq!(claim.as_ref().map(|claim| &*claim.shard), expected, "{workspace:?}");
    }

    #[test]
    fn only_shards_that_fit_and_are_open_are_chosen() {
        for seed in ["a", "b", "c", "d"] {
            check(value!({"matchLabels": {"size": "big"}}), seed, Some("amber"));
            check(value!({"matchLabels": {"size": "small"}}), seed, Some("coral"));
            check(value!({"matchLabels": {"size": "huge"}}), seed, None);
        }
        let of = |seed: &str| choose(&value!({}), &shards(), seed).map(|claim| claim.shard);
        assert_eq!((of("a").as_deref(), of("b").as_deref()), (Some("coral"), Some("amber")));
        assert_eq!(choose(&value!({}), [], "a"), None);
    }

    #[test]
    fn a_claim_is_written_down_and_other_finalizers_stay() {
        let workspace = value!({"metadata": {"name": "w", "finalizers": ["example.io/mine"]}});
        let claim = choose(&workspace, [&shards()[0]], "seed").expect("a claim");
        let mut claimed = workspace.clone();
        claim.write(&workspace, &mut claimed);
        let meta = claimed.meta();
        assert_eq!(meta.annotation(annotation::HOSTING_SHARD), Some("amber"));
        assert_eq!(meta.annotation(annotation::CHOSEN_CLUSTER).map(str::len), Some(16));
        assert_eq!((meta.label(label::PHASE), meta.label(label::REGION)), (Some("Scheduling"), Some("eu")));
        assert_eq!(meta.finalizers().collect::<Vec<_>>(), ["example.io/mine", finalizer::WORKSPACE]);
    }
}
