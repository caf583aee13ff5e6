//! What is particular to built-in kinds in the way they are written. Everything else is in their schema.

use kcp_registry::Resource;

/// How objects of a kind are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traits {
    /// `metadata.generation` counts changes of everything but metadata and status.
    pub generation: bool,
    /// An update without resource version overwrites whatever there is.
    pub unconditional: bool,
    /// An update of an object that does not exist creates it.
    pub create_on_update: bool,
    /// Which rule a name must keep to.
    pub name: NameRule,
    /// Never stored: a question whose answer is the object.
    pub review: bool,
}

/// Rules for names of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// DNS-1123 subdomain.
    Subdomain,
    /// DNS-1123 label.
    Label,
    /// Anything that can stand in a path.
    PathSegment,
    /// DNS-1035 label.
    Service,
}

impl Traits {
    /// Those of a resource.
    pub(crate) fn of(resource: &Resource) -> Self {
        let custom = Self {
            generation: true,
            unconditional: false,
            create_on_update: false,
            name: NameRule::Subdomain,
            review: false,
        };
        if !resource.is_built_in() {
            return custom;
        }
        let plain = Self { generation: false, unconditional: true, ..custom };
        match (&*resource.group, &*resource.plural) {
            ("", "namespaces") => Self { name: NameRule::Label, ..plain },
            ("", "services") => Self { name: NameRule::Service, ..plain },
            ("", "events") | ("events.k8s.io", "events") => Self { create_on_update: true, ..plain },
            ("", "pods" | "replicationcontrollers") => Self { generation: true, ..plain },
            ("rbac.authorization.k8s.io", _) => {
                Self { name: NameRule::PathSegment, create_on_update: true, ..plain }
            }
            ("coordination.k8s.io", "leases") => {
                Self { unconditional: false, create_on_update: true, ..plain }
            }
            ("apiextensions.k8s.io", _) => Self { generation: true, unconditional: false, ..plain },
            ("authentication.k8s.io" | "authorization.k8s.io", _) => Self { review: true, ..plain },
            ("apps" | "batch" | "networking.k8s.io" | "policy" | "admissionregistration.k8s.io", plural) => {
                Self { generation: true, unconditional: plural != "poddisruptionbudgets", ..plain }
            }
            _ => plain,
        }
    }
}
