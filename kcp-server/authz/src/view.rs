//! Several policies looked at as one: whose bindings count, and where their roles may come from.

use crate::{
    Attributes, Policy, Rule, User,
    decision::Answer,
    policy::{Applied, Role},
};
use std::{borrow::Cow, collections::BTreeSet, ops::ControlFlow};

/// Bindings of some policies, resolved against the roles of the same or others.
pub(crate) struct View<'a> {
    /// Whose ClusterRoleBindings and RoleBindings apply.
    pub(crate) bindings: &'a [&'a Policy],
    /// Where roles are looked up. Roles of one name are one role with all their rules.
    pub(crate) roles: &'a [&'a Policy],
}

impl View<'_> {
    /// Whether RBAC allows it; never `Deny`.
    pub(crate) fn authorize(&self, users: &[Cow<'_, User>], attributes: &Attributes) -> Answer {
        let mut missing = Missing::default();
        let allowed = self.visit(users, attributes.namespace(), &mut missing, |source, rule| {
            if rule.allows(attributes) {
                return ControlFlow::Break(format!("RBAC: allowed by {source}"));
            }
            ControlFlow::Continue(())
        });
        allowed.map_or_else(|| Answer::no_opinion(missing.reason()), Answer::allow)
    }

    /// All rules that apply to a user, and what could not be resolved.
    pub(crate) fn rules_for(&self, users: &[Cow<'_, User>], namespace: &str) -> (Vec<Rule>, Missing) {
        let (mut rules, mut missing) = (Vec::new(), Missing::default());
        let _: Option<()> = self.visit(users, namespace, &mut missing, |_, rule| {
            rules.push(rule.clone());
            ControlFlow::Continue(())
        });
        (rules, missing)
    }

    /// The rules of one role; `None` if no policy has it.
    pub(crate) fn role(&self, role: &Role, namespace: &str) -> Option<Vec<&Rule>> {
        let mut found = None;
        for rules in self.roles.iter().filter_map(|policy| policy.rules(role, namespace)) {
            found.get_or_insert_with(Vec::new).extend(rules);
        }
        found
    }

    fn visit<T>(
        &self,
        users: &[Cow<'_, User>],
        namespace: &str,
        missing: &mut Missing,
        mut visitor: impl FnMut(&Applied<'_>, &Rule) -> ControlFlow<T>,
    ) -> Option<T> {
        let of_clusters = self.bindings.iter().flat_map(|policy| policy.cluster_bindings(users));
        let of_namespace = self
            .bindings
            .iter()
            .filter(|_| !namespace.is_empty())
            .flat_map(|policy| policy.bindings(namespace, users));
        for applied in of_clusters.chain(of_namespace) {
            let Some(rules) = self.role(applied.role(), applied.namespace()) else {
                missing.0.insert(applied.role().not_found());
                continue;
            };
            for rule in rules {
                if let ControlFlow::Break(found) = visitor(&applied, rule) {
                    return Some(found);
                }
            }
        }
        None
    }
}

/// Roles that bindings refer to and that do not exist.
#[derive(Default)]
pub(crate) struct Missing(pub(crate) BTreeSet<String>);

impl Missing {
    /// All of them in one line; `None` if there are none.
    pub(crate) fn text(&self) -> Option<String> {
        let list: Vec<&str> = self.0.iter().map(String::as_str).collect();
        match list[..] {
            [] => None,
            [one] => Some(one.to_owned()),
            _ => Some(format!("[{}]", list.join(", "))),
        }
    }

    fn reason(&self) -> String {
        self.text().map(|text| format!("RBAC: {text}")).unwrap_or_default()
    }
}
