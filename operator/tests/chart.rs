//! The chart: that its templates fit its values, without Helm; and with Helm, that what it renders is what the program
//! understands.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod manifest;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use manifest::{document, documents, options, read, root};
use serde_json::Value;

const CHART: &str = "charts/kcp-operator";

#[test]
fn every_block_of_a_template_is_ended() {
    for (name, text) in templates() {
        let mut open: Vec<String> = Vec::new();
        for action in actions(&name, &text) {
            match action.split_whitespace().next().unwrap_or_default() {
                word @ ("if" | "range" | "with" | "define") => open.push(word.to_owned()),
                "else" => assert!(!open.is_empty(), "{name}: {action} is in no block"),
                "end" => assert!(open.pop().is_some(), "{name}: an end without a beginning"),
                _ => {}
            }
        }
        assert_eq!(open, Vec::<String>::new(), "{name}: blocks without an end");
    }
}

#[test]
fn templates_use_the_values_that_there_are_and_all_of_them() {
    let values: Value = serde_saphyr::from_str(&read(&format!("{CHART}/values.yaml"))).unwrap();
    let used: BTreeSet<String> = templates().iter().flat_map(|(name, text)| uses(name, text)).collect();
    for path in &used {
        let pointer = format!("/{}", path.replace('.', "/"));
        assert!(values.pointer(&pointer).is_some(), "values.yaml has no {path}");
    }
    for path in leaves(&values, "") {
        let parts = used.iter().any(|used| path == *used || path.starts_with(&format!("{used}.")));
        assert!(parts, "{path} of values.yaml has no effect");
    }
}

#[test]
fn templates_include_only_what_is_defined() {
    let named = |word: &str| {
        let texts = templates();
        let all = texts.iter().flat_map(|(name, text)| actions(name, text));
        let found: BTreeSet<String> = all
            .flat_map(|action| {
                let after: Vec<String> =
                    action.split(&format!("{word} \"")).skip(1).map(str::to_owned).collect();
                after
            })
            .filter_map(|rest| rest.split_once('"').map(|(name, _)| name.to_owned()))
            .collect();
        found
    };
    assert_eq!(named("include"), named("define"));
}

#[test]
fn the_chart_has_the_rights_of_the_manifests() {
    let manifest = document("config/rbac/manager.yaml", "ClusterRole");
    let chart = read(&format!("{CHART}/templates/rbac.yaml"));
    let (_, rules) = chart.split_once("rules:\n").unwrap();
    let (rules, _) = rules.split_once("{{-").unwrap();
    let rules: Value = serde_saphyr::from_str(rules).unwrap();
    assert_eq!(rules, manifest["rules"]);
}

#[test]
fn the_rendered_chart_is_what_the_program_understands() {
    // Helm is a program of its own; `tests/run` says when there is none.
    let Some(text) = render(&[]) else { return };
    let all = documents(&text);
    let kinds = |kind: &str| all.iter().filter(|document| document["kind"] == kind).count();
    assert_eq!(kinds("CustomResourceDefinition"), 7);
    let deployment = all.iter().find(|document| document["kind"] == "Deployment").unwrap();
    serde_json::from_value::<k8s_openapi::api::apps::v1::Deployment>(deployment.clone()).unwrap();
    assert!(options(deployment).lease_namespace.is_some());
}

#[test]
fn the_values_of_the_chart_reach_the_program() {
    let set =
        ["leaderElection.enabled=false", "watchNamespaces={a,b}", "kcp.image=x:y", "metrics.enabled=false"];
    let Some(text) = render(&set) else { return };
    let all = documents(&text);
    let deployment = all.iter().find(|document| document["kind"] == "Deployment").unwrap();
    let options = options(deployment);
    assert_eq!(options.lease_namespace, None);
    assert_eq!(options.namespaces, ["a", "b"]);
    assert_eq!(options.images.bundled, "x:y");
    assert_eq!(options.metrics, None);
}

/// The chart as Helm renders it; `None` without Helm.
fn render(set: &[&str]) -> Option<String> {
    let helm = std::env::var_os("HELM").unwrap_or_else(|| "helm".into());
    let mut command = Command::new(helm);
    command
        .args(["template", "op", "--namespace", "ops", "--kube-version", "1.33.0"])
        .arg(root().join(CHART));
    for value in set {
        command.args(["--set", value]);
    }
    let output = command.output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn templates() -> Vec<(String, String)> {
    let directory = Path::new(CHART).join("templates");
    let entries = std::fs::read_dir(root().join(&directory)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| (name.clone(), read(directory.join(&name).to_str().unwrap()))).collect()
}

/// What is between `{{` and `}}`.
fn actions(name: &str, text: &str) -> Vec<String> {
    let inside = text.split("{{").skip(1).map(|rest| {
        let (action, after) =
            rest.split_once("}}").unwrap_or_else(|| panic!("{name}: an action without an end"));
        assert!(!action.contains('\n') && !after.contains("}}"), "{name}: {action}");
        action.trim_matches('-').trim().to_owned()
    });
    inside.collect()
}

/// The paths below `.Values` that a template names.
fn uses(name: &str, text: &str) -> Vec<String> {
    let word = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
        rest[..end].trim_end_matches('.').to_owned()
    };
    let all = actions(name, text);
    all.iter().flat_map(|action| action.split(".Values.").skip(1).map(word).collect::<Vec<_>>()).collect()
}

fn leaves(value: &Value, path: &str) -> Vec<String> {
    match value.as_object().filter(|fields| !fields.is_empty()) {
        Some(fields) => fields
            .iter()
            .flat_map(|(key, field)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(field, &path)
            })
            .collect(),
        None => vec![path.to_owned()],
    }
}
