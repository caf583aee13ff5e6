//! What makes no sense is refused with a clear word, and nothing has changed.

use kcp_test_harness::{Caller, Kcp};

const MAPS: &str = "/clusters/root/api/v1/namespaces/default/configmaps";
const JSON: &str = "application/json";
const YAML: &str = "application/yaml";

fn check(answer: &kcp_test_harness::Answer, what: &str, expected: &str) {
    assert!(
        answer.told().starts_with(expected),
        "{what}\n  expected {expected}\n  but was  {}",
        answer.told()
    );
}

/// The ConfigMaps there are.
fn text(http: &Caller) -> serde_json::Value {
    http.get(MAPS).code(200).json()["items"].clone()
}

#[test]
fn paths_that_mean_nothing() {
    let kcp = Kcp::with_master();
    let http = kcp.caller("master");
    let cluster =
        |text: &str| format!("400 BadRequest: invalid cluster: \"{text}\" does not match the regex");
    for (path, expected) in [
        ("/clusters/", cluster("")),
        ("/clusters//api", cluster("")),
        ("/clusters/a:b:/api", cluster("a:b:")),
        ("/clusters/Root/api", cluster("Root")),
        ("/clusters/%20/api", cluster(" ")),
        (
            "/clusters/root:missing/api/v1/configmaps",
            "404 NotFound: workspaces.tenancy.kcp.io \"root:missing\" not found".to_owned(),
        ),
        ("/clusters/root/clusters/root/clusters/root/api", "404 NotFound: ".to_owned()),
        (
            "/clusters/root/api/v1/nothings",
            "404 NotFound: the server could not find the requested resource".to_owned(),
        ),
        ("/clusters/root/api/v9/configmaps", "404 NotFound: ".to_owned()),
        ("/clusters/root/apis/nothing.io/v1/nothings", "404 NotFound: ".to_owned()),
        ("/clusters/root/api/v1/configmaps/a", "404 NotFound: ".to_owned()),
        ("/api/v1/configmaps", "404 NotFound: ".to_owned()),
    ] {
        check(&http.get(path), path, &expected);
    }
    let long = format!("{MAPS}?labelSelector={}", "a".repeat(40_000));
    assert!(http.get(&long).status.is_client_error());
    for (method, path) in [
        ("POST", format!("{MAPS}/a")),
        ("PUT", MAPS.to_owned()),
        ("PATCH", MAPS.to_owned()),
        ("DELETE", "/clusters/root/api/v1/configmaps".to_owned()),
    ] {
        check(
            &http.send(method, &path, &[("content-type", JSON)], "{}"),
            method,
            "405 MethodNotAllowed: the server does not allow this method on the requested resource",
        );
    }
}

