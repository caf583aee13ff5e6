use super::{
    Dialect, Served, ServedSubresource,
    document::{Types, gvk},
    parameter,
};
use crate::builtin;
use kcp_apimachinery::{Map, Value, value};

/// Adds the paths of a kind.
pub(super) fn add_paths(kind: &Served<'_>, dialect: Dialect, paths: &mut Map, types: &mut Types) {
    let root = if kind.group.is_empty() {
        format!("/api/{}", kind.version)
    } else {
        format!("/apis/{}/{}", kind.group, kind.version)
    };
    let mut writer = Writer { kind, dialect, types };
    let plural = kind.plural;
    let collection = if kind.namespaced {
        format!("{root}/namespaces/{{namespace}}/{plural}")
    } else {
        format!("{root}/{plural}")
    };
    let item = format!("{collection}/{{name}}");
    let add = |paths: &mut Map, path: String, item: Option<Value>| {
        if let Some(item) = item {
            paths.insert(path, item);
        }
    };
    add(paths, collection, writer.path(&COLLECTION, Target::Collection));
    add(paths, item.clone(), writer.path(&ITEM, Target::Item));
    if kind.namespaced {
        let everywhere = writer.path(&[("get", "list", "list")], Target::Everywhere);
        add(paths, format!("{root}/{plural}"), everywhere);
    }
    for subresource in &kind.subresources {
        let path = format!("{item}/{}", subresource.name);
        add(paths, path, writer.path(&SUBRESOURCE, Target::Subresource(subresource)));
    }
}

/// Method, verb, and the word for it in the name of an operation.
type Method = (&'static str, &'static str, &'static str);

const COLLECTION: [Method; 3] = [
    ("get", "list", "list"),
    ("post", "create", "create"),
    ("delete", "deletecollection", "deleteCollection"),
];
const ITEM: [Method; 4] = [
    ("get", "get", "read"),
    ("put", "update", "replace"),
    ("patch", "patch", "patch"),
    ("delete", "delete", "delete"),
];
const SUBRESOURCE: [Method; 4] = [
    ("get", "get", "read"),
    ("put", "update", "replace"),
    ("patch", "patch", "patch"),
    ("post", "create", "create"),
];

#[derive(Clone, Copy)]
enum Target<'t> {
    Collection,
    Everywhere,
    Item,
    Subresource(&'t ServedSubresource<'t>),
}

struct Writer<'w, 's> {
    kind: &'w Served<'s>,
    dialect: Dialect,
    types: &'w mut Types,
}

impl Writer<'_, '_> {
    /// What can be done at a path; `None` if that is nothing.
    fn path(&mut self, methods: &[Method], target: Target<'_>) -> Option<Value> {
        let verbs = match target {
            Target::Subresource(subresource) => &subresource.verbs,
            Target::Collection | Target::Everywhere | Target::Item => &self.kind.verbs,
        };
        let methods: Vec<_> = methods.iter().filter(|(_, verb, _)| verbs.contains(verb)).collect();
        if methods.is_empty() {
            return None;
        }
        let mut item = Map::new();
        for method in methods {
            item.insert(method.0, self.operation(*method, target));
        }
        item.insert("parameters", self.path_parameters(target));
        Some(item.into())
    }

    fn path_parameters(&self, target: Target<'_>) -> Value {
        let named = match target {
            Target::Collection | Target::Everywhere => None,
            Target::Item | Target::Subresource(_) => {
                let description = format!("name of the {}", self.kind.kind);
                Some(parameter::in_path("name", &description, self.dialect))
            }
        };
        let everywhere = matches!(target, Target::Everywhere);
        let namespace = (self.kind.namespaced && !everywhere)
            .then(|| parameter::in_path("namespace", "the namespace of the object", self.dialect));
        named.into_iter().chain(namespace).collect()
    }

