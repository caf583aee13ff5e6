//! The RBAC of one logical cluster, compiled: bindings found by subject, roles by name.
//!
//! Finding what applies to a user costs as many look-ups as the user has groups, however many
//! bindings there are. Roles are resolved when a binding applies, because a binding may name a role
//! that only `system:admin` has.

use crate::{Rule, User};
use kcp_apimachinery::{Value, go::quote};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Roles and bindings of one logical cluster.
#[derive(Debug, Default)]
pub struct Policy {
    cluster_bindings: Bindings,
    bindings: BTreeMap<Box<str>, Bindings>,
    cluster_roles: Roles,
    roles: BTreeMap<Box<str>, Roles>,
}

/// Roles of one namespace, or of the logical cluster itself, by name.
#[derive(Debug, Default)]
struct Roles(BTreeMap<Box<str>, Box<[Rule]>>);

impl Roles {
    fn add(&mut self, object: &Value) {
        self.0.insert(name_of(object), Rule::read_all(object).into());
    }

    fn find(&self, name: &str) -> Option<&[Rule]> {
        self.0.get(name).map(AsRef::as_ref)
    }
}

/// Takes objects, in any order, and makes a [`Policy`] of them.
#[derive(Debug, Default)]
pub struct PolicyBuilder(Policy);

impl PolicyBuilder {
    /// Adds an object by its `kind`. Kinds that are no RBAC are ignored.
    pub fn object(&mut self, object: &Value) {
        match object.str_at(&["kind"]).unwrap_or_default() {
            "Role" => self.role(object),
            "ClusterRole" => self.cluster_role(object),
            "RoleBinding" => self.role_binding(object),
            "ClusterRoleBinding" => self.cluster_role_binding(object),
            _ => {}
        }
    }

    /// Adds a ClusterRole. Aggregated ones have their rules filled in already.
    pub fn cluster_role(&mut self, object: &Value) {
        self.0.cluster_roles.add(object);
    }

    /// Adds a Role.
    pub fn role(&mut self, object: &Value) {
        self.0.roles.entry(namespace_of(object)).or_default().add(object);
    }

    /// Adds a ClusterRoleBinding.
    pub fn cluster_role_binding(&mut self, object: &Value) {
        self.0.cluster_bindings.add(Binding::read(object, ""));
    }

    /// Adds a RoleBinding.
    pub fn role_binding(&mut self, object: &Value) {
        let namespace = namespace_of(object);
        let binding = Binding::read(object, &namespace);
        self.0.bindings.entry(namespace).or_default().add(binding);
    }

    /// The policy of everything that was added.
    #[must_use]
    pub fn build(self) -> Policy {
        self.0
    }
}

impl<'a> FromIterator<&'a Value> for Policy {
    fn from_iter<I: IntoIterator<Item = &'a Value>>(objects: I) -> Self {
        let mut builder = PolicyBuilder::default();
        objects.into_iter().for_each(|object| builder.object(object));
        builder.build()
    }
}

impl Policy {
    /// The ClusterRoleBindings that apply to any of `users`, in the order in which they were added.
    pub(crate) fn cluster_bindings(&self, users: &[Cow<'_, User>]) -> Vec<Applied<'_>> {
        self.cluster_bindings.applying(users)
    }

    /// The RoleBindings of a namespace that apply to any of `users`.
    pub(crate) fn bindings(&self, namespace: &str, users: &[Cow<'_, User>]) -> Vec<Applied<'_>> {
        self.bindings.get(namespace).map(|bindings| bindings.applying(users)).unwrap_or_default()
    }

    /// The rules of a role that a binding in `namespace` refers to; `None` if there is none.
    pub(crate) fn rules(&self, role: &Role, namespace: &str) -> Option<&[Rule]> {
        match role.kind {
            RoleKind::ClusterRole => self.cluster_roles.find(&role.name),
            RoleKind::Role => self.roles.get(namespace)?.find(&role.name),
            RoleKind::Unknown => None,
        }
    }
}

/// What a binding binds to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) kind: RoleKind,
    kind_text: Box<str>,
    pub(crate) name: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoleKind {
    Role,
    ClusterRole,
    /// Never applies.
    Unknown,
}

impl Role {
    pub(crate) fn new(kind: &str, name: &str) -> Self {
        let known = match kind {
            "Role" => RoleKind::Role,
            "ClusterRole" => RoleKind::ClusterRole,
            _ => RoleKind::Unknown,
        };
        Self { kind: known, kind_text: kind.into(), name: name.into() }
    }

    /// Why the role gives no rules, when no policy has it.
    pub(crate) fn not_found(&self) -> String {
        let name = quote(&self.name);
        match self.kind {
            RoleKind::Role => format!("role.rbac.authorization.k8s.io {name} not found"),
            RoleKind::ClusterRole => format!("clusterrole.rbac.authorization.k8s.io {name} not found"),
            RoleKind::Unknown => format!("unsupported role reference kind: {}", quote(&self.kind_text)),
        }
    }
}

/// A binding and the subject for which it applies.
pub(crate) struct Applied<'a> {
    binding: &'a Binding,
    subject: usize,
}

impl<'a> Applied<'a> {
    pub(crate) fn role(&self) -> &'a Role {
        &self.binding.role
    }

    pub(crate) fn namespace(&self) -> &'a str {
        &self.binding.namespace
    }
}

impl fmt::Display for Applied<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Binding { name, namespace, role, subjects } = self.binding;
        let (kind, name) = if namespace.is_empty() {
            ("ClusterRoleBinding", name.to_string())
        } else {
            ("RoleBinding", format!("{name}/{namespace}"))
        };
        let subject = &subjects[self.subject];
        write!(f, "{kind} {} of {} {} to ", quote(&name), role.kind_text, quote(&role.name))?;
        match subject {
            Subject::User(name) => write!(f, "User {}", quote(name)),
            Subject::Group(name) => write!(f, "Group {}", quote(name)),
            Subject::ServiceAccount { namespace, name } => {
                write!(f, "ServiceAccount {}", quote(&format!("{name}/{namespace}")))
            }
        }
    }
}

