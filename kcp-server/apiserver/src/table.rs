//! Tables: objects as rows, for `kubectl get`.

use crate::clock;
use kcp_apimachinery::{Map, Value, jsonpath::JsonPath, partial, time};
use kcp_registry::{Column, Resource, Version};

/// The rows of objects. `include` is the query's `includeObject`: `None`, `Metadata` (default), `Object`.
pub(crate) fn rows(_resource: &Resource, version: &Version, objects: &[Value], include: &str) -> Vec<Value> {
    let paths: Vec<Option<JsonPath>> = version
        .columns
        .iter()
        .map(|column| JsonPath::parse(&column.json_path).ok().filter(|_| column.function.is_none()))
        .collect();
    objects
        .iter()
        .map(|object| {
            let columns = version.columns.iter().zip(&paths);
            let cells: Vec<Value> = columns
                .map(|(column, path)| match (column.function, path) {
                    (Some(function), _) => function.cell(object, clock::now()),
                    (None, Some(path)) => cell(column, path, object),
                    (None, None) => Value::Null,
                })
                .collect();
            let mut row = Map::new();
            row.insert("cells", cells);
            match include {
                "None" => {
                    row.insert("object", Value::Null);
                }
                "Object" => {
                    row.insert("object", object.clone());
                }
                _ => {
                    row.insert("object", partial::of(object));
                }
            }
            Value::Object(row)
        })
        .collect()
}

/// A table of rows.
pub(crate) fn of(
    _resource: &Resource,
    version: &Version,
    table_version: &str,
    rows: Vec<Value>,
    resource_version: &str,
    next: &str,
) -> Value {
    let columns =
        version.columns.iter().map(|c| definition(&c.name, &c.kind, &c.format, &c.description, c.priority));
    let mut metadata = Map::new();
    metadata.insert("resourceVersion", resource_version);
    if !next.is_empty() {
        metadata.insert("continue", next);
    }
    kcp_apimachinery::value!({
        "kind": "Table", "apiVersion": (format!("meta.k8s.io/{table_version}")), "metadata": (Value::Object(metadata)),
        "columnDefinitions": (columns.collect::<Value>()),
        "rows": (rows),
    })
}

fn definition(name: &str, kind: &str, format: &str, description: &str, priority: i32) -> Value {
    kcp_apimachinery::value!({
        "name": (name), "type": (kind), "format": (format), "description": (description), "priority": (i64::from(priority)),
    })
}

/// One cell. Dates are ages; what is not of the column's type is left out, as Kubernetes does.
fn cell(column: &Column, path: &JsonPath, object: &Value) -> Value {
    let Ok(found) = path.find(object) else { return Value::Null };
    let Some(first) = found.first() else { return Value::Null };
    match (column.kind.as_str(), &**first) {
        ("date", Value::String(text)) => match time::Time::parse(text) {
            Ok(at) => time::human(clock::now().since(at)).into(),
            Err(_) => "<invalid>".into(),
        },
        ("date", _) => "<unknown>".into(),
        ("integer", Value::Int(_))
        | ("number", Value::Int(_) | Value::Float(_))
        | ("boolean", Value::Bool(_)) => first.clone().into_owned(),
        ("integer" | "number" | "boolean", _) => Value::Null,
        (_, Value::String(text)) => text.to_string().into(),
        (_, Value::Int(number)) => number.to_string().into(),
        (_, Value::Bool(truth)) => truth.to_string().into(),
        (_, Value::Null) => Value::Null,
        (_, other) => String::from_utf8_lossy(&kcp_apimachinery::value::encode(other)).into_owned().into(),
    }
}
