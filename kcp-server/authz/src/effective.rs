//! Which identities count in a logical cluster.
//!
//! A user may be limited to some logical clusters (scopes), may carry further identities (warrants),
//! and a service account is at home in one place only. A request is allowed if any of the identities
//! that are left is allowed. Nothing here ever fails: what cannot be read gives no identity.

use crate::user::{User, extra, group, name};
use kcp_names::ClusterName;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// Warrants inside warrants are read to this depth. Each level doubles the escaping, so an honest
/// one never comes near it.
const MAX_DEPTH: usize = 16;
/// At most so many identities are derived from one user; the rest of its warrants are ignored.
const MAX_IDENTITIES: usize = 256;

/// The identities of `user` in `cluster` (`None`: a request without a logical cluster, or to all).
///
/// - An identity in scope is itself. Out of scope it is `system:anonymous`, in
///   `system:authenticated` and the `system:cluster:<c>` of its scopes if it was in
///   `system:authenticated`, and in `system:unauthenticated` if not.
/// - Each warrant is an identity with scopes of its own; one that carries scopes is always in their
///   `system:cluster:<c>` groups. That of a service account without a logical cluster is ignored.
/// - A service account of exactly one logical cluster is also, anywhere,
///   `system:kcp:serviceaccount:<c>:<namespace>:<name>`.
#[must_use]
pub fn effective_users<'a>(user: &'a User, cluster: Option<&ClusterName>) -> Vec<Cow<'a, User>> {
    let mut found = Found { cluster: cluster.map_or("", ClusterName::as_str), users: Vec::with_capacity(2) };
    found.add(Cow::Borrowed(user), 0);
    found.users
}

/// The groups of all identities of `user` in `cluster`.
#[must_use]
pub fn effective_groups(user: &User, cluster: Option<&ClusterName>) -> BTreeSet<String> {
    effective_users(user, cluster).iter().flat_map(|user| user.groups.iter().cloned()).collect()
}

/// Whether `user` keeps its identity in `cluster`; its warrants are another matter.
#[must_use]
pub fn is_in_scope(user: &User, cluster: Option<&ClusterName>) -> bool {
    in_scope(user, cluster.map_or("", ClusterName::as_str))
}

/// The user as an export's maximal permission policy sees it: name and groups behind `prefix`, and
/// all warrants alike. A service account goes by its global name; one that does not belong to
/// exactly one logical cluster is anonymous.
#[must_use]
pub fn prefixed(user: &User, prefix: &str) -> User {
    prefixed_at(user, prefix, 0)
}

struct Found<'a, 'c> {
    cluster: &'c str,
    users: Vec<Cow<'a, User>>,
}

impl<'a> Found<'a, '_> {
    fn add(&mut self, user: Cow<'a, User>, depth: usize) {
        let warrants: Vec<User> = if depth < MAX_DEPTH { warrants(&user).collect() } else { Vec::new() };
        let global = global_service_account(&user);
        if in_scope(&user, self.cluster) {
            self.push(user);
        } else {
            self.push(Cow::Owned(stranger(&user)));
        }
        if let Some(global) = global {
            self.push(Cow::Owned(global));
        }
        for warrant in warrants {
            self.add(Cow::Owned(warrant), depth + 1);
        }
    }

    fn push(&mut self, user: Cow<'a, User>) {
        if self.users.len() < MAX_IDENTITIES && !self.users.contains(&user) {
            self.users.push(user);
        }
    }
}

fn in_scope(user: &User, cluster: &str) -> bool {
    if user.service_account().is_some() {
        match user.extra(extra::CLUSTER_NAME) {
            // A review of a local service account names no logical cluster.
            [] => {}
            [home] if home == cluster => {}
            _ => return false,
        }
    }
    user.extra(extra::SCOPES).iter().all(|any_of| scoped_clusters(any_of).any(|name| name == cluster))
}

fn scoped_clusters(any_of: &str) -> impl Iterator<Item = &str> {
    any_of.split(',').filter_map(|scope| scope.strip_prefix("cluster:"))
}