    fn operation(&mut self, method: Method, target: Target<'_>) -> Value {
        let (_, verb, _) = method;
        let (group, version, kind) = self.object_of(target);
        let action = match verb {
            "create" => "post",
            "update" => "put",
            verb => verb,
        };
        let mut operation = value!({
            "description": (self.description(verb, target)),
            "operationId": (self.operation_id(method, target)),
            "tags": [(self.tag())],
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": (gvk(&group, &version, &kind)),
        });
        let answer = self.answer(verb, target);
        let body = self.body(verb, target);
        match self.dialect {
            Dialect::V2 => self.v2_parts(verb, body, &answer, &mut operation),
            Dialect::V3 => self.v3_parts(verb, body, &answer, &mut operation),
        }
        operation
    }

    /// Group, version and kind of the objects of a target.
    fn object_of(&self, target: Target<'_>) -> (String, String, String) {
        let own = (self.kind.group, self.kind.version, self.kind.kind);
        let (group, version, kind) = match target {
            Target::Subresource(subresource) => subresource.kind.unwrap_or(own),
            Target::Collection | Target::Everywhere | Target::Item => own,
        };
        (group.to_owned(), version.to_owned(), kind.to_owned())
    }

    fn object_reference(&mut self, target: Target<'_>) -> Value {
        let other = match target {
            Target::Subresource(subresource) => subresource.kind,
            Target::Collection | Target::Everywhere | Target::Item => None,
        };
        match other {
            Some((group, version, kind)) => {
                let package =
                    if group.is_empty() { "core" } else { group.split('.').next().unwrap_or_default() };
                match builtin::definition(&format!("{package}.{version}.{kind}")) {
                    Some(definition) => self.types.reference(definition),
                    None => value!({"type": "string"}),
                }
            }
            None => self.dialect.reference(&self.kind.type_name(self.kind.kind)),
        }
    }

    fn answer(&mut self, verb: &str, target: Target<'_>) -> Value {
        match verb {
            "list" => self.dialect.reference(&self.kind.type_name(self.kind.list_kind)),
            "delete" | "deletecollection" => self.types.named("meta.v1.Status"),
            _ => self.object_reference(target),
        }
    }

    fn body(&mut self, verb: &str, target: Target<'_>) -> Option<Value> {
        match verb {
            "create" | "update" => Some(self.object_reference(target)),
            "patch" => Some(self.types.named("meta.v1.Patch")),
            "delete" | "deletecollection" => Some(self.types.named("meta.v1.DeleteOptions")),
            _ => None,
        }
    }

    fn v3_parts(&self, verb: &str, body: Option<Value>, answer: &Value, operation: &mut Value) {
        let parameters: Value = self.query(verb).collect();
        if parameters.as_array().is_some_and(|all| !all.is_empty()) {
            operation.set_at(&["parameters"], parameters);
        }
        if let Some(body) = body {
            let content: Map =
                self.body_types(verb).map(|kind| (kind, value!({"schema": (body.clone())}))).collect();
            let mut request = value!({ "content": content });
            if !verb.starts_with("delete") {
                request.set_at(&["required"], true.into());
            }
            operation.set_at(&["requestBody"], request);
        }
        let content: Map =
            answer_types(verb).iter().map(|&kind| (kind, value!({"schema": (answer.clone())}))).collect();
        let mut responses = value!({"401": {"description": "Unauthorized"}});
        for (code, description) in codes(verb) {
            let response = value!({"content": (Value::from(content.clone())), "description": (*description)});
            responses.set_at(&[code], response);
        }
        operation.set_at(&["responses"], responses);
    }

