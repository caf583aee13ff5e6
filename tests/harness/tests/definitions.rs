//! CustomResourceDefinitions, as a user with kubectl meets them.

use kcp_test_harness::Kcp;

/// FIELD is the only one that `spec` may have.
const WIDGETS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.io}
spec:
  group: example.io
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {FIELD: {type: integer}}}}}}
"#;

#[test]
fn a_definition_in_one_workspace_is_unknown_in_the_next() {
    let kcp = Kcp::start();
    let (red, blue) = (kcp.make_workspace("root", "red"), kcp.make_workspace("root", "blue"));
    red.input(&["create", "-f", "-"], &WIDGETS.replace("FIELD", "size")).success();
    red.run(&["wait", "--for=condition=Established", "crd/widgets.example.io", "--timeout=60s"]).success();
    let widget = |field: &str| {
        format!("apiVersion: example.io/v1\nkind: Widget\nmetadata: {{name: a}}\nspec: {{{field}: 1}}\n")
    };
    red.input(&["create", "-f", "-"], &widget("size")).success();
    assert!(blue.run(&["get", "widgets"]).failure().contains("the server doesn't have a resource type"));
    blue.input(&["create", "-f", "-"], &WIDGETS.replace("FIELD", "color")).success();
    blue.run(&["wait", "--for=condition=Established", "crd/widgets.example.io", "--timeout=60s"]).success();
    blue.input(&["create", "-f", "-"], &widget("color")).success();
    assert!(
        blue.input(&["create", "-f", "-"], &widget("size").replace("name: a", "name: b"))
            .failure()
            .contains("size")
    );
    assert_eq!(red.run(&["get", "widgets", "-o", "name"]).success(), "widget.example.io/a\n");
}

#[test]
fn what_is_not_checked_is_warned_of() {
    let kcp = Kcp::start();
    let plain = WIDGETS.replace("FIELD", "size");
    assert_eq!(kcp.admin().input(&["apply", "-f", "-"], &plain).warnings(), "");
    let ruled = plain.replace(
        "{type: integer}",
        "{type: integer, format: int7, x-kubernetes-validations: [{rule: self > 0}]}",
    );
    let told = kcp.admin().input(&["apply", "-f", "-"], &ruled).warnings();
    assert!(told.contains(r#"Warning: unrecognized format "int7""#), "{told}");
    assert!(told.contains("Warning: x-kubernetes-validations are stored but not enforced"), "{told}");
    // Of an update only what is new is told.
    let again = kcp
        .admin()
        .input(
            &["apply", "-f", "-"],
            &ruled.replace("{name: widgets.example.io}", "{name: widgets.example.io, labels: {a: b}}"),
        )
        .warnings();
    assert!(!again.contains("unrecognized format"), "{again}");
}