#[derive(Debug)]
struct Binding {
    name: Box<str>,
    /// Empty for a ClusterRoleBinding.
    namespace: Box<str>,
    role: Role,
    subjects: Box<[Subject]>,
}

#[derive(Debug)]
enum Subject {
    User(Box<str>),
    Group(Box<str>),
    ServiceAccount { namespace: Box<str>, name: Box<str> },
}

impl Binding {
    fn read(object: &Value, namespace: &str) -> Self {
        let role = Role::new(
            object.str_at(&["roleRef", "kind"]).unwrap_or_default(),
            object.str_at(&["roleRef", "name"]).unwrap_or_default(),
        );
        let subjects = object.get("subjects").and_then(Value::as_array).unwrap_or_default();
        Self {
            name: name_of(object),
            namespace: namespace.into(),
            role,
            subjects: subjects.iter().filter_map(|subject| Subject::read(subject, namespace)).collect(),
        }
    }
}

impl Subject {
    /// A subject that can never apply is left out: of an unknown kind, or a service account for
    /// which neither itself nor the binding names a namespace.
    fn read(subject: &Value, binding_namespace: &str) -> Option<Self> {
        let name = subject.str_at(&["name"])?;
        match subject.str_at(&["kind"])? {
            "User" => Some(Self::User(name.into())),
            "Group" => Some(Self::Group(name.into())),
            "ServiceAccount" => {
                let own = subject.str_at(&["namespace"]).filter(|namespace| !namespace.is_empty());
                let namespace = own.unwrap_or(binding_namespace);
                (!namespace.is_empty())
                    .then(|| Self::ServiceAccount { namespace: namespace.into(), name: name.into() })
            }
            _ => None,
        }
    }
}

/// Bindings of one namespace, or of the logical cluster itself.
#[derive(Debug, Default)]
struct Bindings {
    all: Vec<Binding>,
    /// Which binding and which of its subjects names a user (service accounts by their user name).
    by_user: BTreeMap<Box<str>, Vec<(u32, u32)>>,
    by_group: BTreeMap<Box<str>, Vec<(u32, u32)>>,
}

impl Bindings {
    fn add(&mut self, binding: Binding) {
        let Ok(at) = u32::try_from(self.all.len()) else { return };
        for (subject, number) in binding.subjects.iter().zip(0_u32..) {
            let place = match subject {
                Subject::User(name) => self.by_user.entry(name.clone()),
                Subject::Group(name) => self.by_group.entry(name.clone()),
                Subject::ServiceAccount { namespace, name } => {
                    self.by_user.entry(User::service_account_name(namespace, name).into())
                }
            };
            place.or_default().push((at, number));
        }
        self.all.push(binding);
    }

    fn applying(&self, users: &[Cow<'_, User>]) -> Vec<Applied<'_>> {
        let mut found: BTreeSet<(u32, u32)> = BTreeSet::new();
        for user in users {
            found.extend(self.by_user.get(user.name.as_str()).into_iter().flatten());
            for group in &user.groups {
                found.extend(self.by_group.get(group.as_str()).into_iter().flatten());
            }
        }
        // A binding counts once, for its first subject that applies.
        let mut applying: Vec<Applied<'_>> = Vec::new();
        let mut last = None;
        for (at, subject) in found {
            if last.replace(at) != Some(at) {
                applying.push(Applied { binding: &self.all[at as usize], subject: subject as usize });
            }
        }
        applying
    }
}

fn name_of(object: &Value) -> Box<str> {
    object.str_at(&["metadata", "name"]).unwrap_or_default().into()
}

fn namespace_of(object: &Value) -> Box<str> {
    object.str_at(&["metadata", "namespace"]).unwrap_or_default().into()
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