/// The `system:cluster:<c>` groups: one for each logical cluster that all of the scopes allow.
fn cluster_groups(user: &User) -> impl Iterator<Item = String> {
    let mut lists = user.extra(extra::SCOPES).iter().map(|any_of| scoped_clusters(any_of));
    let mut common: BTreeSet<&str> = lists.next().into_iter().flatten().collect();
    for list in lists {
        let list: BTreeSet<&str> = list.collect();
        common.retain(|name| list.contains(name));
    }
    common.into_iter().filter(|name| !name.is_empty()).map(cluster_group).collect::<Vec<_>>().into_iter()
}

fn cluster_group(name: &str) -> String {
    format!("{}{name}", group::CLUSTER_PREFIX)
}

/// What is left of an identity out of its scope.
fn stranger(user: &User) -> User {
    if !user.is_in(group::AUTHENTICATED) {
        return User::anonymous();
    }
    let mut stranger = User::new(name::ANONYMOUS, &[group::AUTHENTICATED]);
    stranger.groups.extend(cluster_groups(user));
    stranger
}

fn global_service_account(user: &User) -> Option<User> {
    let local = user.service_account()?;
    let [home] = user.extra(extra::CLUSTER_NAME) else { return None };
    let mut global = User::new(&format!("{}{home}:{local}", name::GLOBAL_SERVICE_ACCOUNT_PREFIX), &[]);
    if user.is_in(group::AUTHENTICATED) {
        global.groups.push(group::AUTHENTICATED.to_owned());
    }
    global.groups.push(cluster_group(home));
    global.extra.clone_from(&user.extra);
    Some(global)
}

/// A warrant as it is written into an extra value.
#[derive(Deserialize, Serialize)]
struct Warrant {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    uid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extra: Option<BTreeMap<String, Vec<String>>>,
}

impl Warrant {
    fn read(text: &str) -> Option<User> {
        // serde would take a list for the fields in their order.
        let text = text.trim_start();
        let warrant: Self =
            if text.starts_with('{') { serde_json::from_str(text).ok()? } else { return None };
        Some(User {
            name: warrant.user,
            uid: warrant.uid,
            groups: warrant.groups.unwrap_or_default(),
            extra: warrant.extra.unwrap_or_default(),
        })
    }

    fn write(user: User) -> Option<String> {
        let groups = Some(user.groups).filter(|groups| !groups.is_empty());
        let extra = Some(user.extra).filter(|extra| !extra.is_empty());
        serde_json::to_string(&Self { user: user.name, uid: user.uid, groups, extra }).ok()
    }
}

fn warrants(user: &User) -> impl Iterator<Item = User> {
    user.extra(extra::WARRANT).iter().filter_map(|text| Warrant::read(text)).filter_map(|mut warrant| {
        if warrant.service_account().is_some() && warrant.extra(extra::CLUSTER_NAME).is_empty() {
            return None;
        }
        let of_scopes: Vec<_> = cluster_groups(&warrant).collect();
        warrant.groups.extend(of_scopes);
        Some(warrant)
    })
}

fn prefixed_at(user: &User, prefix: &str, depth: usize) -> User {
    let mut seen = User { name: format!("{prefix}{}", user.name), uid: user.uid.clone(), ..User::default() };
    if let Some(local) = user.service_account() {
        let [home] = user.extra(extra::CLUSTER_NAME) else {
            let held =
                if user.is_in(group::AUTHENTICATED) { group::AUTHENTICATED } else { group::UNAUTHENTICATED };
            return User::new(&format!("{prefix}{}", name::ANONYMOUS), &[&format!("{prefix}{held}")]);
        };
        seen.name = format!("{prefix}{}{home}:{local}", name::GLOBAL_SERVICE_ACCOUNT_PREFIX);
    }
    seen.groups = user.groups.iter().map(|group| format!("{prefix}{group}")).collect();
    for (key, values) in &user.extra {
        if key != extra::WARRANT {
            seen.extra.insert(key.clone(), values.clone());
        }
    }
    let warrants: Vec<String> = user
        .extra(extra::WARRANT)
        .iter()
        .filter(|_| depth < MAX_DEPTH)
        .filter_map(|text| Warrant::read(text))
        .filter_map(|warrant| Warrant::write(prefixed_at(&warrant, prefix, depth + 1)))
        .collect();
    if !warrants.is_empty() {
        seen.extra.insert(extra::WARRANT.to_owned(), warrants);
    }
    seen
}

#[cfg(test)]
#[path = "effective_tests.rs"]
mod tests;
