//! Tables, `meta.k8s.io/v1`: what `kubectl get` shows.
//!
//! [`Columns`] are made once per kind; they turn an object into a row. The first column is the name;
//! the others are paths into the object, as custom resources define them, or functions of it.

use crate::{
    Map, Value,
    jsonpath::{self, JsonPath, JsonPathError},
    partial,
    time::{Time, human},
};

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const CREATION_TIMESTAMP: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// A column: its definition and where its cells come from.
#[derive(Clone, Debug)]
pub struct Column {
    name: Box<str>,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    kind: Box<str>,
    format: Box<str>,
    description: Box<str>,
    priority: i64,
    cells: Cells,
}

#[derive(Clone, Debug)]
enum Cells {
    Path(JsonPath),
    Function(fn(&Value, Time) -> Value),
}

/// The columns of a kind.
#[derive(Clone, Debug)]
pub struct Columns {
    columns: Vec<Column>,
    definitions: Value,
}

/// What a row carries of its object, the query parameter `includeObject`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    /// Nothing.
    None,
    /// Its metadata.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

impl IncludeObject {
    /// Reads the query parameter; empty is the default. `None` if it is none of the three.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "Metadata" => Some(Self::Metadata),
            "None" => Some(Self::None),
            "Object" => Some(Self::Object),
            _ => None,
        }
    }
}

impl Column {
    /// A column whose cells are what a path leads to, as `additionalPrinterColumns` have it.
    ///
    /// # Errors
    /// A path that cannot be read.
    pub fn path(name: &str, kind: &str, path: &str) -> Result<Self, JsonPathError> {
        let cells = Cells::Path(JsonPath::parse(path)?);
        let description = format!("Custom resource definition column (in JSONPath format): {path}");
        Ok(Self {
            name: name.into(),
            kind: kind.into(),
            format: "".into(),
            description: description.into(),
            priority: 0,
            cells,
        })
    }

    /// A column whose cells are computed from the object and the present time.
    #[must_use]
    pub fn computed(name: &str, kind: &str, cell: fn(&Value, Time) -> Value) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            format: "".into(),
            description: "".into(),
            priority: 0,
            cells: Cells::Function(cell),
        }
    }

    /// The age of the object.
    #[must_use]
    pub fn age() -> Self {
        let age = |object: &Value, now| age_of(object, now).into();
        Self::computed("Age", "date", age).described(CREATION_TIMESTAMP)
    }

    /// With a description; an empty one changes nothing.
    #[must_use]
    pub fn described(mut self, description: &str) -> Self {
        if !description.is_empty() {
            self.description = description.into();
        }
        self
    }

    /// With a format, such as `date-time`.
    #[must_use]
    pub fn formatted(self, format: &str) -> Self {
        Self { format: format.into(), ..self }
    }

    /// With a priority; columns above 0 are shown in wide output only.
    #[must_use]
    pub fn priority(self, priority: i64) -> Self {
        Self { priority, ..self }
    }

    fn definition(&self) -> Value {
        let mut map = Map::new();
        map.insert("name", &*self.name);
        map.insert("type", &*self.kind);
        map.insert("format", &*self.format);
        map.insert("description", &*self.description);
        map.insert("priority", self.priority);
        Value::Object(map)
    }

    fn cell(&self, object: &Value, now: Time) -> Value {
        match &self.cells {
            Cells::Function(cell) => cell(object, now),
            // Of several values the first is shown, and what cannot be followed shows nothing.
            Cells::Path(path) => match path.find(object).ok().and_then(|found| found.into_iter().next()) {
                Some(value) => show(&self.kind, &value, now),
                None => Value::Null,
            },
        }
    }
}

impl Columns {
    /// The name and these columns.
    #[must_use]
    pub fn new(mut others: Vec<Column>) -> Self {
        let name = |object: &Value, _| Value::from(object.meta().name().unwrap_or_default());
        let name = Column::computed("Name", "string", name).formatted("name").described(NAME);
        others.insert(0, name);
        let definitions = others.iter().map(Column::definition).collect();
        Self { columns: others, definitions }
    }

    /// Name and age, for kinds that define no columns.
    #[must_use]
    pub fn name_and_age() -> Self {
        Self::new(vec![Column::age()])
    }

    /// The list of column definitions.
    #[must_use]
    pub fn definitions(&self) -> &Value {
        &self.definitions
    }

    /// The row of an object.
    #[must_use]
    pub fn row(&self, object: Value, include: IncludeObject, now: Time) -> Value {
        let cells: Value = self.columns.iter().map(|column| column.cell(&object, now)).collect();
        let object = match include {
            IncludeObject::None => Value::Null,
            IncludeObject::Metadata => partial::into_partial(object),
            IncludeObject::Object => object,
        };
        let mut row = Map::new();
        row.insert("cells", cells);
        row.insert("object", object);
        Value::Object(row)
    }

