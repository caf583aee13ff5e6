use super::{source::text, version::Rules};
use crate::node::{Node, Type};
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
};

/// Most fields of a version that lists can be filtered by.
const MAX: usize = 8;

pub(super) fn validate(fields: &[Value], root: &Node, rules: Rules, at: &Path<'_>, errors: &mut Vec<Error>) {
    let mut seen: Vec<Vec<String>> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let (at, path) = (at.index(index), text(field, "jsonPath"));
        let at = at.child("jsonPath");
        if path.is_empty() {
            errors.push(Error::required(&at, ""));
            continue;
        }
        let (steps, node) = match find(path, root, false) {
            Ok(found) => found,
            Err(why) => {
                errors.push(Error::invalid(&at, path, format!("is an invalid path: {why}")));
                continue;
            }
        };
        if steps.first().is_some_and(|first| first == "metadata") {
            errors.push(Error::invalid(&at, path, "must not point to fields in metadata"));
        }
        if !matches!(node.kind, Type::String | Type::Boolean | Type::Integer) {
            let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            errors.push(Error::invalid(&at, path, detail));
        }
        if seen.contains(&steps) {
            errors.push(Error::duplicate(&at, path));
        } else {
            seen.push(steps);
        }
    }
    if seen.len() > MAX && !rules.many_selectable {
        errors.push(Error::too_many(at, seen.len(), MAX));
    }
}

/// Follows a path of members such as `.spec.map['key']` through a schema; gives its steps and the node at its end.
pub(super) fn find<'n>(path: &str, root: &'n Node, arrays: bool) -> Result<(Vec<String>, &'n Node), String> {
    let (mut rest, mut node, mut steps) = (path, root, Vec::new());
    while !rest.is_empty() {
        let (step, after) = if let Some(after) = rest.strip_prefix('.') {
            if after.is_empty() {
                return Err("unexpected end of JSON path".into());
            }
            let end = after[1..].find(['.', '[', ']']).map_or(after.len(), |end| end + 1);
            (after[..end].to_owned(), &after[end..])
        } else if let Some(after) = rest.strip_prefix('[') {
            if !arrays {
                return Err("array notation is not allowed".into());
            }
            quoted(after)?
        } else {
            let end = rest.find(['.', '[', ']']).unwrap_or(rest.len()).max(1);
            return Err(format!("expected [ or . but got: {}", rest.get(..end).unwrap_or(rest)));
        };
        let found = if node.properties.is_empty() {
            node.additional.node()
        } else {
            node.property(&step).map(|property| property.node.node())
        };
        node = found.ok_or("does not refer to a valid field")?;
        steps.push(step);
        rest = after;
    }
    Ok((steps, node))
}

/// The rest of `['name']` after the bracket.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let end = "unexpected end of JSON path";
    if text.is_empty() {
        return Err(end.into());
    }
    let Some(inner) = text.strip_prefix('\'') else {
        let stop = text.find(['.', '[', ']']).unwrap_or(text.len()).max(1);
        return Err(format!("expected single quoted string but got {}", text.get(..stop).unwrap_or(text)));
    };
    let mut name = String::new();
    let mut characters = inner.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\'' => {
                let after = &inner[at + 1..];
                return match after.strip_prefix(']') {
                    Some(after) => Ok((name, after)),
                    None if after.is_empty() => Err(end.into()),
                    None => Err(format!("expected ] but got {}", after.chars().next().unwrap_or_default())),
                };
            }
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            c => name.push(c),
        }
    }
    Err(format!("expected single quoted string but got {text}"))
}
