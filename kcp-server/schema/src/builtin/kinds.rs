//! The kinds of Kubernetes that can be served, as data: `data/kinds.txt`.
//!
//! ```text
//! [control-plane]                                      a set
//! v1 ServiceAccount serviceaccounts namespaced short=sa   group/version, kind, resource, scope, attributes
//!   /token create authentication.k8s.io/v1 TokenRequest   a subresource, its verbs, its kind if another
//!   | Data string 0 secret-data How many keys there …       a column: name, type, priority, source, description
//! ```
//!
//! Attributes: `short=`, `category=`, `verbs=` (only these; with `-` first: all but these). Every kind has
//! the column `Name` first unless it lists it. A source of a column that begins with `.` is a path into the
//! object; with `=` before it, a number that counts as 0 where it is missing, with `?` a truth that counts
//! as false; any other is the name of a function.

use super::{Definition, columns::Function, definition, definition::digest};
use crate::Schema;
use std::sync::{Arc, LazyLock, OnceLock};

/// Which kinds are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Set {
    /// Those of a control plane: what every logical cluster has.
    ControlPlane,
    /// Those of a cluster that runs something, without those of the control plane.
    Workloads,
}

/// A kind of Kubernetes: what discovery, tables and requests need to know of it.
#[derive(Debug)]
pub struct BuiltIn {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// Kind of the objects.
    pub kind: &'static str,
    /// Kind of lists.
    pub list_kind: String,
    /// The resource, which is plural.
    pub plural: &'static str,
    /// The singular name, the kind in lower case.
    pub singular: String,
    /// Short names that clients understand.
    pub short_names: Vec<&'static str>,
    /// Categories such as `all`.
    pub categories: Vec<&'static str>,
    /// Whether objects are in namespaces.
    pub namespaced: bool,
    /// What can be done with the resource, sorted.
    pub verbs: Vec<&'static str>,
    /// Its subresources.
    pub subresources: Vec<Subresource>,
    /// The columns of tables.
    pub columns: Vec<Column>,
    definition: &'static Definition,
    schema: OnceLock<Arc<Schema>>,
}

/// A subresource of a built-in kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Subresource {
    /// Its name, `status`.
    pub name: &'static str,
    /// What can be done with it, sorted.
    pub verbs: Vec<&'static str>,
    /// Group, version and kind of its objects if they are not the resource's.
    pub kind: Option<(&'static str, &'static str, &'static str)>,
}

/// A column of a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub name: &'static str,
    /// The type: `string`, `integer`, `number`, `boolean`, `date`.
    pub kind: &'static str,
    /// `name` for the column with the object's name, else empty.
    pub format: &'static str,
    /// 0 is always shown, more only in wide tables.
    pub priority: i32,
    /// Where the cells come from.
    pub source: CellSource,
    /// What the column is about.
    pub description: &'static str,
}

/// Where the cells of a column come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellSource {
    /// A path of members, `.status.phase`.
    Path(&'static str),
    /// A function of the object.
    Function(Function),
}

const ALL_VERBS: [&str; 8] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

static KINDS: LazyLock<[Vec<BuiltIn>; 2]> = LazyLock::new(|| {
    let text = include_str!("../../data/kinds.txt");
    let (control_plane, workloads) = text.split_once("[workloads]").unwrap_or((text, ""));
    [parse(control_plane), parse(workloads)]
});

/// The kinds of a set, in the order of the data.
#[must_use]
pub fn kinds(set: Set) -> &'static [BuiltIn] {
    match set {
        Set::ControlPlane => &KINDS[0],
        Set::Workloads => &KINDS[1],
    }
}

/// A kind by group, version and kind, of whichever set.
#[must_use]
pub fn find(group: &str, version: &str, kind: &str) -> Option<&'static BuiltIn> {
    let all = KINDS.iter().flatten();
    all.into_iter()
        .find(|built_in| built_in.kind == kind && built_in.group == group && built_in.version == version)
}

impl BuiltIn {
    /// The compiled schema, made when it is first asked for.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        Arc::clone(self.schema.get_or_init(|| Arc::new(Schema::built_in(self.definition, &digest()))))
    }

    /// The type of the objects.
    #[must_use]
    pub fn definition(&self) -> &'static Definition {
        self.definition
    }

    /// `group/version`, or the version alone.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// A subresource by name.
    #[must_use]
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| subresource.name == name)
    }
}

