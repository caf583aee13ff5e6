use super::{
    labels::{Labels, Operator, Requirement},
    parse::InvalidLabels,
};
use crate::{
    Value,
    field::{Error, Path},
    go, meta, names,
};

pub(super) fn read(object: Option<&Value>) -> Result<Labels, InvalidLabels> {
    let Some(object) = object.filter(|object| !object.is_null()) else { return Ok(Labels::nothing()) };
    let labels = object.get("matchLabels").and_then(Value::as_object);
    let mut requirements = Vec::new();
    for (key, value) in labels.into_iter().flat_map(crate::Map::iter) {
        let values = vec![value.as_str().unwrap_or_default().into()];
        requirements.push(Requirement::new(key, Operator::Equals, values)?);
    }
    for expression in expressions(object) {
        let operator = match text(expression, "operator") {
            "In" => Operator::In,
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            other => {
                return Err(InvalidLabels(format!(
                    "{} is not a valid label selector operator",
                    go::quote(other)
                )));
            }
        };
        let values = values(expression).map(Into::into).collect();
        requirements.push(Requirement::new(text(expression, "key"), operator, values)?);
    }
    Ok(Labels::all_of(requirements))
}

/// What is wrong with a `LabelSelector` object.
#[must_use]
pub fn validate_label_selector(object: &Value, at: &Path<'_>) -> Vec<Error> {
    let labels = object.get("matchLabels").and_then(Value::as_object);
    let labels = labels.into_iter().flat_map(crate::Map::iter);
    let labels = labels.map(|(key, value)| (key, value.as_str().unwrap_or_default()));
    let mut errors = meta::validate_labels(labels, &at.child("matchLabels"));
    let path = at.child("matchExpressions");
    for (position, expression) in expressions(object).iter().enumerate() {
        validate_expression(expression, &path.index(position), &mut errors);
    }
    errors
}

fn validate_expression(expression: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    let path = at.child("values");
    let empty = values(expression).next().is_none();
    match text(expression, "operator") {
        "In" | "NotIn" if empty => {
            errors.push(Error::required(&path, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if !empty => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(Error::forbidden(&path, detail));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => {
            errors.push(Error::invalid(&at.child("operator"), other, "not a valid selector operator"));
        }
    }
    let key = text(expression, "key");
    let wrong = names::qualified_name(key);
    errors.extend(wrong.into_iter().map(|one| Error::invalid(&at.child("key"), key, one)));
    for (position, value) in values(expression).enumerate() {
        let wrong = names::label_value(value);
        errors.extend(wrong.into_iter().map(|one| Error::invalid(&path.index(position), value, one)));
    }
}

fn expressions(object: &Value) -> &[Value] {
    object.get("matchExpressions").and_then(Value::as_array).unwrap_or_default()
}

fn text<'o>(object: &'o Value, name: &str) -> &'o str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn values(expression: &Value) -> impl Iterator<Item = &str> {
    let items = expression.get("values").and_then(Value::as_array).unwrap_or_default();
    items.iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;
    use expect_test::{Expect, expect};

    fn check(object: &Value, expected: Expect) {
        let at = Path::new("selector");
        let errors = validate_label_selector(object, &at);
        expected.assert_eq(&errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn objects_are_read() {
        let object = value!({"matchLabels": {"a": "b"}, "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["d", "e"]}, {"key": "f", "operator": "DoesNotExist"}]});
        assert_eq!(read(Some(&object)).expect("a selector").to_string(), "a=b,c in (d,e),!f");
        assert_eq!(read(None), Ok(Labels::nothing()));
        assert_eq!(read(Some(&value!({}))), Ok(Labels::everything()));
        let bad = value!({"matchExpressions": [{"key": "a", "operator": "Gt"}]});
        let error = read(Some(&bad)).expect_err("no operator");
        assert_eq!(error.to_string(), "\"Gt\" is not a valid label selector operator");
    }

    #[test]
    fn objects_are_checked() {
        check(&value!({"matchLabels": {"a": "b"}}), expect![""]);
        let bad = value!({"matchExpressions": [{"key": "a", "operator": "In"},
            {"key": "a", "operator": "Exists", "values": ["x"]}, {"key": "a", "operator": "X"}]});
        check(
            &bad,
            expect![[r#"
            selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'
            selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'
            selector.matchExpressions[2].operator: Invalid value: "X": not a valid selector operator"#]],
        );
    }
}
