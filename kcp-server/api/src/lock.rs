//! Who holds which resource of a logical cluster: the annotation
//! [`RESOURCE_BINDINGS`](crate::well_known::annotation::RESOURCE_BINDINGS) of its LogicalCluster.
//!
//! A resource is held by one binding or by a local CRD. Both are decided on by writing this one
//! object, so that two of them cannot get the same resource.

use crate::types::apis::APIBinding;
use kcp_apimachinery::{meta::GroupResource, time::Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The annotation's name, and that it is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The annotation is missing or empty: it must be built first.
    #[error("internal.apis.kcp.io/resource-bindings annotation not found, migration has to happen first")]
    Missing,
    /// The annotation is no JSON of this shape.
    #[error("failed to unmarshal ResourceBindings annotation: {0}")]
    Malformed(String),
}

/// Holds one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lock {
    /// Name of the binding that holds it.
    #[serde(rename = "n", skip_serializing_if = "String::is_empty")]
    pub binding: String,
    /// Whether a local CRD holds it.
    #[serde(rename = "c", skip_serializing_if = "std::ops::Not::not")]
    pub crd: bool,
    /// When a CRD that was never seen loses it.
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Time>,
}

impl Lock {
    /// The lock of a binding.
    #[must_use]
    pub fn binding(name: &str) -> Self {
        Self { binding: name.to_owned(), ..Self::default() }
    }

    /// The lock of a CRD.
    #[must_use]
    pub fn crd() -> Self {
        Self { crd: true, ..Self::default() }
    }

    fn same_holder(&self, other: &Self) -> bool {
        (&self.binding, self.crd) == (&other.binding, other.crd)
    }

    fn expired(&self, now: Time) -> bool {
        self.expiry.is_some_and(|expiry| now > expiry)
    }
}

/// The locks of a logical cluster by `<resource>.<group>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Locks(BTreeMap<String, Lock>);

/// What came of asking for resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquired {
    /// All locks as they should be written. The same as before if nothing new was locked.
    pub locks: Locks,
    /// What the asker holds now, in the order it was asked for.
    pub locked: Vec<GroupResource>,
    /// What others hold.
    pub skipped: BTreeMap<GroupResource, Lock>,
}

/// A CRD of the logical cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalCrd {
    /// What it serves.
    pub resource: GroupResource,
    /// Whether it serves it already.
    pub established: bool,
}

impl Locks {
    /// Reads the annotation's value.
    ///
    /// # Errors
    /// No value, or one that is not of this shape.
    pub fn parse(annotation: Option<&str>) -> Result<Self, LockError> {
        let text = annotation.filter(|text| !text.is_empty()).ok_or(LockError::Missing)?;
        let locks: Option<Self> =
            serde_json::from_str(text).map_err(|error| LockError::Malformed(error.to_string()))?;
        Ok(locks.unwrap_or_default())
    }

    /// The annotation's value.
    #[must_use]
    pub fn encode(&self) -> String {
        // Text keys and plain members can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Who holds a resource.
    #[must_use]
    pub fn holder(&self, resource: &GroupResource) -> Option<&Lock> {
        self.0.get(&resource.to_string())
    }

    /// Every lock by `<resource>.<group>`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Lock)> {
        self.0.iter().map(|(resource, lock)| (resource.as_str(), lock))
    }

    /// Asks for resources. What another binding holds is skipped, and so is what a CRD holds that
    /// exists (`crds`) or may still come.
    #[must_use]
    pub fn acquire(
        &self,
        wanted: &[GroupResource],
        lock: &Lock,
        crds: &BTreeSet<GroupResource>,
        now: Time,
    ) -> Acquired {
        let mut acquired = Acquired { locks: self.clone(), locked: Vec::new(), skipped: BTreeMap::new() };
        for resource in wanted {
            let free = |held: &Lock| {
                held.same_holder(lock) || held.crd && held.expired(now) && !crds.contains(resource)
            };
            match self.holder(resource) {
                Some(held) if !free(held) => _ = acquired.skipped.insert(resource.clone(), held.clone()),
                Some(_) | None => {
                    acquired.locks.0.insert(resource.to_string(), lock.clone());
                    acquired.locked.push(resource.clone());
                }
            }
        }
        acquired
    }

    /// The locks without those of a binding that goes.
    #[must_use]
    pub fn released(&self, binding: &str) -> Self {
        let held = |lock: &Lock| !lock.crd && lock.binding == binding;
        Self(
            self.0
                .iter()
                .filter(|(_, lock)| !held(lock))
                .map(|(at, lock)| (at.clone(), lock.clone()))
                .collect(),
        )
    }

