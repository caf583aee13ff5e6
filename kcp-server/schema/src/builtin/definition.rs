//! The types of Kubernetes as data: `data/*.txt`, one file per group and version, a few lines per type.
//!
//! ```text
//! core.v1.ServicePort                                  a type; `io.k8s.api.` is left out
//!   port! integer:int32                                a member; `!` means required, `:` a format follows
//!   protocol string enum=SCTP|TCP|UDP default=TCP      attributes follow the type
//!   targetPort @pkg.util.intstr.IntOrString            `@` leads to another type
//!   ports [@core.v1.ServicePort] map=port,protocol     `[…]` is a list, `{…}` a map
//! meta.v1.Time = string:date-time                      a type that is no object
//! ```
//!
//! Attributes: `atomic`, `set`, `map=keys` (how lists and maps are merged), `patch=strategy`, `key=member`
//! (strategic merge patch), `enum=`, `default=`, `like=type` (has that type's members, and may be
//! anything else too). What comes after ` - ` is the description. Members called `apiVersion` and `kind`
//! need no description.
//!
//! A line is decoded when somebody asks for the type. Until then a type costs two slices.

use crate::node::{Additional, Checks, Link, ListType, MapType, Node, Notes, Property, Type};
use kcp_apimachinery::Name;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError},
};

/// A type of Kubernetes, decoded on first use.
#[derive(Debug)]
pub struct Definition {
    name: &'static str,
    /// The line of the type and those of its members.
    text: &'static str,
    node: OnceLock<Node>,
}

static FILES: [&str; 19] = [
    include_str!("../../data/admissionregistration.v1.txt"),
    include_str!("../../data/apiextensions.v1.txt"),
    include_str!("../../data/apps.v1.txt"),
    include_str!("../../data/authentication.v1.txt"),
    include_str!("../../data/authorization.v1.txt"),
    include_str!("../../data/autoscaling.v1.txt"),
    include_str!("../../data/autoscaling.v2.txt"),
    include_str!("../../data/batch.v1.txt"),
    include_str!("../../data/certificates.v1.txt"),
    include_str!("../../data/coordination.v1.txt"),
    include_str!("../../data/core.v1.txt"),
    include_str!("../../data/discovery.v1.txt"),
    include_str!("../../data/events.v1.txt"),
    include_str!("../../data/meta.v1.txt"),
    include_str!("../../data/networking.v1.txt"),
    include_str!("../../data/policy.v1.txt"),
    include_str!("../../data/rbac.v1.txt"),
    include_str!("../../data/scheduling.v1.txt"),
    include_str!("../../data/storage.v1.txt"),
];

/// All types, sorted by name.
static DEFINITIONS: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let mut all: Vec<_> = FILES.iter().flat_map(|file| split(file)).collect();
    all.sort_by_key(|definition| definition.name);
    all
});

/// The type of a name such as `core.v1.ConfigMap`.
#[must_use]
pub fn definition(name: &str) -> Option<&'static Definition> {
    let at = DEFINITIONS.binary_search_by(|definition| definition.name.cmp(name)).ok()?;
    Some(&DEFINITIONS[at])
}

/// A digest of all types: what a kind is made of may be anywhere in the data.
pub(crate) fn digest() -> [u8; 32] {
    static DIGEST: LazyLock<[u8; 32]> = LazyLock::new(|| {
        let mut hash = Sha256::new();
        FILES.iter().for_each(|file| hash.update(file));
        hash.finalize().into()
    });
    *DIGEST
}

impl PartialEq for Definition {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Definition {
    /// The name in the data, `core.v1.ConfigMap`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The name in OpenAPI documents, `io.k8s.api.core.v1.ConfigMap`.
    #[must_use]
    pub fn open_api_name(&self) -> String {
        let name = self.name;
        if let Some(rest) = name.strip_prefix("meta.") {
            format!("io.k8s.apimachinery.pkg.apis.meta.{rest}")
        } else if let Some(rest) = name.strip_prefix("apiextensions.") {
            format!("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{rest}")
        } else if let Some(rest) = name.strip_prefix("pkg.") {
            format!("io.k8s.apimachinery.pkg.{rest}")
        } else {
            format!("io.k8s.api.{name}")
        }
    }