#[test]
fn bodies_that_are_none() {
    let kcp = Kcp::with_master();
    let http = kcp.caller("master");
    let before = text(&http);
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let long = format!(r#"{{"metadata":{{"name":"big"}},"data":{{"a":"{}"}}}}"#, "x".repeat(10_000_000));
    let label = format!(r#"{{"metadata":{{"name":"a","labels":{{"a":"{}"}}}}}}"#, "x".repeat(100_000));
    let many = format!(r#"{{"metadata":{{"name":"a","annotations":{{"a":"{}"}}}}}}"#, "x".repeat(300_000));
    for (kind, body, expected) in [
        (JSON, "{\"metadata\"", "400 BadRequest: "),
        (JSON, "[]", "400 BadRequest: the body of the request must be an object"),
        (JSON, "", "400 BadRequest: "),
        (YAML, "a: b: c", "400 BadRequest: error converting YAML to JSON: "),
        (JSON, &deep, "400 BadRequest: error decoding the body: exceeded max depth"),
        (JSON, &long, "413 RequestEntityTooLarge: "),
        ("text/plain", "x", "415 UnsupportedMediaType: the body of the request was in an unknown format"),
        (
            JSON,
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}"#,
            "400 BadRequest: the kind in the data (Secret) does not match the expected kind (ConfigMap)",
        ),
        (
            JSON,
            r#"{"apiVersion":"v2","kind":"ConfigMap","metadata":{"name":"a"}}"#,
            "400 BadRequest: the API version in the data (v2) does not match",
        ),
        (
            JSON,
            r#"{"metadata":{}}"#,
            r#"422 Invalid: ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required"#,
        ),
        (
            JSON,
            r#"{"metadata":{"name":"a","namespace":"other"}}"#,
            "400 BadRequest: the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            JSON,
            r#"{"metadata":{"name":"a","resourceVersion":"1"}}"#,
            "400 BadRequest: resourceVersion should not be set on objects to be created",
        ),
        (
            JSON,
            r#"{"metadata":{"name":"A_b"}}"#,
            r#"422 Invalid: ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain"#,
        ),
        (JSON, &label, r#"422 Invalid: ConfigMap "a" is invalid: metadata.labels: Invalid value: "xxx"#),
        (
            JSON,
            &many,
            r#"422 Invalid: ConfigMap "a" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes"#,
        ),
        (
            JSON,
            r#"{"metadata":{"name":"a","finalizers":["x"]}}"#,
            r#"422 Invalid: ConfigMap "a" is invalid: metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified"#,
        ),
        (
            JSON,
            r#"{"metadata":{"name":"a"},"data":{"x":1}}"#,
            "400 BadRequest: ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
        (
            JSON,
            r#"{"metadata":{"name":"a"},"data":{"a b":"1"}}"#,
            r#"422 Invalid: ConfigMap "a" is invalid: data[a b]: Invalid value: "a b": "#,
        ),
    ] {
        let answer = http.send("POST", MAPS, &[("content-type", kind)], body);
        check(&answer, &body[..body.len().min(100)], expected);
    }
    assert_eq!(text(&http), before);
}

#[test]
fn fields_that_a_kind_does_not_have() {
    let kcp = Kcp::with_master();
    let http = kcp.caller("master");
    let send = |mode: &str, kind: &str, name: &str| {
        let body = match kind {
            JSON => format!(r#"{{"metadata":{{"name":"{name}"}},"dat":{{}},"data":{{"a":"1","a":"2"}}}}"#),
            _ => format!("metadata: {{name: {name}}}\ndat: {{}}\ndata: {{a: '1', a: '2'}}\n"),
        };
        http.send("POST", &format!("{MAPS}?fieldValidation={mode}"), &[("content-type", kind)], &body)
    };
    for (kind, short) in [(JSON, "json"), (YAML, "yaml")] {
        let strict = r#"400 BadRequest: ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a", unknown field "dat""#;
        check(&send("Strict", kind, &format!("{short}-strict")), short, strict);
        let warned = send("Warn", kind, &format!("{short}-warn")).code(201);
        assert_eq!(
            warned.warnings(),
            [r#"299 - "duplicate field \"data.a\"""#, r#"299 - "unknown field \"dat\"""#]
        );
        assert_eq!(
            (&warned.json()["data"]["a"], &warned.json()["dat"]),
            (&"2".into(), &serde_json::Value::Null)
        );
        assert!(send("Ignore", kind, &format!("{short}-ignore")).code(201).warnings().is_empty());
    }
    check(
        &send("Some", JSON, "a"),
        "Some",
        r#"422 Invalid: CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Some""#,
    );
    let dry = http.json("POST", &format!("{MAPS}?dryRun=Some"), r#"{"metadata":{"name":"a"}}"#);
    check(
        &dry,
        "dryRun",
        r#"422 Invalid: CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All""#,
    );
}

#[test]
fn changes_that_cannot_be_made() {
    let kcp = Kcp::with_master();
    let http = kcp.caller("master");
    let one = format!("{MAPS}/a");
    let created = http
        .json("POST", MAPS, r#"{"metadata":{"name":"a"},"data":{"x":"1"},"immutable":false}"#)
        .code(201)
        .json();
    let (json, merge, strategic, apply) = (
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    );
    let many = format!("[{}]", vec![r#"{"op":"test","path":"/data/x","value":"1"}"#; 10_001].join(","));
    for (kind, query, body, expected) in [
        (
            json,
            "",
            r#"[{"op":"zap","path":"/data/x"}]"#,
            "422 Invalid: the server rejected our request due to an error in our request: Unexpected kind: zap",
        ),
        (
            json,
            "",
            r#"[{"op":"add"}]"#,
            "422 Invalid: the server rejected our request due to an error in our request: add operation failed to decode path: missing value",
        ),
        (
            json,
            "",
            r#"[{"op":"test","path":"/data/x","value":"2"}]"#,
            "422 Invalid: the server rejected our request due to an error in our request: testing value /data/x failed: test failed",
        ),
        (
            json,
            "",
            &many,
            "413 RequestEntityTooLarge: Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
        ),
        (json, "", "{}", "400 BadRequest: error decoding patch: "),
        (json, "", "[", "400 BadRequest: error decoding patch: "),
        (
            json,
            "",
            r#"[{"op":"replace","path":"","value":[]}]"#,
            r#"422 Invalid:  "" is invalid: patch: Invalid value: "[]": "#,
        ),
        (merge, "", "[]", "400 BadRequest: error decoding patch: "),
        (
            merge,
            "",
            r#"{"metadata":{"name":"b"}}"#,
            "400 BadRequest: the name of the object (b) does not match the name on the URL (a)",
        ),
        (
            merge,
            "",
            r#"{"metadata":{"namespace":"b"}}"#,
            "400 BadRequest: the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            merge,
            "",
            r#"{"metadata":null}"#,
            "400 BadRequest: the name of the object (a based on URL) was undeterminable: name must be provided",
        ),
        (
            merge,
            "",
            r#"{"metadata":{"uid":"other"}}"#,
            r#"422 Invalid: ConfigMap "a" is invalid: metadata.uid: Invalid value: "other": field is immutable"#,
        ),
        (
            merge,
            "",
            r#"{"metadata":{"resourceVersion":"1"}}"#,
            r#"409 Conflict: Operation cannot be fulfilled on configmaps "a": the object has been modified"#,
        ),
        (merge, "", r#"{"data":{"x":1}}"#, r#"422 Invalid:  "" is invalid: patch: Invalid value: "#),
        (
            merge,
            "fieldValidation=Strict",
            r#"{"dat":1}"#,
            r#"422 Invalid:  "" is invalid: patch: Invalid value: "#,
        ),
        (
            merge,
            "force=true",
            "{}",
            r#"422 Invalid: PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch"#,
        ),
        (
            strategic,
            "",
            r#"{"metadata":{"name":"b"}}"#,
            "400 BadRequest: the name of the object (b) does not match the name on the URL (a)",
        ),
        (
            apply,
            "",
            "{}",
            r#"422 Invalid: PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch"#,
        ),
        (
            apply,
            "fieldManager=me&force=true",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
            "400 BadRequest: the name of the object (b) does not match the name on the URL (a)",
        ),
        (
            apply,
            "fieldManager=me",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndat: {}\n",
            "500 : failed to create typed patch object (/a; /v1, Kind=ConfigMap): .dat: field not declared in schema",
        ),
        ("application/json", "", "{}", "415 UnsupportedMediaType: "),
    ] {
        let answer = http.send("PATCH", &format!("{one}?{query}"), &[("content-type", kind)], body);
        check(&answer, &format!("{kind} {query} {}", &body[..body.len().min(100)]), expected);
    }
    for (body, expected) in [
        (r#"{"metadata":{"name":"a","resourceVersion":"1"}}"#, "409 Conflict: "),
        (
            r#"{"metadata":{"name":"a","uid":"other"}}"#,
            r#"409 Conflict: Operation cannot be fulfilled on configmaps "a": Precondition failed: UID in precondition: other, UID in object meta: "#,
        ),
        (
            r#"{"metadata":{"name":"b"}}"#,
            "400 BadRequest: the name of the object (b) does not match the name on the URL (a)",
        ),
        (
            r#"{"metadata":{}}"#,
            "400 BadRequest: the name of the object (a based on URL) was undeterminable: name must be provided",
        ),
    ] {
        check(&http.json("PUT", &one, body), body, expected);
    }
    for (body, expected) in [
        (
            r#"{"preconditions":{"uid":"other"}}"#,
            r#"409 Conflict: Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not match"#,
        ),
        (
            r#"{"preconditions":{"resourceVersion":"1"}}"#,
            r#"409 Conflict: Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (1) does not match"#,
        ),
        (
            r#"{"propagationPolicy":"Some"}"#,
            r#"422 Invalid: DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Some""#,
        ),
        (r#"{"dryRun":["Some"]}"#, r#"422 Invalid: DeleteOptions.meta.k8s.io "" is invalid: dryRun: "#),
        (
            r#"{"kind":"ConfigMap","apiVersion":"v1"}"#,
            "400 BadRequest: no kind \"ConfigMap\" is registered for version \"v1\"",
        ),
    ] {
        check(&http.json("DELETE", &one, body), body, expected);
    }
    let after = http.get(&one).code(200).json();
    assert_eq!(after, created, "nothing of it was done");
    // And what can: no version means whatever there is.
    let _ =
        http.json("PUT", &one, r#"{"metadata":{"name":"a"},"data":{"x":"2"},"immutable":true}"#).code(200);
    check(
        &http.json("PUT", &one, r#"{"metadata":{"name":"a"},"data":{"x":"3"},"immutable":true}"#),
        "immutable",
        r#"422 Invalid: ConfigMap "a" is invalid: data: Forbidden: field is immutable when `immutable` is set"#,
    );
}

/// NAMES, VERSIONS and SCHEMA are replaced.
const DEFINITION: &str = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.example.io"},
  "spec":{"group":"example.io","scope":"Namespaced","names":NAMES,"versions":VERSIONS}}"#;
const NAMES: &str = r#"{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList"}"#;
const VERSION: &str = r#"{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":SCHEMA}}"#;

#[test]
fn definitions_that_define_nothing() {
    let kcp = Kcp::with_master();
    let http = kcp.caller("master");
    let path = "/clusters/root/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let make = |names: &str, versions: &str| {
        http.json("POST", path, &DEFINITION.replace("NAMES", names).replace("VERSIONS", versions))
    };
    let schema = |schema: &str| format!("[{}]", VERSION.replace("SCHEMA", schema));
    let one = VERSION.replace("SCHEMA", r#"{"type":"object"}"#);
    for (versions, expected) in [
        (
            schema(r#"{"properties":{}}"#),
            "spec.validation.openAPIV3Schema.type: Required value: must not be empty at the root",
        ),
        (
            schema(r#"{"type":"object","properties":{"a":{}}}"#),
            "properties[a].type: Required value: must not be empty for specified object fields",
        ),
        (
            schema(r#"{"type":"object","properties":{"a":{"type":"string","pattern":"["}}}"#),
            "pattern: Invalid value: \"[\": ",
        ),
        (
            schema(r#"{"type":"object","properties":{"a":{"type":"integer","default":"x"}}}"#),
            "default: Invalid value: ",
        ),
        (schema(r#"{"type":"object","$ref":"x"}"#), "$ref: Forbidden"),
        (
            format!("[{}]", one.replace(r#""storage":true"#, r#""storage":false"#)),
            "must have exactly one version marked as storage version",
        ),
        (
            format!("[{one},{}]", one.replace("v1", "v2")),
            "must have exactly one version marked as storage version",
        ),
        (
            format!("[{one},{}]", one.replace(r#""storage":true"#, r#""storage":false"#)),
            "must contain unique version names",
        ),
        (
            format!("[{}]", one.replace(r#""schema""#, r#""subresources":{"scale":{}},"schema""#)),
            "specReplicasPath: Required value",
        ),
        ("[]".to_owned(), "spec.versions: Invalid value"),
    ] {
        let answer = make(NAMES, &versions);
        assert!(
            answer.status == 422 && answer.told().contains(expected),
            "{versions}\n  expected {expected}\n  but was  {}",
            answer.told()
        );
    }
    for (names, expected) in [
        (
            NAMES.replace("\"widgets\"", "\"gadgets\""),
            "metadata.name: Invalid value: \"widgets.example.io\": must be spec.names.plural+\".\"+spec.group",
        ),
        (NAMES.replace("\"Widget\"", "\"W_\""), "spec.names.kind: Invalid value: "),
        (NAMES.replace("\"widget\"", "\"Wid get\""), "spec.names.singular: Invalid value: "),
    ] {
        let answer = make(&names, &format!("[{one}]"));
        assert!(
            answer.status == 422 && answer.told().contains(expected),
            "{names}\n  expected {expected}\n  but was  {}",
            answer.told()
        );
    }
    let _ = make(NAMES, &format!("[{one}]")).code(201);
}