    /// The locks that the bindings of a logical cluster show, where the annotation is missing or
    /// unreadable. The first binding of a resource keeps it.
    #[must_use]
    pub fn rebuild<'b>(bindings: impl IntoIterator<Item = &'b APIBinding>) -> Self {
        let mut locks = Self::default();
        for binding in bindings {
            for bound in &binding.status.bound_resources {
                let resource = GroupResource::new(&bound.group, &bound.resource).to_string();
                locks.0.entry(resource).or_insert_with(|| Lock::binding(&binding.metadata.name));
            }
        }
        locks
    }

    /// The locks after a look at what exists: those of bindings that are gone are dropped, those of
    /// established CRDs added, those of CRDs that are gone released, at once or when they expire.
    #[must_use]
    pub fn tidied(&self, bindings: &BTreeSet<&str>, crds: &[LocalCrd], now: Time) -> Self {
        let mut locks = self.clone();
        locks.0.retain(|_, lock| lock.crd || bindings.contains(lock.binding.as_str()));
        for crd in crds.iter().filter(|crd| crd.established) {
            locks.0.entry(crd.resource.to_string()).or_insert_with(Lock::crd);
        }
        let existing: BTreeSet<String> = crds.iter().map(|crd| crd.resource.to_string()).collect();
        locks.0.retain(|resource, lock| {
            if lock.crd && existing.contains(resource) {
                lock.expiry = None;
            }
            !lock.crd || existing.contains(resource) || (lock.expiry.is_some() && !lock.expired(now))
        });
        locks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_unix(seconds).expect("a time")
    }

    fn resource(text: &str) -> GroupResource {
        GroupResource::parse(text)
    }

    const HELD: &str =
        r#"{"cowboys.wildwest.dev":{"n":"west"},"widgets":{"c":true,"e":"1970-01-01T00:00:10Z"}}"#;

    #[test]
    fn the_annotation_reads_and_writes() {
        assert_eq!(Locks::parse(Some(HELD)).expect("locks").encode(), HELD);
        assert_eq!(Locks::parse(Some("null")).expect("locks").encode(), "{}");
        assert_eq!(Locks::parse(Some("")), Err(LockError::Missing));
        assert_eq!(Locks::parse(None), Err(LockError::Missing));
        assert!(matches!(Locks::parse(Some("[]")), Err(LockError::Malformed(_))));
    }

    fn check(binding: &str, wanted: &str, crds: &[&str], now: i64, gets_it: bool) {
        let locks = Locks::parse(Some(HELD)).expect("locks");
        let crds = crds.iter().map(|crd| resource(crd)).collect();
        let acquired = locks.acquire(&[resource(wanted)], &Lock::binding(binding), &crds, at(now));
        assert_eq!(acquired.locked == [resource(wanted)], gets_it, "{binding} {wanted}");
        assert_eq!(acquired.skipped.is_empty(), gets_it);
        assert_eq!(acquired.locks.holder(&resource(wanted)) == Some(&Lock::binding(binding)), gets_it);
    }

    #[test]
    fn what_another_holds_is_skipped() {
        check("west", "cowboys.wildwest.dev", &[], 0, true);
        check("east", "cowboys.wildwest.dev", &[], 0, false);
        check("east", "sheriffs.wildwest.dev", &[], 0, true);
    }

    #[test]
    fn a_crd_that_never_came_loses_its_lock() {
        check("west", "widgets", &[], 10, false);
        check("west", "widgets", &[], 11, true);
        check("west", "widgets", &["widgets"], 11, false);
    }

    #[test]
    fn tidying_follows_what_exists() {
        let locks = Locks::parse(Some(HELD)).expect("locks");
        let crd = |name: &str, established| LocalCrd { resource: resource(name), established };
        let tidied = |bindings: &[&str], crds: &[LocalCrd], now| {
            locks.tidied(&bindings.iter().copied().collect(), crds, at(now)).encode()
        };
        assert_eq!(tidied(&["west"], &[], 5), HELD);
        assert_eq!(tidied(&[], &[], 11), "{}");
        assert_eq!(tidied(&[], &[crd("widgets", false)], 11), r#"{"widgets":{"c":true}}"#);
        assert_eq!(
            tidied(&["west"], &[crd("a.b", true), crd("c.d", false)], 11),
            r#"{"a.b":{"c":true},"cowboys.wildwest.dev":{"n":"west"}}"#
        );
    }
}