    fn v2_parts(&self, verb: &str, body: Option<Value>, answer: &Value, operation: &mut Value) {
        let mut parameters: Vec<Value> = Vec::new();
        let consumes: Vec<Value> = match body {
            Some(schema) => {
                let mut parameter = value!({"in": "body", "name": "body", "schema": schema});
                if !verb.starts_with("delete") {
                    parameter.set_at(&["required"], true.into());
                }
                parameters.push(parameter);
                self.body_types(verb).map(Value::from).collect()
            }
            None => vec!["*/*".into()],
        };
        parameters.extend(self.query(verb));
        operation.set_at(&["consumes"], consumes.into());
        operation.set_at(&["produces"], answer_types(verb).iter().map(|&kind| Value::from(kind)).collect());
        operation.set_at(&["schemes"], value!(["https"]));
        operation.set_at(&["parameters"], parameters.into());
        let mut responses = value!({"401": {"description": "Unauthorized"}});
        for (code, description) in codes(verb) {
            responses.set_at(&[code], value!({"description": (*description), "schema": (answer.clone())}));
        }
        operation.set_at(&["responses"], responses);
    }

    fn query(&self, verb: &str) -> impl Iterator<Item = Value> {
        let dialect = self.dialect;
        parameter::query(verb).iter().map(move |name| parameter::in_query(name, dialect))
    }

    /// What a body may be encoded as. Strategic merge patches are for built-in kinds.
    fn body_types(&self, verb: &str) -> impl Iterator<Item = &'static str> {
        let built_in = self.kind.schema.definition().is_some();
        let types: &[&str] = match verb {
            "patch" => &PATCHES,
            _ => &["application/json", "application/yaml"],
        };
        types.iter().copied().filter(move |kind| built_in || !kind.contains("strategic"))
    }

    fn description(&self, verb: &str, target: Target<'_>) -> String {
        let part = match target {
            Target::Subresource(subresource) => format!("{} of ", subresource.name),
            Target::Collection | Target::Everywhere | Target::Item => String::new(),
        };
        let kind = self.kind.kind;
        match verb {
            "list" => format!("list or watch objects of kind {kind}"),
            "create" => format!("create {part}{kind}"),
            "deletecollection" => format!("delete collection of {kind}"),
            "get" => format!("read {part}the specified {kind}"),
            "update" => format!("replace {part}the specified {kind}"),
            "patch" => format!("partially update {part}the specified {kind}"),
            _ => format!("{verb} {part}{kind}"),
        }
    }

    /// `readCoreV1NamespacedConfigMap`
    fn operation_id(&self, (_, _, word): Method, target: Target<'_>) -> String {
        let group = if self.kind.group.is_empty() { "core" } else { self.kind.group };
        let group = group.strip_suffix(".k8s.io").unwrap_or(group);
        let group: String = group.split(['.', '-']).map(capitalized).collect();
        let version = capitalized(self.kind.version);
        let scope =
            if self.kind.namespaced && !matches!(target, Target::Everywhere) { "Namespaced" } else { "" };
        let (place, part) = match target {
            Target::Everywhere => ("ForAllNamespaces", String::new()),
            Target::Subresource(subresource) => ("", capitalized(subresource.name)),
            Target::Collection | Target::Item => ("", String::new()),
        };
        let (word, collection) = match word {
            "deleteCollection" => ("delete", "Collection"),
            word => (word, ""),
        };
        format!("{word}{group}{version}{collection}{scope}{}{part}{place}", self.kind.kind)
    }

    fn tag(&self) -> String {
        let group = if self.kind.group.is_empty() { "core" } else { self.kind.group };
        let group = group.strip_suffix(".k8s.io").unwrap_or(group);
        format!("{}_{}", group.replace(['.', '-'], "_"), self.kind.version)
    }
}

const PATCHES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

fn answer_types(verb: &str) -> &'static [&'static str] {
    match verb {
        "list" => &["application/json", "application/yaml", "application/json;stream=watch"],
        _ => &["application/json", "application/yaml"],
    }
}

fn codes(verb: &str) -> &'static [(&'static str, &'static str)] {
    match verb {
        "create" => &[("200", "OK"), ("201", "Created"), ("202", "Accepted")],
        "update" | "patch" => &[("200", "OK"), ("201", "Created")],
        "delete" => &[("200", "OK"), ("202", "Accepted")],
        _ => &[("200", "OK")],
    }
}

fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}
