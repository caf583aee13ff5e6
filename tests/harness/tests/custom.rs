//! Objects of a kind that a user has defined, with all that a definition may say.

use kcp_test_harness::{Kcp, Kubectl, kubectls};

const GADGETS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.io}
spec:
  group: example.io
  names: {plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList, shortNames: [gg], categories: [all, things]}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
    additionalPrinterColumns:
    - {name: Color, type: string, jsonPath: .spec.color}
    - {name: Size, type: integer, jsonPath: .spec.size, description: How big it is}
    - {name: Since, type: date, jsonPath: .metadata.creationTimestamp}
    - {name: Phase, type: string, jsonPath: .status.phase, priority: 1}
    selectableFields:
    - jsonPath: .spec.color
    schema:
      openAPIV3Schema:
        type: object
        description: A thing that does something.
        properties:
          spec:
            type: object
            required: [color]
            properties:
              color: {type: string, enum: [red, blue], description: What it looks like.}
              size: {type: integer, minimum: 1, default: 3}
              replicas: {type: integer}
              parts:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, weight: {type: integer}}}
          status:
            type: object
            properties: {phase: {type: string}, replicas: {type: integer}, selector: {type: string}}
"#;

fn gadget(name: &str, spec: &str) -> String {
    format!("apiVersion: example.io/v1\nkind: Gadget\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
}

fn defined(kcp: &Kcp) -> Kubectl {
    let team = kcp.make_workspace("root", "team");
    team.input(&["create", "-f", "-"], GADGETS).success();
    team.run(&["wait", "--for=condition=Established", "crd/gadgets.example.io", "--timeout=60s"]).success();
    team
}

#[test]
fn a_definition_gives_names_columns_and_defaults() {
    let kcp = Kcp::start();
    let team = defined(&kcp);
    team.input(&["create", "-f", "-"], &gadget("a", "color: red")).success();
    team.input(&["create", "-f", "-"], &gadget("b", "color: blue, size: 7")).success();
    for program in kubectls() {
        let kubectl = team.clone().version(&program);
        for name in ["gadgets", "gadget", "gg", "gadgets.example.io", "things", "all"] {
            assert_eq!(
                kubectl.run(&["get", name, "-o", "name"]).success(),
                "gadget.example.io/a\ngadget.example.io/b\n",
                "{name}"
            );
        }
        let table = kubectl.run(&["get", "gg"]).success();
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["NAME", "COLOR", "SIZE", "SINCE"]);
        assert_eq!(
            (rows[1][..3].to_vec(), rows[2][..3].to_vec()),
            (vec!["a", "red", "3"], vec!["b", "blue", "7"])
        );
        assert!(
            kubectl
                .run(&["get", "gg", "-o", "wide"])
                .success()
                .lines()
                .next()
                .is_some_and(|line| line.ends_with("PHASE"))
        );
        assert_eq!(
            kubectl.run(&["get", "gg", "--field-selector=spec.color=blue", "-o", "name"]).success(),
            "gadget.example.io/b\n"
        );
        let told = kubectl.run(&["explain", "gadget.spec", "--recursive"]).success();
        assert!(told.contains("color") && told.contains("parts") && told.contains("weight"), "{told}");
        assert!(kubectl.run(&["explain", "gg.spec.color"]).success().contains("What it looks like."));
    }
}

