//! Lists page by page, watches from where a list ended, and what clients are told when that is too late.

use kcp_test_harness::{Caller, Kcp};
use serde_json::Value;
use std::collections::BTreeSet;

const MAPS: &str = "/clusters/root/api/v1/namespaces/default/configmaps";

/// A server with these ConfigMaps in root.
fn with(names: &[&str]) -> (Kcp, Caller) {
    let kcp = Kcp::with_master();
    let http = kcp.caller("master");
    let _ = http.send("DELETE", &format!("{MAPS}/kube-root-ca.crt"), &[], "");
    for name in names {
        create(&http, name, "a");
    }
    (kcp, http)
}

fn create(http: &Caller, name: &str, team: &str) {
    let body = format!(r#"{{"metadata":{{"name":"{name}","labels":{{"team":"{team}"}}}}}}"#);
    let _ = http.json("POST", MAPS, &body).code(201);
}

fn patch(http: &Caller, name: &str, body: &str) {
    let kind = [("content-type", "application/merge-patch+json")];
    let _ = http.send("PATCH", &format!("{MAPS}/{name}"), &kind, body).code(200);
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list");
    let names = items.iter().filter_map(|item| item["metadata"]["name"].as_str());
    names.filter(|name| *name != "kube-root-ca.crt").collect()
}

fn version(list: &Value) -> &str {
    list["metadata"]["resourceVersion"].as_str().expect("a resource version")
}

/// Events as `TYPE name`, without those of the bundle that every namespace has.
fn seen(http: &Caller, query: &str) -> Vec<String> {
    let answer = http.get(&format!("{MAPS}?watch=1&timeoutSeconds=2&{query}")).code(200);
    let told = answer.events().into_iter().map(|event| {
        let metadata = &event["object"]["metadata"];
        let end = if metadata["annotations"]["k8s.io/initial-events-end"] == "true" { " end" } else { "" };
        format!(
            "{} {}{end}",
            event["type"].as_str().unwrap_or_default(),
            metadata["name"].as_str().unwrap_or("-")
        )
    });
    told.filter(|event| !event.contains("kube-root-ca.crt")).collect()
}

#[test]
fn pages_show_one_moment() {
    let (_kcp, http) = with(&["a", "b", "c", "d", "e"]);
    let first = http.get(&format!("{MAPS}?limit=2")).code(200).json();
    assert_eq!(names(&first), ["a", "b"]);
    // With the bundle that the namespace has, perhaps.
    assert!(
        first["metadata"]["remainingItemCount"].as_u64().is_some_and(|count| (3..=4).contains(&count)),
        "{first}"
    );
    let _ = http.send("DELETE", &format!("{MAPS}/d"), &[], "").code(200);
    create(&http, "bb", "a");
    let mut token = first["metadata"]["continue"].as_str().expect("more").to_owned();
    let mut rest = Vec::new();
    loop {
        let page = http.get(&format!("{MAPS}?limit=2&continue={token}")).code(200).json();
        assert_eq!(version(&page), version(&first));
        rest.extend(names(&page).into_iter().map(str::to_owned));
        match page["metadata"]["continue"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(rest, ["c", "d", "e"]);
    let selected = http.get(&format!("{MAPS}?limit=1&labelSelector=team%3Da")).code(200).json();
    assert_eq!(selected["metadata"]["remainingItemCount"], Value::Null, "nobody counts what is selected");
    let then = version(&first);
    let exact =
        http.get(&format!("{MAPS}?resourceVersion={then}&resourceVersionMatch=Exact")).code(200).json();
    assert_eq!(names(&exact), ["a", "b", "c", "d", "e"]);
    let now = http
        .get(&format!("{MAPS}?resourceVersion={then}&resourceVersionMatch=NotOlderThan"))
        .code(200)
        .json();
    assert_eq!(names(&now), ["a", "b", "bb", "c", "e"]);
}

#[test]
fn a_watch_goes_on_where_a_list_ended() {
    let (_kcp, http) = with(&["a"]);
    let list = http.get(MAPS).code(200).json();
    create(&http, "b", "a");
    patch(&http, "a", r#"{"data":{"x":"1"}}"#);
    let _ = http.send("DELETE", &format!("{MAPS}/b"), &[], "").code(200);
    let from = format!("resourceVersion={}", version(&list));
    assert_eq!(seen(&http, &from), ["ADDED b", "MODIFIED a", "DELETED b"]);
    assert_eq!(seen(&http, ""), ["ADDED a"], "without a version it begins with what there is");
    assert_eq!(seen(&http, &format!("{from}&fieldSelector=metadata.name%3Da")), ["MODIFIED a"]);
    let metadata = [("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")];
    let partial =
        http.send("GET", &format!("{MAPS}?watch=1&timeoutSeconds=1&{from}"), &metadata, "").code(200);
    assert!(
        partial
            .events()
            .iter()
            .all(|event| event["object"]["kind"] == "PartialObjectMetadata"
                && event["object"]["data"].is_null())
    );
    let tables = [("accept", "application/json;as=Table;g=meta.k8s.io;v=v1")];
    let tables =
        http.send("GET", &format!("{MAPS}?watch=1&timeoutSeconds=1&{from}"), &tables, "").code(200).events();
    assert_eq!(tables[0]["object"]["kind"], "Table");
    assert!(
        tables[0]["object"]["columnDefinitions"].is_array()
            && tables[1]["object"]["columnDefinitions"].is_null()
    );
}

#[test]
fn what_leaves_a_selection_is_deleted_for_its_watchers() {
    let (_kcp, http) = with(&["a"]);
    let from = version(&http.get(MAPS).json()).to_owned();
    patch(&http, "a", r#"{"metadata":{"labels":{"team":"b"}}}"#);
    patch(&http, "a", r#"{"metadata":{"labels":{"team":"a"}}}"#);
    let _ = http.send("DELETE", &format!("{MAPS}/a"), &[], "").code(200);
    let query = |team: &str| format!("resourceVersion={from}&labelSelector=team%3D{team}");
    assert_eq!(seen(&http, &query("a")), ["DELETED a", "ADDED a", "DELETED a"]);
    assert_eq!(seen(&http, &query("b")), ["ADDED a", "DELETED a"]);
}

#[test]
fn a_streamed_list_ends_with_a_bookmark() {
    let (_kcp, http) = with(&["a", "b"]);
    let streamed = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    assert_eq!(
        seen(&http, &format!("{streamed}&allowWatchBookmarks=true")),
        ["ADDED a", "ADDED b", "BOOKMARK - end"]
    );
    assert_eq!(seen(&http, streamed), ["ADDED a", "ADDED b"], "nobody gets a bookmark who did not ask");
}

#[test]
fn questions_about_time_that_make_no_sense_are_refused() {
    let (_kcp, http) = with(&[]);
    for (query, told) in [
        ("limit=x", r#"400 BadRequest: strconv.ParseInt: parsing "x": invalid syntax"#),
        (
            "resourceVersion=x",
            r#"400 BadRequest: invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax"#,
        ),
        ("continue=x", "400 BadRequest: invalid continue token: continue key is not valid: "),
        (
            "resourceVersionMatch=Exact",
            r#"422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"#,
        ),
        (
            "resourceVersion=1&resourceVersionMatch=Some",
            r#"422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Some": supported values: "Exact", "NotOlderThan", """#,
        ),
        (
            "watch=1&sendInitialEvents=true",
            r#"422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"#,
        ),
        (
            "sendInitialEvents=true",
            r#"422 Invalid: ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"#,
        ),
        ("resourceVersion=99999999", "504 Timeout: Timeout: Too large resource version: 99999999, current: "),
        ("labelSelector=a%20in%20(b", "400 BadRequest: unable to parse requirement: "),
        (
            "fieldSelector=data.x%3D1",
            r#"400 BadRequest: "data.x" is not a known field selector: only "metadata.name", "metadata.namespace""#,
        ),
    ] {
        let answer = http.get(&format!("{MAPS}?{query}"));
        assert!(answer.told().starts_with(told), "{query}: {}", answer.told());
    }
    let cause = &http.get(&format!("{MAPS}?resourceVersion=99999999")).json()["details"]["causes"][0];
    assert_eq!(cause["reason"], "ResourceVersionTooLarge");
    // There are clients that list anew only when the watch itself says so.
    let events = http.get(&format!("{MAPS}?watch=1&resourceVersion=99999999")).code(200).events();
    assert_eq!(
        (&events[0]["type"], &events[0]["object"]["code"]),
        (&"ERROR".into(), &410.into()),
        "{events:?}"
    );
}

#[test]
fn everything_of_a_long_list_comes_once() {
    let (_kcp, http) = with(&[]);
    let made: BTreeSet<String> = (0..1200).map(|at| format!("m{at:04}")).collect();
    for name in &made {
        create(&http, name, "a");
    }
    let whole = http.get(MAPS).code(200).json();
    let found: BTreeSet<String> = names(&whole).into_iter().map(str::to_owned).collect();
    assert_eq!((found, names(&whole).len()), (made.clone(), made.len()));
    let table = [("accept", "application/json;as=Table;g=meta.k8s.io;v=v1")];
    let rows = http.send("GET", &format!("{MAPS}?labelSelector=team%3Da"), &table, "").code(200).json();
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(made.len()));
}
