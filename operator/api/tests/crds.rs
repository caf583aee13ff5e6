//! `crds/operator/` holds what the types say. `UPDATE_EXPECT=1 cargo test` rewrites it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[test]
fn the_committed_definitions_are_those_of_the_types() {
    let wanted: BTreeMap<String, String> = kcp_operator_api::crds().iter().map(file).collect();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        for (name, text) in &wanted {
            std::fs::write(directory().join(name), text).unwrap();
        }
    }
    let committed: BTreeMap<String, String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .filter(|path| path.file_name().unwrap() != "kustomization.yaml")
        .map(|path| (name_of(&path), std::fs::read_to_string(&path).unwrap()))
        .collect();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&wanted));
    for (name, text) in &wanted {
        assert!(committed.get(name) == Some(text), "{name} differs: run with UPDATE_EXPECT=1");
    }
}

#[test]
fn a_definition_fits_the_annotation_of_a_client_side_apply() {
    for crd in kcp_operator_api::crds() {
        let size = crd.to_string().len();
        assert!(size < 256 * 1024, "{} takes {size} bytes", crd["metadata"]["name"]);
    }
}

fn file(crd: &serde_json::Value) -> (String, String) {
    let plural = crd["spec"]["names"]["plural"].as_str().expect("every definition names its plural");
    let group = crd["spec"]["group"].as_str().expect("every definition has a group");
    let text = serde_saphyr::to_string(crd).expect("a tree of plain values can be written");
    (format!("{group}_{plural}.yaml"), format!("# Generated from operator/api; do not edit.\n{text}"))
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds/operator")
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a file of a directory has a name").to_string_lossy().into_owned()
}