fn parse(text: &'static str) -> Vec<BuiltIn> {
    let mut kinds: Vec<BuiltIn> = Vec::new();
    for line in text.lines() {
        if let (Some(line), Some(kind)) = (line.strip_prefix("  /"), kinds.last_mut()) {
            kind.subresources.push(subresource(line));
        } else if let (Some(line), Some(kind)) = (line.strip_prefix("  | "), kinds.last_mut()) {
            kind.columns.extend(column(line));
        } else {
            kinds.extend(kind(line));
        }
    }
    for kind in &mut kinds {
        if !kind.columns.iter().any(|column| column.format == "name") {
            kind.columns.splice(0..0, column("Name string:name 0 .metadata.name Its name"));
        }
    }
    kinds
}

fn kind(line: &'static str) -> Option<BuiltIn> {
    let words: Vec<_> = line.split(' ').collect();
    let [api_version, kind, plural, scope, attributes @ ..] = words.as_slice() else { return None };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let attribute = |name: &str| {
        let of = |word: &&'static str| word.strip_prefix(name)?.strip_prefix('=');
        attributes.iter().find_map(of).unwrap_or_default()
    };
    let package = match group {
        "" => "core",
        "apiextensions.k8s.io" => "apiextensions",
        "rbac.authorization.k8s.io" => "rbac",
        group => group.split('.').next().unwrap_or_default(),
    };
    Some(BuiltIn {
        group,
        version,
        kind,
        list_kind: format!("{kind}List"),
        plural,
        singular: kind.to_ascii_lowercase(),
        short_names: list(attribute("short")),
        categories: list(attribute("category")),
        namespaced: *scope == "namespaced",
        verbs: verbs(attribute("verbs")),
        subresources: Vec::new(),
        columns: Vec::new(),
        definition: definition(&format!("{package}.{version}.{kind}"))?,
        schema: OnceLock::new(),
    })
}

fn list(text: &'static str) -> Vec<&'static str> {
    text.split(',').filter(|word| !word.is_empty()).collect()
}

fn verbs(attribute: &'static str) -> Vec<&'static str> {
    match attribute.strip_prefix('-') {
        Some(without) => ALL_VERBS.iter().copied().filter(|verb| !list(without).contains(verb)).collect(),
        None if attribute.is_empty() => ALL_VERBS.into(),
        None => list(attribute),
    }
}

fn subresource(line: &'static str) -> Subresource {
    let words: Vec<_> = line.split(' ').collect();
    let kind = words.get(2).zip(words.get(3)).map(|(api_version, &kind)| {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        (group, version, kind)
    });
    let verbs = words.get(1).copied().map(list).unwrap_or_default();
    Subresource { name: words.first().copied().unwrap_or_default(), verbs, kind }
}

/// Names of columns may have blanks, so the type is found first.
fn column(line: &'static str) -> Option<Column> {
    let types = [" string", " integer", " number", " boolean", " date"];
    let at = types.iter().filter_map(|kind| line.find(kind)).min()?;
    let (name, rest) = line.split_at(at);
    let mut words = rest.trim_start().splitn(4, ' ');
    let typed = words.next()?;
    let (kind, format) = typed.split_once(':').unwrap_or((typed, ""));
    let priority = words.next()?.parse().ok()?;
    let source = words.next()?;
    let source = if source.starts_with('.') {
        CellSource::Path(source)
    } else {
        CellSource::Function(Function::named(source)?)
    };
    Some(Column { name, kind, format, priority, source, description: words.next().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_is_a_kind_a_subresource_or_a_column() {
        let text = include_str!("../../data/kinds.txt");
        let count = |prefix: &str| text.lines().filter(|line| line.starts_with(prefix)).count();
        let all = || KINDS.iter().flatten();
        let heads = text.lines().filter(|line| line.starts_with(char::is_alphabetic)).count();
        assert_eq!(all().count(), heads);
        assert_eq!(all().map(|kind| kind.subresources.len()).sum::<usize>(), count("  /"));
        let unnamed = all().filter(|kind| kind.group != "events.k8s.io" && kind.kind != "Event").count();
        assert_eq!(all().map(|kind| kind.columns.len()).sum::<usize>(), count("  | ") + unnamed);
    }

    #[test]
    fn a_kind_is_found() {
        let kind = find("", "v1", "ServiceAccount").expect("a kind");
        assert_eq!(
            (kind.plural, &*kind.singular, &*kind.list_kind),
            ("serviceaccounts", "serviceaccount", "ServiceAccountList")
        );
        assert_eq!(kind.subresources[0].kind, Some(("authentication.k8s.io", "v1", "TokenRequest")));
        assert_eq!(kind.columns.iter().map(|column| column.name).collect::<Vec<_>>(), ["Name", "Age"]);
        assert!(Arc::ptr_eq(&kind.schema(), &kind.schema()));
        assert!(!find("", "v1", "Namespace").expect("a kind").verbs.contains(&"deletecollection"));
    }
}
