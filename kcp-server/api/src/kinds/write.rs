//! A kind as the objects that make a server serve it.

use super::{Kind, Version};
use kcp_apimachinery::{Map, Value, value};

impl Kind {
    /// `<plural>.<group>`, the name of the CRD.
    #[must_use]
    pub fn crd_name(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// The CustomResourceDefinition.
    #[must_use]
    pub fn crd(&self) -> Value {
        let versions: Value = self
            .versions
            .iter()
            .map(|version| version.write(value!({"openAPIV3Schema": (version.schema.clone())})))
            .collect();
        let mut spec = value!({
            "group": (self.group.as_str()),
            "names": (self.names()),
            "scope": (self.scope()),
            "versions": versions
        });
        if self.converted {
            spec.set_at(&["conversion", "strategy"], "None".into());
        }
        value!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": (self.crd_name())},
            "spec": spec
        })
    }

    /// The APIResourceSchema `<prefix>.<plural>.<group>`, what an APIExport refers to.
    #[must_use]
    pub fn resource_schema(&self, prefix: &str) -> Value {
        let versions: Value =
            self.versions.iter().map(|version| version.write(version.schema.clone())).collect();
        value!({
            "apiVersion": "apis.kcp.io/v1alpha1",
            "kind": "APIResourceSchema",
            "metadata": {"name": (format!("{prefix}.{}", self.crd_name()))},
            "spec": {
                "group": (self.group.as_str()),
                "names": (self.names()),
                "scope": (self.scope()),
                "versions": versions
            }
        })
    }

    fn scope(&self) -> &'static str {
        if self.namespaced { "Namespaced" } else { "Cluster" }
    }

    fn names(&self) -> Value {
        let mut names = value!({
            "kind": (self.kind.as_str()),
            "listKind": (format!("{}List", self.kind)),
            "plural": (self.plural.as_str()),
            "singular": (self.kind.to_lowercase())
        });
        if self.in_category {
            names.set_at(&["categories"], value!(["kcp"]));
        }
        if !self.short_names.is_empty() {
            names.set_at(&["shortNames"], self.short_names.iter().map(|name| name.as_str().into()).collect());
        }
        names
    }
}

impl Version {
    fn write(&self, schema: Value) -> Value {
        let mut subresources = Map::new();
        if self.status {
            subresources.insert("status", Value::object());
        }
        let mut version = value!({
            "name": (self.name.as_str()),
            "served": true,
            "storage": (self.stored),
            "schema": schema,
            "subresources": subresources
        });
        if !self.columns.is_empty() {
            let columns: Value = self
                .columns
                .iter()
                .map(|column| {
                    value!({
                        "name": (column.name.as_str()),
                        "type": (column.kind.as_str()),
                        "jsonPath": (column.path.as_str())
                    })
                })
                .collect();
            version.set_at(&["additionalPrinterColumns"], columns);
        }
        version
    }
}
