use super::source::{list, present};
use kcp_apimachinery::Value;

/// The `spec` of a definition, with what its versions have in common taken out of them.
pub(super) struct View<'v> {
    pub(super) spec: &'v Value,
    pub(super) common: Parts<'v>,
    pub(super) versions: Vec<ViewVersion<'v>>,
}

/// What a version may have and what all may have in common.
#[derive(Clone, Copy, Default)]
pub(super) struct Parts<'v> {
    pub(super) schema: Option<&'v Value>,
    pub(super) subresources: Option<&'v Value>,
    pub(super) columns: &'v [Value],
    pub(super) selectable: &'v [Value],
}

pub(super) struct ViewVersion<'v> {
    pub(super) value: &'v Value,
    pub(super) parts: Parts<'v>,
}

impl<'v> View<'v> {
    pub(super) fn of(spec: &'v Value) -> Self {
        let mut versions: Vec<_> = list(spec, "versions")
            .iter()
            .map(|value| ViewVersion { value, parts: Parts::of(value) })
            .collect();
        let mut common = versions.first().map(|version| version.parts).unwrap_or_default();
        let shared = |same: fn(&Parts<'v>, &Parts<'v>) -> bool| {
            versions.iter().all(|version| same(&version.parts, &common))
        };
        let schema = shared(|a, b| a.schema == b.schema);
        let subresources = shared(|a, b| a.subresources == b.subresources);
        let columns = shared(|a, b| a.columns == b.columns);
        let selectable = shared(|a, b| a.selectable == b.selectable);
        for version in &mut versions {
            version.parts.remove(schema, subresources, columns, selectable);
        }
        common.remove(!schema, !subresources, !columns, !selectable);
        Self { spec, common, versions }
    }

    /// The subresources of a version, wherever they are.
    pub(super) fn subresources(&self, version: &ViewVersion<'v>) -> Option<&'v Value> {
        version.parts.subresources.or(self.common.subresources)
    }

    /// All schemas, those in common once.
    pub(super) fn schemas(&self) -> impl Iterator<Item = &'v Value> {
        let versions = self.versions.iter().filter_map(|version| version.parts.schema);
        self.common.schema.into_iter().chain(versions)
    }
}

impl<'v> Parts<'v> {
    fn of(version: &'v Value) -> Self {
        Self {
            schema: present(version, "schema").and_then(|schema| present(schema, "openAPIV3Schema")),
            subresources: present(version, "subresources"),
            columns: list(version, "additionalPrinterColumns"),
            selectable: list(version, "selectableFields"),
        }
    }

    fn remove(&mut self, schema: bool, subresources: bool, columns: bool, selectable: bool) {
        if schema {
            self.schema = None;
        }
        if subresources {
            self.subresources = None;
        }
        if columns {
            self.columns = &[];
        }
        if selectable {
            self.selectable = &[];
        }
    }
}
