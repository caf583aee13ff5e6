use super::Dialect;
use kcp_apimachinery::{Value, value};

/// What clients can say in the query of a request, by the verb.
pub(super) fn query(verb: &str) -> &'static [&'static str] {
    match verb {
        "list" | "watch" => &LIST,
        "create" | "update" => &["dryRun", "fieldManager", "fieldValidation"],
        "patch" => &["dryRun", "fieldManager", "fieldValidation", "force"],
        "delete" => &DELETE,
        "deletecollection" => &DELETE_COLLECTION,
        _ => &[],
    }
}

const LIST: [&str; 11] = [
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "pretty",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];
const DELETE: [&str; 5] = [
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
];
const DELETE_COLLECTION: [&str; 14] = [
    "continue",
    "dryRun",
    "fieldSelector",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "labelSelector",
    "limit",
    "orphanDependents",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "pretty",
];

/// A parameter in the query.
pub(super) fn in_query(name: &str, dialect: Dialect) -> Value {
    parameter(name, "query", described(name), kind(name), dialect)
}

/// A parameter in the path.
pub(super) fn in_path(name: &str, description: &str, dialect: Dialect) -> Value {
    let mut parameter = parameter(name, "path", description, "string", dialect);
    parameter.set_at(&["required"], true.into());
    parameter
}

fn parameter(name: &str, place: &str, description: &str, kind: &str, dialect: Dialect) -> Value {
    let mut parameter = value!({"description": description, "in": place, "name": name});
    match dialect {
        Dialect::V2 => parameter.set_at(&["type"], kind.into()),
        Dialect::V3 => parameter.set_at(&["schema"], value!({"type": kind})),
    }
    parameter.set_at(&["uniqueItems"], true.into());
    if dialect == Dialect::V3 {
        parameter.remove_at(&["uniqueItems"]);
        parameter.set_at(&["schema", "uniqueItems"], true.into());
    }
    parameter
}

fn kind(name: &str) -> &'static str {
    match name {
        "allowWatchBookmarks"
        | "force"
        | "ignoreStoreReadErrorWithClusterBreakingPotential"
        | "orphanDependents"
        | "sendInitialEvents"
        | "watch" => "boolean",
        "gracePeriodSeconds" | "limit" | "timeoutSeconds" => "integer",
        _ => "string",
    }
}

fn described(name: &str) -> &'static str {
    match name {
        "allowWatchBookmarks" => "Asks for events that tell how far a watch has come.",
        "continue" => "The token of the last page, to get the next one.",
        "dryRun" => "With All, everything is done but the change is not kept.",
        "fieldManager" => "Who makes the change, for the ownership of fields.",
        "fieldSelector" => "Restricts a list by fields of its objects.",
        "fieldValidation" => "What happens to unknown or repeated fields: Ignore, Warn or Strict.",
        "force" => "Takes fields over that others own. For apply only.",
        "gracePeriodSeconds" => "Seconds until the object is deleted; 0 means at once.",
        "ignoreStoreReadErrorWithClusterBreakingPotential" => "Deletes an object that cannot be read.",
        "labelSelector" => "Restricts a list by labels of its objects.",
        "limit" => "The most objects of one page.",
        "orphanDependents" => "Superseded by propagationPolicy.",
        "pretty" => "Whether the answer is laid out for people.",
        "propagationPolicy" => "What happens to dependents: Orphan, Background or Foreground.",
        "resourceVersion" => "Which version of the collection is asked for.",
        "resourceVersionMatch" => "How resourceVersion is meant.",
        "sendInitialEvents" => "Begins a watch with the objects that exist.",
        "timeoutSeconds" => "The longest time of the call.",
        "watch" => "Asks for changes instead of the objects.",
        _ => "",
    }
}
