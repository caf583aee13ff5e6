use super::{FOUND_MAX, JsonPathError, Operator, Slice, Step};
use crate::{Value, go};
use std::{borrow::Cow, cmp::Ordering};

/// Follows the steps from each of the values.
pub(super) fn run<'v>(
    steps: &[Step],
    mut found: Vec<Cow<'v, Value>>,
) -> Result<Vec<Cow<'v, Value>>, JsonPathError> {
    for step in steps {
        found = one(step, found)?;
        if found.len() > FOUND_MAX {
            return Err(JsonPathError(format!("more than {FOUND_MAX} values")));
        }
    }
    Ok(found)
}

fn one<'v>(step: &Step, found: Vec<Cow<'v, Value>>) -> Result<Vec<Cow<'v, Value>>, JsonPathError> {
    let mut out = Vec::new();
    match step {
        Step::Field(name) => {
            out.extend(found.into_iter().filter_map(|value| pick(value, |value| value.get(name))));
        }
        Step::Wildcard => found.into_iter().for_each(|value| children(value, &mut out)),
        Step::Recursive => {
            for value in found {
                descend(value, &mut out)?;
            }
        }
        Step::Slice(slice) => {
            for value in found.into_iter().filter(|value| !value.is_null()) {
                cut(*slice, value, &mut out)?;
            }
        }
        Step::Union(paths) => {
            for path in paths {
                out.extend(run(path, found.clone())?);
            }
        }
        Step::Filter { left, operator, right } => {
            for value in found {
                filter(left, *operator, right, value, &mut out)?;
            }
        }
        Step::Literal(literal) => out.extend(found.iter().map(|_| Cow::Owned(literal.clone()))),
    }
    Ok(out)
}

/// A part of a value, borrowed if the value is.
fn pick<'v>(
    value: Cow<'v, Value>,
    part: impl for<'a> Fn(&'a Value) -> Option<&'a Value>,
) -> Option<Cow<'v, Value>> {
    match value {
        Cow::Borrowed(value) => part(value).map(Cow::Borrowed),
        Cow::Owned(value) => part(&value).cloned().map(Cow::Owned),
    }
}

fn children<'v>(value: Cow<'v, Value>, out: &mut Vec<Cow<'v, Value>>) {
    // Only what a path leads to is borrowed, and a literal has no children.
    let Cow::Borrowed(value) = value else { return };
    match value {
        Value::Array(items) => out.extend(items.iter().map(Cow::Borrowed)),
        Value::Object(map) => out.extend(map.iter().map(|(_, member)| Cow::Borrowed(member))),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
}

/// Everything that has children, the value itself first.
fn descend<'v>(value: Cow<'v, Value>, out: &mut Vec<Cow<'v, Value>>) -> Result<(), JsonPathError> {
    if out.len() > FOUND_MAX {
        return Err(JsonPathError(format!("more than {FOUND_MAX} values")));
    }
    let mut below = Vec::new();
    children(value.clone(), &mut below);
    if !below.is_empty() {
        out.push(value);
    }
    below.into_iter().try_for_each(|child| descend(child, out))
}

fn items<'a>(value: &'a Value, what: &str) -> Result<&'a [Value], JsonPathError> {
    value.as_array().ok_or_else(|| JsonPathError(format!("{} {what}", go::type_of(value))))
}

fn cut<'v>(slice: Slice, value: Cow<'v, Value>, out: &mut Vec<Cow<'v, Value>>) -> Result<(), JsonPathError> {
    let length = items(&value, "is not array or slice")?.len();
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let from_end = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
    let start = from_end(slice.start.unwrap_or(0));
    let end = match slice.end {
        None => length,
        // The index -1 was given: behind the last one is the end.
        Some(0) if slice.end_is_derived => length,
        Some(end) => from_end(end),
    };
    if start == end {
        return Ok(());
    }
    let bounds = |index| format!("array index out of bounds: index {index}, length {length}");
    if start >= length || start < 0 {
        return Err(JsonPathError(bounds(start)));
    }
    if end > length || end < 0 {
        return Err(JsonPathError(bounds(end - 1)));
    }
    if start > end {
        return Err(JsonPathError(format!("starting index {start} is greater than ending index {end}")));
    }
    let step = slice.step.unwrap_or(1);
    let step = usize::try_from(step).ok().filter(|step| *step > 0);
    let step = step.ok_or_else(|| JsonPathError("step must be > 0".to_owned()))?;
    let (start, end) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
    let at = (start..end).step_by(step);
    out.extend(at.filter_map(|at| pick(value.clone(), |value| value.as_array()?.get(at))));
    Ok(())
}

fn filter<'v>(
    left: &[Step],
    operator: Operator,
    right: &[Step],
    value: Cow<'v, Value>,
    out: &mut Vec<Cow<'v, Value>>,
) -> Result<(), JsonPathError> {
    let count = items(&value, "is not array or slice and cannot be filtered")?.len();
    for at in 0..count {
        let Some(item) = pick(value.clone(), |value| value.as_array()?.get(at)) else { continue };
        let lefts = run(left, vec![item.clone()]);
        if operator == Operator::Exists {
            // What cannot be followed does not exist.
            if lefts.is_ok_and(|found| !found.is_empty()) {
                out.push(item);
            }
            continue;
        }
        let lefts = lefts?;
        let [left] = lefts.as_slice() else {
            at_most_one(&lefts)?;
            continue;
        };
        let rights = run(right, vec![item.clone()])?;
        let [right] = rights.as_slice() else {
            at_most_one(&rights)?;
            continue;
        };
        if compare(left, operator, right)? {
            out.push(item);
        }
    }
    Ok(())
}

fn at_most_one(found: &[Cow<'_, Value>]) -> Result<(), JsonPathError> {
    if found.len() > 1 {
        return Err(JsonPathError("can only compare one element at a time".to_owned()));
    }
    Ok(())
}

fn compare(left: &Value, operator: Operator, right: &Value) -> Result<bool, JsonPathError> {
    let order = match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => {
            return match operator {
                Operator::Equal => Ok(left == right),
                Operator::NotEqual => Ok(left != right),
                Operator::Exists
                | Operator::Less
                | Operator::LessEqual
                | Operator::Greater
                | Operator::GreaterEqual => Err(JsonPathError("invalid type for comparison".to_owned())),
            };
        }
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Null | Value::Array(_) | Value::Object(_), _)
        | (_, Value::Null | Value::Array(_) | Value::Object(_)) => {
            return Err(JsonPathError("invalid type for comparison".to_owned()));
        }
        _ => return Err(JsonPathError("incompatible types for comparison".to_owned())),
    };
    Ok(match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Exists => true,
    })
}
