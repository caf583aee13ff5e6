//! Imports go down only: the rows of crates as `docs/architecture.md` has them.

use serde_json::Value;
use std::{collections::HashMap, process::Command};

/// The rows, lowest first. A crate may use those of lower rows, and of its own row where listed in [`ASIDE`].
const ROWS: &[&[&str]] = &[
    &["kcp-names", "kcp-apimachinery"],
    &["kcp-api", "kcp-cel", "kcp-schema", "kcp-storage", "kcp-index", "kcp-authz", "kcp-pki"],
    &["kcp-watch", "kcp-transport", "kcp-storage-local"],
    &["kcp-registry", "kcp-reconcile", "kcp-authn", "kcp-operator-api"],
    &["kcp-admission", "kcp-controllers", "kcp-front-proxy", "kcp-operator-resources"],
    &["kcp-apiserver"],
    &["kcp-server", "kcp-operator"],
    &["kcp-sandbox", "kcp-test-harness", "kcp-load"],
];
/// Neighbours that use one another.
const ASIDE: &[(&str, &str)] =
    &[("kcp-apimachinery", "kcp-names"), ("kcp-schema", "kcp-cel"), ("kcp-storage", "kcp-schema")];
/// Libraries that only these crates may use.
const KEPT: &[(&str, &[&str])] = &[
    (
        "kube",
        &[
            "kcp-operator-api",
            "kcp-operator-resources",
            "kcp-operator",
            "kcp-sandbox",
            "kcp-test-harness",
            "kcp-load",
        ],
    ),
    ("fjall", &["kcp-storage-local"]),
];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .expect("cargo metadata");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn imports_go_down_only() {
    let rows: HashMap<&str, usize> =
        ROWS.iter().enumerate().flat_map(|(row, names)| names.iter().map(move |&name| (name, row))).collect();
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        let Some(&row) = rows.get(name) else {
            wrong.push(format!("{name} is in no row"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let on = dependency["name"].as_str().expect("a name");
            if dependency["kind"] == "dev" {
                continue;
            }
            if let Some(&below) = rows.get(on)
                && below >= row
                && !ASIDE.contains(&(name, on))
            {
                wrong.push(format!("{name} uses {on}, which is not below it"));
            }
            for (library, users) in KEPT {
                if on == *library && !users.contains(&name) {
                    wrong.push(format!("{name} uses {library}, which is for {users:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
