//! What a refused request is told.

use crate::{Attributes, Target};
use kcp_apimachinery::go::quote;

/// The parts of a `Forbidden` answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    /// The whole message.
    pub message: String,
    /// `details.group`
    pub group: String,
    /// `details.kind`, which holds the resource.
    pub kind: String,
    /// `details.name`
    pub name: String,
}

impl Forbidden {
    /// The answer for a resource (empty: for none) and a cause.
    #[must_use]
    pub fn new(group: &str, resource: &str, name: &str, cause: &str) -> Self {
        let qualified = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let message = match (resource, name) {
            ("", _) => format!("forbidden: {cause}"),
            (_, "") => format!("{qualified} is forbidden: {cause}"),
            (_, name) => format!("{qualified} {} is forbidden: {cause}", quote(name)),
        };
        Self { message, group: group.to_owned(), kind: resource.to_owned(), name: name.to_owned() }
    }
}

/// The answer to a request that the authorizer did not allow, for the reason it gave.
///
/// It names only what the client itself sent, so it is the same for what exists and what does not.
#[must_use]
pub fn forbidden(attributes: &Attributes, reason: &str) -> Forbidden {
    let asked = sanitize(&asked(attributes));
    let cause = if reason.is_empty() { asked } else { format!("{asked}: {reason}") };
    match &attributes.target {
        Target::Resource(target) => Forbidden::new(&target.group, &target.resource, &target.name, &cause),
        Target::Path(_) => Forbidden::new("", "", "", &cause),
    }
}

fn asked(attributes: &Attributes) -> String {
    let Attributes { user, verb, target, .. } = attributes;
    let user = quote(&user.name);
    match target {
        Target::Path(path) => format!("User {user} cannot {verb} path {}", quote(path)),
        Target::Resource(target) => {
            let resource = match target.subresource.as_str() {
                "" => target.resource.clone(),
                subresource => format!("{}/{subresource}", target.resource),
            };
            let place = match target.namespace.as_str() {
                "" => "at the cluster scope".to_owned(),
                namespace => format!("in the namespace {}", quote(namespace)),
            };
            format!(
                "User {user} cannot {verb} resource {} in API group {} {place}",
                quote(&resource),
                quote(&target.group)
            )
        }
    }
}

/// Browsers show these answers.
fn sanitize(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reach, ResourceTarget, User};

    fn check(target: Target, reason: &str, wanted: &str) {
        let user = User::new("u", &[]);
        let attributes = Attributes { user, verb: "list".to_owned(), reach: Reach::Nowhere, target };
        assert_eq!(forbidden(&attributes, reason).message, wanted);
    }

    fn target(group: &str, resource: &str, namespace: &str, name: &str) -> ResourceTarget {
        ResourceTarget {
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..ResourceTarget::default()
        }
    }

    #[test]
    fn messages_are_those_of_kubernetes() {
        check(
            Target::Resource(target("g", "x", "", "")),
            "access denied",
            r#"x.g is forbidden: User "u" cannot list resource "x" in API group "g" at the cluster scope: access denied"#,
        );
        check(
            Target::Resource(target("", "x", "ns", "a")),
            "",
            r#"x "a" is forbidden: User "u" cannot list resource "x" in API group "" in the namespace "ns""#,
        );
        let status = ResourceTarget { subresource: "status".to_owned(), ..target("", "x", "", "a") };
        check(
            Target::Resource(status),
            "",
            r#"x "a" is forbidden: User "u" cannot list resource "x/status" in API group "" at the cluster scope"#,
        );
        check(
            Target::Path("/a<b>".to_owned()),
            "access denied",
            r#"forbidden: User "u" cannot list path "/a&lt;b&gt;": access denied"#,
        );
    }
}
