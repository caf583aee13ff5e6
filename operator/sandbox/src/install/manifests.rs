//! Reading manifests: files, directories, several documents in one file, lists.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use kube::core::DynamicObject;
use serde_json::Value;

/// Files larger than this are refused.
const LIMIT: u64 = 16 << 20;
/// Lists in lists end here.
const DEPTH: usize = 4;

/// All objects of a file, or of a directory's `.yaml`, `.yml` and `.json` files in the order of their names.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<DynamicObject>> {
    if !path.is_dir() {
        return read_file(path);
    }
    let entries = fs::read_dir(path).with_context(|| path.display().to_string())?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let manifest = |file: &&std::path::PathBuf| {
        let extension = file.extension().and_then(|extension| extension.to_str());
        let kustomization = file.file_stem().is_some_and(|stem| stem == "kustomization");
        file.is_file() && matches!(extension, Some("yaml" | "yml" | "json")) && !kustomization
    };
    let mut objects = Vec::new();
    for file in files.iter().filter(manifest) {
        objects.extend(read_file(file)?);
    }
    if objects.is_empty() {
        bail!("{}: no manifests", path.display());
    }
    Ok(objects)
}

fn read_file(path: &Path) -> anyhow::Result<Vec<DynamicObject>> {
    let told = || path.display().to_string();
    if fs::metadata(path).with_context(told)?.len() > LIMIT {
        bail!("{}: larger than {LIMIT} bytes", path.display());
    }
    parse(&fs::read_to_string(path).with_context(told)?).with_context(told)
}

/// All objects of a text.
pub(super) fn parse(text: &str) -> anyhow::Result<Vec<DynamicObject>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text)?;
    let mut objects = Vec::new();
    for document in documents.into_iter().filter(|document| !document.is_null()) {
        flatten(document, DEPTH, &mut objects)?;
    }
    Ok(objects)
}

fn flatten(document: Value, depth: usize, into: &mut Vec<DynamicObject>) -> anyhow::Result<()> {
    let is_list = document["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match document.get("items").and_then(Value::as_array) {
        Some(items) if is_list && depth > 0 => {
            items.iter().try_for_each(|item| flatten(item.clone(), depth - 1, into))
        }
        _ => {
            let object: DynamicObject =
                serde_json::from_value(document).context("not a Kubernetes object")?;
            if object.types.is_none() {
                bail!("an object without apiVersion and kind");
            }
            if object.metadata.name.is_none() {
                bail!("an object without a name");
            }
            into.push(object);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        match parse(text) {
            Ok(objects) => objects.into_iter().filter_map(|o| o.metadata.name).collect::<Vec<_>>().join(" "),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn a_text_may_hold_several_documents_and_lists() {
        let one = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
        assert_eq!(check(&format!("# nothing\n---\n{}---\n{}---\n", one("a"), one("b"))), "a b");
        let list =
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: s}}\n";
        assert_eq!(check(list), "s");
        assert_eq!(check("metadata: {name: x}"), "an object without apiVersion and kind");
        assert_eq!(check("apiVersion: v1\nkind: Pod\nmetadata: {}"), "an object without a name");
        assert!(check("a: [").contains("line 1"), "{}", check("a: ["));
    }

    #[test]
    fn a_directory_is_read_in_the_order_of_its_names() {
        let directory = tempfile::tempdir().unwrap();
        for (file, name) in [("2.yaml", "b"), ("1.json", "a"), ("kustomization.yaml", "k"), ("x.txt", "x")] {
            let text = format!("{{apiVersion: v1, kind: Secret, metadata: {{name: {name}}}}}");
            fs::write(
                directory.path().join(file),
                text.replace(
                    "apiVersion: v1, kind: Secret, metadata: {name: a}",
                    r#""apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}"#,
                ),
            )
            .unwrap();
        }
        let names: Vec<_> =
            read(directory.path()).unwrap().into_iter().filter_map(|o| o.metadata.name).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
