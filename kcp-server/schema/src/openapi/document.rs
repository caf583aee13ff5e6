use super::{Dialect, Served, operation, schema};
use crate::builtin::{Definition, definition};
use kcp_apimachinery::{Map, Value, value};

/// The two parts of a document that depend on what is served.
pub(super) struct Document {
    pub(super) paths: Map,
    pub(super) schemas: Map,
}

impl Document {
    pub(super) fn of(kinds: &[Served<'_>], dialect: Dialect) -> Self {
        let mut types = Types { dialect, schemas: Map::new(), waiting: Vec::new() };
        let mut paths = Map::new();
        for kind in kinds {
            types.add_kind(kind);
            operation::add_paths(kind, dialect, &mut paths, &mut types);
        }
        types.follow();
        Self { paths, schemas: types.schemas }
    }
}

/// The types of a document. A built-in type is put in when something leads to it.
pub(super) struct Types {
    dialect: Dialect,
    schemas: Map,
    waiting: Vec<&'static Definition>,
}

impl Types {
    /// A reference to a built-in type.
    pub(super) fn reference(&mut self, definition: &'static Definition) -> Value {
        self.waiting.push(definition);
        self.dialect.reference(&definition.open_api_name())
    }

    /// A reference to a built-in type by the name in the data.
    pub(super) fn named(&mut self, name: &str) -> Value {
        match definition(name) {
            Some(definition) => self.reference(definition),
            None => value!({"type": "object"}),
        }
    }

    fn add_kind(&mut self, kind: &Served<'_>) {
        if let Some(definition) = kind.schema.definition() {
            self.waiting.push(definition);
            self.waiting.extend(crate::builtin::definition(&format!("{}List", definition.name())));
            return;
        }
        let tag = |name: &str| gvk_list(&[(kind.group, kind.version, name)]);
        let mut object = schema::custom(kind.schema.root(), self.dialect, self);
        object.set_at(&["x-kubernetes-group-version-kind"], tag(kind.kind));
        let selectable: Value = kind
            .selectable
            .iter()
            .map(|path| value!({"fieldPath": (path.trim_start_matches('.'))}))
            .collect();
        if !kind.selectable.is_empty() {
            object.set_at(&["x-kubernetes-selectable-fields"], selectable);
        }
        let mut list = self.list_of(kind);
        list.set_at(&["x-kubernetes-group-version-kind"], tag(kind.list_kind));
        self.schemas.insert(kind.type_name(kind.kind), object);
        self.schemas.insert(kind.type_name(kind.list_kind), list);
    }

    fn list_of(&mut self, kind: &Served<'_>) -> Value {
        let mut list = value!({
            "description": (format!("{} is a list of {}", kind.list_kind, kind.kind)),
            "required": ["items"],
            "type": "object",
        });
        let item = self.dialect.reference(&kind.type_name(kind.kind));
        let items = value!({
            "description": (format!("List of {}.", kind.plural)),
            "items": item,
            "type": "array",
        });
        let metadata = self.named("meta.v1.ListMeta");
        let metadata = schema::described(metadata, Some("Standard list metadata."), self.dialect);
        list.set_at(&["properties"], value!({"items": items, "metadata": metadata}));
        schema::add_type_meta(&mut list);
        list
    }

    /// Puts in the types that others lead to, until none is missing.
    fn follow(&mut self) {
        while let Some(definition) = self.waiting.pop() {
            let name = definition.open_api_name();
            if self.schemas.contains(&name) {
                continue;
            }
            // A place for it first: types may contain themselves.
            self.schemas.insert(name.as_str(), Value::Null);
            let mut schema = schema::built_in(definition, self.dialect, self);
            let kinds = schema::kinds_of(definition);
            if !kinds.is_empty() {
                schema.set_at(&["x-kubernetes-group-version-kind"], gvk_list(&kinds));
            }
            self.schemas.insert(name, schema);
        }
    }
}

pub(super) fn gvk(group: &str, version: &str, kind: &str) -> Value {
    value!({"group": group, "kind": kind, "version": version})
}

fn gvk_list(kinds: &[(&str, &str, &str)]) -> Value {
    kinds.iter().map(|(group, version, kind)| gvk(group, version, kind)).collect()
}
