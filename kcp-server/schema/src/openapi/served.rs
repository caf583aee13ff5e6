use crate::{Schema, builtin::BuiltIn};

/// A kind that is served in some version.
#[derive(Clone, Debug)]
pub struct Served<'s> {
    /// API group, empty for the core group.
    pub group: &'s str,
    /// API version.
    pub version: &'s str,
    /// Kind of the objects.
    pub kind: &'s str,
    /// Kind of lists.
    pub list_kind: &'s str,
    /// The resource, which is plural.
    pub plural: &'s str,
    /// Whether objects are in namespaces.
    pub namespaced: bool,
    /// What can be done with the resource.
    pub verbs: Vec<&'s str>,
    /// Its subresources.
    pub subresources: Vec<ServedSubresource<'s>>,
    /// Paths of fields that lists can be filtered by, such as `.spec.color`.
    pub selectable: Vec<&'s str>,
    /// What objects contain.
    pub schema: &'s Schema,
}

/// A subresource that is served.
#[derive(Clone, Debug)]
pub struct ServedSubresource<'s> {
    /// Its name, `status`.
    pub name: &'s str,
    /// What can be done with it.
    pub verbs: Vec<&'s str>,
    /// Group, version and kind of its objects if they are not the resource's.
    pub kind: Option<(&'s str, &'s str, &'s str)>,
}

impl<'s> Served<'s> {
    /// A built-in kind with everything that belongs to it; `schema` is its own.
    #[must_use]
    pub fn built_in(kind: &'s BuiltIn, schema: &'s Schema) -> Self {
        let subresources = kind.subresources.iter().map(|subresource| ServedSubresource {
            name: subresource.name,
            verbs: subresource.verbs.clone(),
            kind: subresource.kind,
        });
        Self {
            group: kind.group,
            version: kind.version,
            kind: kind.kind,
            list_kind: &kind.list_kind,
            plural: kind.plural,
            namespaced: kind.namespaced,
            verbs: kind.verbs.clone(),
            subresources: subresources.collect(),
            selectable: Vec::new(),
            schema,
        }
    }

    /// All that the document says of this kind depends on.
    pub(super) fn identity(&self) -> String {
        let subresources: Vec<_> =
            self.subresources.iter().map(|one| format!("{}={}", one.name, one.verbs.join(","))).collect();
        format!(
            "{}/{} {} {} {} {} {} {} {} {:016x}",
            self.group,
            self.version,
            self.kind,
            self.list_kind,
            self.plural,
            self.namespaced,
            self.verbs.join(","),
            subresources.join(";"),
            self.selectable.join(","),
            self.schema.content_id(),
        )
    }

    /// The name of the type of the objects in documents.
    pub(super) fn type_name(&self, kind: &str) -> String {
        match self.schema.definition() {
            Some(definition) => {
                let own = definition.open_api_name();
                let package = own.rsplit_once('.').map_or("", |(package, _)| package);
                format!("{package}.{kind}")
            }
            None => {
                let mut parts: Vec<_> = self.group.split('.').rev().collect();
                parts.extend([self.version, kind]);
                parts.join(".")
            }
        }
    }
}
