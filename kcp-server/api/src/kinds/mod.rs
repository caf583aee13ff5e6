//! The kcp kinds as data: one table per API group in `data/kinds`, read once.
//!
//! A table is the only source of what a kind looks like on the wire. From it come the
//! CustomResourceDefinitions ([`crds`], written to `crds/kcp`) and the APIResourceSchemas that the
//! root workspace exports ([`Kind::resource_schema`]).

mod blocks;
mod node;
mod read;
mod write;

use kcp_apimachinery::Value;
use std::sync::LazyLock;

/// One kind with all its versions.
#[derive(Clone, Debug)]
pub struct Kind {
    /// API group, such as `tenancy.kcp.io`.
    pub group: String,
    /// Such as `Workspace`. The singular is the same in lower case, the list kind has `List` behind it.
    pub kind: String,
    /// Such as `workspaces`.
    pub plural: String,
    /// Other names for kubectl.
    pub short_names: Vec<String>,
    /// Whether `kubectl get kcp` shows it.
    pub in_category: bool,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// Whether the CRD names a conversion strategy.
    pub converted: bool,
    /// The versions in the order of their names.
    pub versions: Vec<Version>,
}

/// One version of a kind.
#[derive(Clone, Debug)]
pub struct Version {
    /// Such as `v1alpha1`.
    pub name: String,
    /// Whether `status` is a subresource.
    pub status: bool,
    /// Whether objects are stored in this version.
    pub stored: bool,
    /// What kubectl shows beside the name.
    pub columns: Vec<Column>,
    /// The structural schema, as `openAPIV3Schema` has it.
    pub schema: Value,
}

/// A printer column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its header.
    pub name: String,
    /// OpenAPI type, such as `string` or `date`.
    pub kind: String,
    /// Where its value is.
    pub path: String,
}

/// All kinds, by group and then by kind.
#[must_use]
pub fn all() -> &'static [Kind] {
    &KINDS
}

/// The kind of a plural and a group.
#[must_use]
pub fn find(plural: &str, group: &str) -> Option<&'static Kind> {
    all().iter().find(|kind| kind.plural == plural && kind.group == group)
}

/// The CustomResourceDefinitions of all kinds, in the order of [`all`].
#[must_use]
pub fn crds() -> Vec<Value> {
    all().iter().map(Kind::crd).collect()
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let mut kinds = Vec::new();
    for (group, text) in TABLES {
        // The tables are part of the program; a test reads each of them.
        kinds.extend(read::table(group, text).expect("a table of the crate is well formed"));
    }
    kinds
});

const TABLES: [(&str, &str); 6] = [
    ("apis.kcp.io", include_str!("../../data/kinds/apis.kcp.io.txt")),
    ("cache.kcp.io", include_str!("../../data/kinds/cache.kcp.io.txt")),
    ("core.kcp.io", include_str!("../../data/kinds/core.kcp.io.txt")),
    ("migration.kcp.io", include_str!("../../data/kinds/migration.kcp.io.txt")),
    ("tenancy.kcp.io", include_str!("../../data/kinds/tenancy.kcp.io.txt")),
    ("topology.kcp.io", include_str!("../../data/kinds/topology.kcp.io.txt")),
];