    /// What a value of this type may be.
    pub fn node(&self) -> &Node {
        self.node.get_or_init(|| decode(self.text))
    }
}

/// Cuts a file into types.
fn split(file: &'static str) -> Vec<Definition> {
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in file.split_inclusive('\n') {
        if !line.starts_with([' ', '#', '\n']) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([file.len()]);
    let texts = starts.iter().zip(ends).map(|(&start, end)| &file[start..end]);
    texts.map(|text| Definition { name: first_word(text), text, node: OnceLock::new() }).collect()
}

fn first_word(text: &'static str) -> &'static str {
    text.split([' ', '\n']).next().unwrap_or_default()
}

fn decode(text: &'static str) -> Node {
    let mut lines = text.lines();
    let head = Line::parse(lines.next().unwrap_or_default());
    let mut node = match head.words.split_once("= ") {
        Some((_, words)) => typed(words),
        None => decode_members(lines, &head),
    };
    if let Some(description) = head.description {
        node.notes.get_or_insert_default().description = Some(description.into());
    }
    node
}

fn decode_members(lines: std::str::Lines<'static>, head: &Line) -> Node {
    let mut node = Node { kind: Type::Object, ..Node::default() };
    if head.words.ends_with(" atomic") {
        node.map = MapType::Atomic;
    }
    let mut required = Vec::new();
    let mut properties = Vec::new();
    for line in lines {
        let line = Line::parse(line.trim_start());
        let Some((name, words)) = line.words.split_once(' ') else { continue };
        let name = match name.strip_suffix('!') {
            Some(name) => {
                required.push(Name::from(name));
                name
            }
            None => name,
        };
        properties.push(Property {
            name: name.into(),
            node: link(words),
            description: line.description.map(Box::from),
        });
    }
    properties.sort_by(|a, b| a.name.cmp(&b.name));
    node.required = required.into();
    node.properties = properties.into();
    node
}

/// A line without its description, and that.
struct Line {
    words: &'static str,
    description: Option<&'static str>,
}

impl Line {
    fn parse(line: &'static str) -> Self {
        match line.split_once(" - ") {
            Some((words, description)) => Self { words, description: Some(description) },
            None => Self { words: line, description: None },
        }
    }
}

/// What a type and its attributes lead to. Equal words lead to one node, whichever type they are in.
fn link(words: &'static str) -> Link {
    if let Some(name) = words.strip_prefix('@')
        && let Some(definition) = definition(name)
    {
        return Link::Definition(definition);
    }
    /// At most one entry per distinct field of the data.
    static NODES: LazyLock<Mutex<HashMap<&'static str, Arc<Node>>>> = LazyLock::new(Mutex::default);
    if let Some(known) = NODES.lock().unwrap_or_else(PoisonError::into_inner).get(words) {
        return Link::Own(Arc::clone(known));
    }
    let node = Arc::new(typed(words));
    NODES.lock().unwrap_or_else(PoisonError::into_inner).insert(words, Arc::clone(&node));
    Link::Own(node)
}

fn typed(words: &'static str) -> Node {
    let (kind, attributes) = words.split_once(' ').unwrap_or((words, ""));
    let mut node = match kind.strip_prefix('@').and_then(definition) {
        Some(variant_of) => {
            let mut node = decode(variant_of.text);
            notes(&mut node).variant_of = Some(variant_of);
            node
        }
        None => plain(kind),
    };
    for attribute in attributes.split(' ').filter(|attribute| !attribute.is_empty()) {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        match name {
            "atomic" if node.kind == Type::Array => node.list = ListType::Atomic,
            "atomic" => node.map = MapType::Atomic,
            "set" => node.list = ListType::Set,
            "map" => {
                node.list = ListType::Map;
                notes(&mut node).list_keys = value.split(',').map(Box::from).collect();
            }
            "patch" => notes(&mut node).patch_strategy = Some(value.into()),
            "key" => notes(&mut node).merge_key = Some(value.into()),
            "enum" => {
                checks(&mut node).allowed =
                    value.split('|').map(|one| if one == "\"\"" { "" } else { one }.into()).collect();
            }
            "default" => node.default = Some(Box::new(value.into())),
            "like" => node.properties = like(value),
            _ => {}
        }
    }
    node
}

fn plain(kind: &'static str) -> Node {
    if let Some(inner) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
        return Node { kind: Type::Array, items: Some(link(inner)), ..Node::default() };
    }
    if let Some(inner) = kind.strip_prefix('{').and_then(|kind| kind.strip_suffix('}')) {
        return Node { kind: Type::Object, additional: Additional::Schema(link(inner)), ..Node::default() };
    }
    let (kind, format) = kind.split_once(':').unwrap_or((kind, ""));
    let mut node = Node::default();
    match kind {
        "object" => (node.kind, node.preserve_unknown) = (Type::Object, true),
        "string" => node.kind = Type::String,
        "integer" => node.kind = Type::Integer,
        "number" => node.kind = Type::Number,
        "boolean" => node.kind = Type::Boolean,
        "int-or-string" | "quantity" => node.kind = Type::IntOrString,
        // `any`
        _ => node.preserve_unknown = true,
    }
    if !format.is_empty() {
        checks(&mut node).format = Some(format.into());
    }
    node
}

fn notes(node: &mut Node) -> &mut Notes {
    node.notes.get_or_insert_default()
}

fn checks(node: &mut Node) -> &mut Checks {
    node.checks.get_or_insert_default()
}

/// The members of another type. It is not that type's node, which may not be ready yet.
fn like(name: &'static str) -> Box<[Property]> {
    let Some(other) = definition(name) else { return Box::default() };
    let mut lines = other.text.lines();
    let head = Line::parse(lines.next().unwrap_or_default());
    decode_members(lines, &head).properties
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, member: &str) -> &'static Node {
        definition(name).expect(name).node().member(member).expect(member)
    }

