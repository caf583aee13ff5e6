use super::{Text, Val};
use crate::{
    decl::{Decl, Format, Kind},
    time::{Timestamp, parse_duration},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kcp_apimachinery::Value;

/// What nothing is declared of.
pub(crate) static ANY: Decl = Decl::any();

/// A value of the tree as its declaration says.
///
/// # Errors
/// A value that its declaration does not allow. Objects are validated before rules are evaluated, so
/// this is rare.
pub(crate) fn read<'a>(value: &'a Value, decl: &'a Decl) -> Result<Val<'a>, String> {
    let wrong = |wanted: &str| Err(format!("invalid data, expected {wanted}, got {}", go_type(value)));
    match (value, &decl.kind) {
        (Value::Null, _) if decl.nullable => Ok(Val::Null),
        (Value::Null, _) => Err("invalid data, got null for schema with nullable=false".to_owned()),
        (value, Kind::Dyn) => Ok(as_written(value)),
        (Value::Int(_) | Value::String(_), Kind::IntOrString) => Ok(as_written(value)),
        (_, Kind::IntOrString) => {
            Err("invalid data, expected XIntOrString value to be either a string or integer".to_owned())
        }
        (Value::Bool(truth), Kind::Bool) => Ok(Val::Bool(*truth)),
        (_, Kind::Bool) => wrong("bool"),
        (Value::Int(number), Kind::Int) => Ok(Val::Int(*number)),
        (_, Kind::Int) => wrong("int"),
        #[expect(clippy::cast_precision_loss, reason = "what the language does with it")]
        (Value::Int(number), Kind::Double) => Ok(Val::Double(*number as f64)),
        (Value::Float(number), Kind::Double) => Ok(Val::Double(*number)),
        (_, Kind::Double) => wrong("float"),
        (Value::String(text), Kind::String(format)) => string(text, *format),
        (_, Kind::String(_)) => wrong("string"),
        (Value::Array(_), Kind::List(..)) | (Value::Object(_), Kind::Map(_) | Kind::Object(_)) => {
            Ok(Val::Tree(value, decl))
        }
        (_, Kind::List(..)) => {
            Err("invalid data, expected an array for the provided schema with type=array".to_owned())
        }
        (_, Kind::Map(_) | Kind::Object(_)) => {
            Err("invalid data, expected a map for the provided schema with type=object".to_owned())
        }
    }
}

/// A member of an object by its name in expressions; `None` if there is none.
pub(crate) fn member<'a>(value: &'a Value, decl: &'a Decl, name: &str) -> Result<Option<Val<'a>>, String> {
    let Value::Object(members) = value else { return Ok(None) };
    match &decl.kind {
        Kind::Object(object) => {
            let Some(field) = object.field(name) else { return Ok(None) };
            match members.get(&field.name) {
                // Of an object, what is null counts as absent.
                None | Some(Value::Null) => Ok(None),
                Some(value) => read(value, &field.decl).map(Some),
            }
        }
        Kind::Map(values) => members.get(name).map(|value| read(value, values)).transpose(),
        Kind::Dyn
        | Kind::IntOrString
        | Kind::Bool
        | Kind::Int
        | Kind::Double
        | Kind::String(_)
        | Kind::List(..) => Ok(members.get(name).map(as_written)),
    }
}

fn as_written(value: &Value) -> Val<'_> {
    match value {
        Value::Null => Val::Null,
        Value::Bool(truth) => Val::Bool(*truth),
        Value::Int(number) => Val::Int(*number),
        Value::Float(number) => Val::Double(*number),
        Value::String(text) => Val::String(Text::Borrowed(text)),
        Value::Array(_) | Value::Object(_) => Val::Tree(value, &ANY),
    }
}

fn string(text: &str, format: Format) -> Result<Val<'_>, String> {
    match format {
        Format::Plain => Ok(Val::String(Text::Borrowed(text))),
        Format::Byte => STANDARD
            .decode(text)
            .map(Val::bytes)
            .map_err(|error| format!("Invalid byte formatted string {text}: {error}")),
        Format::Duration => parse_duration(text)
            .map(Val::Duration)
            .map_err(|error| format!("Invalid duration {text}: {error}")),
        Format::Date => Timestamp::parse_date(text)
            .map(Val::Timestamp)
            .ok_or_else(|| format!("Invalid date formatted string {text}")),
        Format::DateTime => Timestamp::parse(text)
            .map(Val::Timestamp)
            .map_err(|error| format!("Invalid date-time formatted string {text}: {error}")),
    }
}

/// The name that Go's JSON decoder gives a type.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
