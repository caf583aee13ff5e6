//! `crds/kcp` holds what the tables say. `UPDATE_EXPECT=1` rewrites it.

use kcp_api::kinds;
use kcp_apimachinery::Map;
use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn the_files_are_what_the_tables_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds/kcp");
    let mut known = BTreeSet::new();
    for kind in kinds::all() {
        let name = format!("{}_{}.yaml", kind.group, kind.plural);
        let text = serde_saphyr::to_string(&kind.crd()).expect("YAML");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(&folder).expect("folder");
            fs::write(folder.join(&name), &text).expect("written");
        }
        let found = fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert!(found == text, "{name} differs from its table; UPDATE_EXPECT=1 rewrites it");
        known.insert(name);
    }
    let found: BTreeSet<String> = fs::read_dir(&folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
        .collect();
    assert_eq!(found, known, "one file per kind and no other");
}

/// Kubernetes refuses a schema that says more of `metadata`, even a description.
#[test]
fn metadata_is_left_to_kubernetes() {
    for kind in kinds::all() {
        for version in &kind.versions {
            let metadata = version.schema.at(&["properties", "metadata"]).expect("metadata");
            let said: Vec<_> = metadata.as_object().map(Map::keys).expect("an object").collect();
            assert!(said == ["type"] || said == ["properties", "type"], "{}", kind.kind);
        }
    }
}
