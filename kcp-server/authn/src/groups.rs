//! Which groups a front-proxy passes on.

use kcp_authz::User;
use std::collections::BTreeSet;

/// `--authentication-pass-on-groups` and `--authentication-drop-groups`. What is dropped is dropped
/// even if it is to be passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFilter {
    pass_on: Patterns,
    drop: Patterns,
}

/// Names, some with a `*` at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Patterns {
    exact: BTreeSet<String>,
    prefixes: Vec<String>,
}

impl GroupFilter {
    /// A filter from the values of both flags. Without anything to pass on, all is passed on that is
    /// not dropped.
    #[must_use]
    pub fn new(pass_on: &[String], drop: &[String]) -> Self {
        Self { pass_on: Patterns::new(pass_on), drop: Patterns::new(drop) }
    }

    /// The user with the groups that are left, sorted, each once.
    #[must_use]
    pub fn apply(&self, mut user: User) -> User {
        let groups: BTreeSet<String> = user.groups.drain(..).filter(|group| self.keeps(group)).collect();
        user.groups = groups.into_iter().collect();
        user
    }

    fn keeps(&self, group: &str) -> bool {
        (self.pass_on.is_empty() || self.pass_on.has(group)) && !self.drop.has(group)
    }
}

impl Patterns {
    fn new(patterns: &[String]) -> Self {
        let mut sorted = Self::default();
        for pattern in patterns {
            match pattern.strip_suffix('*') {
                Some(prefix) => sorted.prefixes.push(prefix.to_owned()),
                None => drop(sorted.exact.insert(pattern.clone())),
            }
        }
        sorted
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty()
    }

    fn has(&self, group: &str) -> bool {
        self.exact.contains(group) || self.prefixes.iter().any(|prefix| group.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pass_on: &[&str], drop: &[&str], wanted: &[&str]) {
        let strings = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
        let user =
            User::new("alice", &["team", "system:masters", "system:kcp:initializer:x", "team", "staff"]);
        let filter = GroupFilter::new(&strings(pass_on), &strings(drop));
        assert_eq!(filter.apply(user).groups, wanted);
    }

    #[test]
    fn dropping_wins_over_passing_on() {
        check(&[], &[], &["staff", "system:kcp:initializer:x", "system:masters", "team"]);
        check(&[], &["system:masters", "system:kcp:initializer:*"], &["staff", "team"]);
        check(&["team", "system:*"], &[], &["system:kcp:initializer:x", "system:masters", "team"]);
        check(&["team", "system:*"], &["system:m*"], &["system:kcp:initializer:x", "team"]);
    }
}
