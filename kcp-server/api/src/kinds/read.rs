//! Reads a table of kinds.
//!
//! ```text
//! kind Workspace workspaces short=ws | What it is.      `hidden`: in no category; `namespaced`;
//! version v1alpha1 status                              `conversion`; `not-stored`
//! column External_URL string .spec.externalURL         `_` in a header stands for a space
//! spec!            object default={}     | Meaning.    `!`: the parent requires it
//!   rule !has(oldSelf.URL) || has(self.URL)            on the field above; on its elements if it
//!    say URL cannot be unset                           is a list of objects
//! spec.jwt         object[]              | Meaning.
//! spec.jwt[].name! string pattern=path   | Meaning.    the parent's line comes first
//! ```
//!
//! Types and constraints are those of [`super::node`]. Of `metadata` nothing may be said but what
//! names are allowed, so it has no meaning of its own.

use super::{Column, Kind, Version, blocks, node};
use kcp_apimachinery::{Value, value};

/// The kinds of a group.
pub(super) fn table(group: &str, text: &str) -> Result<Vec<Kind>, String> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut reader = Reader { description: String::new(), field: Vec::new() };
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        reader
            .line(group, &mut kinds, line)
            .ok_or_else(|| format!("{group}, line {}: cannot read {line:?}", number + 1))?;
    }
    Ok(kinds)
}

struct Reader {
    /// What the current kind is.
    description: String,
    /// Where in the schema the field of the last line is, for its rules.
    field: Vec<String>,
}

impl Reader {
    fn line(&mut self, group: &str, kinds: &mut Vec<Kind>, line: &str) -> Option<()> {
        let (head, rest) = line.trim_start().split_once(' ').unwrap_or((line.trim_start(), ""));
        if head == "kind" {
            let (words, description) = rest.split_once(" | ")?;
            description.clone_into(&mut self.description);
            kinds.push(kind(group, words)?);
            return Some(());
        }
        let kind = kinds.last_mut()?;
        if head == "version" {
            kind.versions.push(version(rest, &self.description)?);
            return Some(());
        }
        let version = kind.versions.last_mut()?;
        match head {
            "column" => version.columns.push(column(rest)?),
            "rule" => rules(&mut version.schema, &self.field)?.push(value!({"rule": rest})),
            "say" => rules(&mut version.schema, &self.field)?.last_mut()?.set_at(&["message"], rest.into()),
            path => self.field = field(&mut version.schema, path, rest.trim_start())?,
        }
        Some(())
    }
}

fn kind(group: &str, words: &str) -> Option<Kind> {
    let mut words = words.split(' ');
    let mut kind = Kind {
        group: group.to_owned(),
        kind: words.next()?.to_owned(),
        plural: words.next()?.to_owned(),
        short_names: Vec::new(),
        in_category: true,
        namespaced: false,
        converted: false,
        versions: Vec::new(),
    };
    for word in words {
        match word.split_once('=') {
            Some(("short", name)) => kind.short_names.push(name.to_owned()),
            None if word == "hidden" => kind.in_category = false,
            None if word == "namespaced" => kind.namespaced = true,
            None if word == "conversion" => kind.converted = true,
            _ => return None,
        }
    }
    Some(kind)
}

fn version(words: &str, description: &str) -> Option<Version> {
    let mut words = words.split(' ');
    let mut version = Version {
        name: words.next()?.to_owned(),
        status: false,
        stored: true,
        columns: Vec::new(),
        schema: blocks::root(description),
    };
    for word in words {
        match word {
            "status" => version.status = true,
            "not-stored" => version.stored = false,
            _ => return None,
        }
    }
    Some(version)
}

fn column(words: &str) -> Option<Column> {
    let mut words = words.splitn(3, ' ');
    Some(Column {
        name: words.next()?.replace('_', " "),
        kind: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
    })
}

/// Puts a field where its path says and gives the way to what its rules are about.
fn field(schema: &mut Value, path: &str, rest: &str) -> Option<Vec<String>> {
    let (path, required) = path.strip_suffix('!').map_or((path, false), |path| (path, true));
    let (words, description) = rest.split_once('|').unwrap_or((rest, ""));
    let node = node::build(words.trim(), description.trim())?;
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut at = Vec::new();
    for part in parent.split('.').filter(|part| !part.is_empty()) {
        let name = part.trim_end_matches("[]");
        at.extend(["properties".to_owned(), name.to_owned()]);
        if part.ends_with("[]") {
            at.push("items".to_owned());
        }
    }
    let parent = walk(schema, &at)?;
    parent.get("type").filter(|kind| kind.as_str() == Some("object"))?;
    if required {
        blocks::require(parent, name);
    }
    let list_of_objects = words.trim_start().starts_with("object[]");
    parent.set_at(&["properties", name], node);
    at.extend(["properties".to_owned(), name.to_owned()]);
    if list_of_objects {
        at.push("items".to_owned());
    }
    Some(at)
}

fn rules<'s>(schema: &'s mut Value, at: &[String]) -> Option<&'s mut Vec<Value>> {
    let rules = walk(schema, at)?.as_object_mut()?.entry("x-kubernetes-validations");
    if rules.is_null() {
        *rules = Value::Array(Vec::new());
    }
    rules.as_array_mut()
}

fn walk<'s>(schema: &'s mut Value, at: &[String]) -> Option<&'s mut Value> {
    at.iter().try_fold(schema, |schema, name| schema.get_mut(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_says_nothing_is_refused() {
        for (text, line) in [
            ("version v1", 1),
            ("kind A as | a\nspec object", 2),
            ("kind A as | a\nversion v1\nspec nonsense", 3),
            ("kind A as | a\nversion v1\nspec string size=big", 3),
            ("kind A as | a\nversion v1\nspec.name string", 3),
            ("kind A as loud | a", 1),
        ] {
            let error = table("g", text).expect_err(text);
            assert!(error.starts_with(&format!("g, line {line}:")), "{error}");
        }
    }
}