    #[test]
    fn members_are_decoded() {
        let ports = check("core.v1.ServiceSpec", "ports");
        assert_eq!((ports.kind, ports.list), (Type::Array, ListType::Map));
        assert_eq!(ports.list_keys(), ["port".into(), "protocol".into()]);
        let strategy = check("apps.v1.DeploymentSpec", "strategy");
        assert!(strategy.member("rollingUpdate").is_some());
        let port = ports.element().expect("elements");
        assert_eq!(port.required.iter().map(Name::as_str).collect::<Vec<_>>(), ["port"]);
        let protocol = port.member("protocol").expect("a member");
        assert_eq!(protocol.default.as_deref(), Some(&"TCP".into()));
        assert_eq!(port.member("targetPort").map(|port| port.kind), Some(Type::IntOrString));
    }

    #[test]
    fn every_type_leads_to_types_that_are_there() {
        for definition in DEFINITIONS.iter() {
            for line in definition.text.lines() {
                for name in line.split(['@', ']', '}', ' ']).filter(|word| word.contains(".v1.")) {
                    let name = name.trim_start_matches("like=");
                    assert!(super::definition(name).is_some(), "{name} in {line}");
                }
            }
            definition.node();
        }
    }

    #[test]
    fn types_may_contain_themselves() {
        let not = check("apiextensions.v1.JSONSchemaProps", "not");
        assert!(not.member("not").is_some());
        assert!(check("apiextensions.v1.JSONSchemaProps", "items").member("properties").is_some());
    }
}