    /// A table of rows. Its metadata is that of the list or object it shows; without headers, as in
    /// all but the first event of a watch, it has no column definitions.
    #[must_use]
    pub fn table(&self, metadata: Value, rows: Vec<Value>, headers: bool) -> Value {
        let mut table = Map::new();
        table.insert("apiVersion", "meta.k8s.io/v1");
        table.insert("columnDefinitions", if headers { self.definitions.clone() } else { Value::Null });
        table.insert("kind", "Table");
        table.insert("metadata", metadata);
        table.insert("rows", rows);
        Value::Object(table)
    }
}

/// The age of an object in human form, `<unknown>` if it has no creation timestamp.
#[must_use]
pub fn age_of(object: &Value, now: Time) -> String {
    match object.meta().creation_timestamp() {
        Some(created) => human(now.since(created)),
        None => "<unknown>".to_owned(),
    }
}

/// A value in a cell of this type; null if it does not fit.
fn show(kind: &str, value: &Value, now: Time) -> Value {
    match (kind, value) {
        ("string", value) => jsonpath::print(value).into(),
        ("integer", Value::Int(number)) => Value::Int(*number),
        ("integer", Value::Float(number)) => Value::Int(*number as i64),
        ("number", Value::Int(number)) => Value::Float(*number as f64),
        ("number", Value::Float(number)) => Value::Float(*number),
        ("boolean", Value::Bool(truth)) => Value::Bool(*truth),
        ("date", Value::String(text)) if text.is_empty() || **text == *"null" => "<unknown>".into(),
        ("date", Value::String(text)) => match Time::parse(text) {
            Ok(at) => human(now.since(at)).into(),
            Err(_) => "<invalid>".into(),
        },
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    fn now() -> Time {
        Time::parse("2026-01-06T03:00:00Z").expect("a time")
    }

    fn check(kind: &str, path: &str, cell: &Value) {
        let object = value!({"spec": {"n": 1_i64, "f": 2.5, "b": true, "s": "x<", "l": ["a<"], "null": null,
            "t": "2026-01-01T00:00:00Z"}});
        let column = Column::path("C", kind, path).expect("a path");
        assert_eq!(&column.cell(&object, now()), cell, "{kind} {path}");
    }

    #[test]
    fn cells() {
        check("string", ".spec.n", &"1".into());
        check("string", ".spec.s", &"x<".into());
        check("string", ".spec.l", &"[\"a\\u003c\"]".into());
        check("string", ".spec.l[*]", &"a<".into());
        check("string", ".spec.null", &"<no value>".into());
        check("string", ".spec.missing", &Value::Null);
        check("integer", ".spec.f", &Value::Int(2));
        check("integer", ".spec.s", &Value::Null);
        check("number", ".spec.n", &Value::Float(1.0));
        check("boolean", ".spec.b", &Value::Bool(true));
        check("date", ".spec.t", &"5d3h".into());
        check("date", ".spec.s", &"<invalid>".into());
        check("date", ".spec.l[7]", &Value::Null);
    }

    #[test]
    fn tables() {
        let columns = Columns::name_and_age();
        let object = value!({"kind": "A", "apiVersion": "v1",
            "metadata": {"name": "a", "creationTimestamp": "2026-01-06T02:59:00Z"}, "spec": {}});
        let row = columns.row(object.clone(), IncludeObject::Metadata, now());
        assert_eq!(row.get("cells"), Some(&value!(["a", "60s"])));
        assert_eq!(row.str_at(&["object", "kind"]), Some("PartialObjectMetadata"));
        assert_eq!(columns.row(object.clone(), IncludeObject::None, now()).get("object"), Some(&Value::Null));
        assert_eq!(columns.row(object.clone(), IncludeObject::Object, now()).get("object"), Some(&object));
        let table = columns.table(value!({"resourceVersion": "1"}), vec![row], true);
        assert_eq!(table.get("columnDefinitions").and_then(Value::as_array).map(<[Value]>::len), Some(2));
        assert_eq!(
            columns.definitions().walk(&[crate::value::Step::Index(1)]).and_then(|c| c.str_at(&["type"])),
            Some("date")
        );
        assert_eq!(
            columns.table(Value::object(), Vec::new(), false).get("columnDefinitions"),
            Some(&Value::Null)
        );
        assert_eq!(IncludeObject::parse("x"), None);
        assert_eq!(age_of(&Value::Null, now()), "<unknown>");
    }
}
