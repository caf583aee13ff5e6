use super::{Findings, Walk, too_many};
use crate::node::{Additional, Node};
use kcp_apimachinery::{Map, Value, field};

impl Walk<'_> {
    /// The number of members, the members, and those that are missing.
    pub(super) fn members(&mut self, node: &Node, members: &Map, old: Option<&Value>) -> Findings {
        let mut found = self.number_of_members(node, members);
        let here = self.path.len();
        for (name, value) in members.iter().filter(|(name, _)| node.property(name).is_none()) {
            match &node.additional {
                Additional::Allowed(false) => found.merge(self.forbidden_member(name)),
                Additional::Schema(link) => {
                    self.path.push('.');
                    self.path.push_str(name);
                    let before = old.and_then(|old| old.get(name));
                    found.merge(self.below(link.node(), value, before));
                    self.path.truncate(here);
                }
                Additional::Unset | Additional::Allowed(true) => {}
            }
        }
        for property in &node.properties {
            let name = property.name.as_str();
            let Some(value) = members.get(name) else { continue };
            if here > 0 {
                self.path.push('.');
            }
            self.path.push_str(name);
            let before = old.and_then(|old| old.get(name)).filter(|_| !(here == 0 && is_type_meta(name)));
            found.merge(self.below(property.node.node(), value, before));
            self.path.truncate(here);
        }
        for name in node.required.iter().filter(|name| !members.contains(name)) {
            self.path.push('.');
            self.path.push_str(name);
            found.merge(self.error(field::Kind::Required, None, String::new()));
            self.path.truncate(here);
        }
        found
    }

    fn number_of_members(&self, node: &Node, members: &Map) -> Findings {
        let mut found = Findings::default();
        let Some(checks) = &node.checks else { return found };
        let size = i64::try_from(members.len()).unwrap_or(i64::MAX);
        if let Some(min) = checks.members.min.filter(|min| size < *min) {
            found.merge(self.invalid(size, &format!("should have at least {min} properties")));
        }
        if let Some(max) = checks.members.max.filter(|max| size > *max) {
            found.errors.push(too_many(self.error_path(), members.len(), max));
        }
        found
    }

    fn forbidden_member(&self, name: &str) -> Findings {
        let detail = format!("{}.{name} in body is a forbidden property", self.path);
        self.error(field::Kind::Invalid, Some(name.into()), detail)
    }
}

/// Members of the object itself that never count as unchanged.
fn is_type_meta(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind")
}