#[test]
fn a_schema_is_kept_to() {
    let kcp = Kcp::start();
    let team = defined(&kcp);
    for (spec, expected) in [
        ("color: green", r#"spec.color: Unsupported value: "green": supported values: "red", "blue""#),
        (
            "color: red, size: 0",
            "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
        ),
        ("size: 1", "spec.color: Required value"),
        (
            "color: red, size: big",
            "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
        ),
        ("color: red, parts: [{name: a}, {name: a}]", "spec.parts[1]: Duplicate value: {\"name\":\"a\"}"),
    ] {
        let told = team.input(&["create", "--validate=false", "-f", "-"], &gadget("bad", spec)).failure();
        assert!(told.contains(expected), "{spec}\n  expected {expected}\n  but was  {told}");
    }
    let told = team.input(&["create", "-f", "-"], &gadget("bad", "color: red, colour: red")).failure();
    assert!(told.contains(r#"unknown field "spec.colour""#), "{told}");
    let warned = team
        .input(&["create", "--validate=warn", "-f", "-"], &gadget("a", "color: red, colour: red"))
        .warnings();
    assert!(warned.contains(r#"Warning: unknown field "spec.colour""#), "{warned}");
    assert_eq!(team.run(&["get", "gg/a", "-o", "jsonpath={.spec.colour}"]).success(), "");
}

#[test]
fn lists_are_merged_by_their_keys() {
    let kcp = Kcp::start();
    let team = defined(&kcp);
    let apply = |manager: &str, parts: &str| {
        let manager = format!("--field-manager={manager}");
        team.input(
            &["apply", "--server-side", "-f", "-", &manager],
            &gadget("a", &format!("color: red, parts: [{parts}]")),
        )
    };
    apply("one", "{name: left, weight: 1}").success();
    apply("two", "{name: right, weight: 2}").success();
    let parts = || team.run(&["get", "gg/a", "-o", "jsonpath={.spec.parts[*].name}"]).success();
    assert_eq!(parts(), "left right");
    assert!(
        apply("two", "{name: left, weight: 5}")
            .failure()
            .contains(r#"conflict with "one": .spec.parts[name="left"].weight"#)
    );
    apply("one", "").success();
    assert_eq!(parts(), "right");
}

#[test]
fn status_and_scale_are_written_on_their_own() {
    let kcp = Kcp::start();
    let team = defined(&kcp);
    team.input(
        &["create", "-f", "-"],
        &format!("{}status: {{phase: Forged}}\n", gadget("a", "color: red, replicas: 1")),
    )
    .success();
    let read = |path: &str| team.run(&["get", "gg/a", "-o", &format!("jsonpath={{{path}}}")]).success();
    assert_eq!(read(".status.phase"), "", "status is not for whoever writes the object");
    let generation = read(".metadata.generation");
    team.run(&[
        "patch",
        "gg/a",
        "--subresource=status",
        "--type=merge",
        "-p",
        r#"{"status":{"phase":"Ready","replicas":1,"selector":"a=b"},"spec":{"color":"blue"}}"#,
    ])
    .success();
    assert_eq!(
        (read(".status.phase"), read(".spec.color"), read(".metadata.generation")),
        ("Ready".into(), "red".into(), generation)
    );
    assert_eq!(
        team.run(&["get", "gg/a", "--subresource=status", "-o", "jsonpath={.status.phase}"]).success(),
        "Ready"
    );
    team.run(&["patch", "gg/a", "--type=merge", "-p", r#"{"status":{"phase":"Forged"}}"#]).success();
    assert_eq!(read(".status.phase"), "Ready");
    team.run(&["scale", "gg/a", "--replicas=5"]).success();
    assert_eq!((read(".spec.replicas"), read(".metadata.generation")), ("5".into(), "2".into()));
    let scale = team
        .run(&[
            "get",
            "gg/a",
            "--subresource=scale",
            "-o",
            "jsonpath={.kind} {.spec.replicas} {.status.replicas} {.status.selector}",
        ])
        .success();
    assert_eq!(scale, "Scale 5 1 a=b");
    assert!(
        team.run(&["scale", "gg/a", "--replicas=2", "--current-replicas=9"])
            .failure()
            .contains("Expected replicas to be 9")
    );
    let told = team
        .run(&["patch", "gg/a", "--subresource=scale", "--type=merge", "-p", r#"{"spec":{"replicas":-1}}"#])
        .failure();
    assert!(told.contains("must be greater than or equal to 0"), "{told}");
}

#[test]
fn a_definition_takes_its_objects_along() {
    let kcp = Kcp::start();
    let team = defined(&kcp);
    team.input(&["create", "-f", "-"], &gadget("a", "color: red").replace("name: a", "generateName: g-"))
        .success();
    let named = team.run(&["get", "gg", "-o", "name"]).success();
    assert!(
        named.starts_with("gadget.example.io/g-") && named.trim().len() == "gadget.example.io/g-12345".len(),
        "{named}"
    );
    team.run(&["delete", "crd/gadgets.example.io", "--timeout=60s"]).success();
    assert!(!team.run(&["get", "gg"]).is_ok(), "nobody knows the kind any more");
    team.input(&["create", "-f", "-"], GADGETS).success();
    team.run(&["wait", "--for=condition=Established", "crd/gadgets.example.io", "--timeout=60s"]).success();
    assert_eq!(team.run(&["get", "gg", "-o", "name"]).success(), "", "they do not come back");
}

#[test]
fn many_objects_are_deleted_at_once() {
    let kcp = Kcp::with_master();
    let team = defined(&kcp);
    for (name, color) in [("a", "red"), ("b", "blue"), ("c", "red")] {
        team.input(&["create", "-f", "-"], &gadget(name, &format!("color: {color}"))).success();
    }
    team.run(&["patch", "gg/a", "--type=merge", "-p", r#"{"metadata":{"finalizers":["example.io/hold"]}}"#])
        .success();
    let path = "/clusters/root:team/apis/example.io/v1/namespaces/default/gadgets";
    let http = kcp.caller("master");
    let _ = http.send("DELETE", &format!("{path}?fieldSelector=spec.color%3Dred"), &[], "").code(200);
    assert_eq!(
        team.run(&["get", "gg", "-o", "name"]).success(),
        "gadget.example.io/a\ngadget.example.io/b\n"
    );
    team.run(&["patch", "gg/a", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]).success();
    assert_eq!(team.run(&["get", "gg", "-o", "name"]).success(), "gadget.example.io/b\n");
}
