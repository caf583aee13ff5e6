//! What names may look like: Kubernetes' rules, each with its exact messages.
//!
//! A check gives the messages of all rules that are broken; an empty list means the name is good.

/// Most characters of a DNS label, of a label value and of the name part of a label key.
pub const LABEL_MAX: usize = 63;
/// Most characters of a DNS subdomain.
pub const SUBDOMAIN_MAX: usize = 253;

const LABEL_FORMAT: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_MESSAGE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN_FORMAT: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const SUBDOMAIN_MESSAGE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const DNS1035_FORMAT: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const DNS1035_MESSAGE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const KEY_FORMAT: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_MESSAGE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const VALUE_FORMAT: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const VALUE_MESSAGE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const CONFIG_KEY_FORMAT: &str = "[-._a-zA-Z0-9]+";
const CONFIG_KEY_MESSAGE: &str =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
const EMPTY: &str = "must be non-empty";

/// What is wrong with a DNS-1123 label, the name of a namespace.
#[must_use]
pub fn dns1123_label(name: &str) -> Vec<String> {
    let mut wrong = too_long(name, LABEL_MAX);
    if !is_label(name) {
        wrong.push(if is_subdomain(name) {
            "must not contain dots".to_owned()
        } else {
            format_message(LABEL_MESSAGE, LABEL_FORMAT, &["my-name", "123-abc"])
        });
    }
    wrong
}

/// What is wrong with a DNS-1123 subdomain, the name of most objects.
#[must_use]
pub fn dns1123_subdomain(name: &str) -> Vec<String> {
    let mut wrong = too_long(name, SUBDOMAIN_MAX);
    if !is_subdomain(name) {
        wrong.push(format_message(SUBDOMAIN_MESSAGE, SUBDOMAIN_FORMAT, &["example.com"]));
    }
    wrong
}

/// What is wrong with a DNS-1035 label, the name of a service or the singular of a custom resource.
#[must_use]
pub fn dns1035_label(name: &str) -> Vec<String> {
    let mut wrong = too_long(name, LABEL_MAX);
    if !(is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase())) {
        wrong.push(format_message(DNS1035_MESSAGE, DNS1035_FORMAT, &["my-name", "abc-123"]));
    }
    wrong
}

/// What is wrong with a name that need only fit into a URL path, such as that of an RBAC role.
#[must_use]
pub fn path_segment(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    path_segment_prefix(name)
}

/// What is wrong with the beginning of a name that need only fit into a URL path.
#[must_use]
pub fn path_segment_prefix(name: &str) -> Vec<String> {
    ["/", "%"]
        .iter()
        .filter(|bad| name.contains(**bad))
        .map(|bad| format!("may not contain '{bad}'"))
        .collect()
}

/// What is wrong with a qualified name: the key of a label or annotation, a finalizer, a condition type.
#[must_use]
pub fn qualified_name(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let last = match name.split('/').collect::<Vec<_>>()[..] {
        [last] => last,
        [prefix, last] => {
            if prefix.is_empty() {
                wrong.push(format!("prefix part {EMPTY}"));
            } else {
                wrong.extend(dns1123_subdomain(prefix).into_iter().map(|one| format!("prefix part {one}")));
            }
            last
        }
        _ => {
            let message = format_message(KEY_MESSAGE, KEY_FORMAT, &["MyName", "my.name", "123-abc"]);
            return vec![format!(
                "a valid label key {message} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if last.is_empty() {
        wrong.push(format!("name part {EMPTY}"));
    }
    wrong.extend(too_many_bytes(last).into_iter().map(|one| format!("name part {one}")));
    if !is_key(last) {
        let message = format_message(KEY_MESSAGE, KEY_FORMAT, &["MyName", "my.name", "123-abc"]);
        wrong.push(format!("name part {message}"));
    }
    wrong
}

/// What is wrong with the value of a label.
#[must_use]
pub fn label_value(value: &str) -> Vec<String> {
    let mut wrong = too_many_bytes(value);
    if !(value.is_empty() || is_key(value)) {
        wrong.push(format_message(VALUE_MESSAGE, VALUE_FORMAT, &["MyValue", "my_value", "12345"]));
    }
    wrong
}

/// What is wrong with a key of a ConfigMap or Secret.
#[must_use]
pub fn config_map_key(key: &str) -> Vec<String> {
    let mut wrong = too_long(key, SUBDOMAIN_MAX);
    if key.is_empty() || !key.bytes().all(is_key_byte) {
        wrong.push(format_message(
            CONFIG_KEY_MESSAGE,
            CONFIG_KEY_FORMAT,
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    match key {
        "." | ".." => wrong.push(format!("must not be '{key}'")),
        _ if key.starts_with("..") => wrong.push("must not start with '..'".to_owned()),
        _ => {}
    }
    wrong
}

/// The rules that kinds have for their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// [`dns1123_subdomain`], the rule of most kinds and of all custom resources.
    Subdomain,
    /// [`dns1123_label`].
    Label,
    /// [`dns1035_label`].
    Dns1035Label,
    /// [`path_segment`].
    PathSegment,
}

impl Rule {
    /// What is wrong with a name under this rule.
    #[must_use]
    pub fn check(self, name: &str) -> Vec<String> {
        match self {
            Self::Subdomain => dns1123_subdomain(name),
            Self::Label => dns1123_label(name),
            Self::Dns1035Label => dns1035_label(name),
            Self::PathSegment => path_segment(name),
        }
    }

    /// What is wrong with a `generateName`, to which a suffix is still added: it may end in a dash.
    #[must_use]
    pub fn check_prefix(self, prefix: &str) -> Vec<String> {
        match self {
            Self::PathSegment => path_segment_prefix(prefix),
            Self::Subdomain | Self::Label | Self::Dns1035Label => self.check(&without_dash(prefix)),
        }
    }
}

/// The last two characters become one letter if the last one is a dash, as Kubernetes does it.
fn without_dash(prefix: &str) -> String {
    let mut text = prefix.to_owned();
    if text.len() > 1 && text.ends_with('-') {
        text.pop();
        text.pop();
        text.push('a');
    }
    text
}

fn too_long(name: &str, most: usize) -> Vec<String> {
    if name.len() > most { vec![format!("must be no more than {most} characters")] } else { Vec::new() }
}

/// Of keys and values of labels Kubernetes tells the limit in bytes.
fn too_many_bytes(name: &str) -> Vec<String> {
    if name.len() > LABEL_MAX { vec![format!("must be no more than {LABEL_MAX} bytes")] } else { Vec::new() }
}

/// The message of a broken pattern, with examples that would match.
#[must_use]
pub fn format_message(message: &str, format: &str, examples: &[&str]) -> String {
    let examples = examples.iter().map(|one| format!("'{one}', ")).collect::<Vec<_>>().join(" or ");
    if examples.is_empty() {
        return format!("{message} (regex used for validation is '{format}')");
    }
    format!("{message} (e.g. {examples}regex used for validation is '{format}')")
}

fn is_label(name: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    starts_and_ends(name, alphanumeric) && name.bytes().all(|byte| alphanumeric(byte) || byte == b'-')
}

fn is_subdomain(name: &str) -> bool {
    name.split('.').all(is_label)
}

fn is_key(name: &str) -> bool {
    starts_and_ends(name, |byte| byte.is_ascii_alphanumeric()) && name.bytes().all(is_key_byte)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn starts_and_ends(name: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(|first| allowed(*first)) && bytes.last().is_some_and(|last| allowed(*last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(wrong: Vec<String>, expected: Expect) {
        expected.assert_eq(&wrong.join("\n"));
    }

    #[test]
    fn labels() {
        check(dns1123_label("a-1"), expect![""]);
        check(dns1123_label("a.b"), expect!["must not contain dots"]);
        check(
            dns1123_label("A"),
            expect![
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ],
        );
        check(dns1123_label(&"a".repeat(64)), expect!["must be no more than 63 characters"]);
        check(
            dns1035_label("1a"),
            expect![
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
            ],
        );
    }

    #[test]
    fn subdomains() {
        check(dns1123_subdomain("a.b-c.1"), expect![""]);
        check(
            dns1123_subdomain("a..b"),
            expect![
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ],
        );
        assert!(!dns1123_subdomain("").is_empty());
    }

    #[test]
    fn keys_and_values_of_labels() {
        check(qualified_name("example.com/My_name.1"), expect![""]);
        check(qualified_name("/a"), expect!["prefix part must be non-empty"]);
        check(
            qualified_name("a/"),
            expect![[r#"
            name part must be non-empty
            name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"#]],
        );
        check(
            qualified_name("a/b/c"),
            expect![
                "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ],
        );
        check(label_value(""), expect![""]);
        check(label_value(&"a".repeat(64)), expect!["must be no more than 63 bytes"]);
        check(qualified_name(&"a".repeat(64)), expect!["name part must be no more than 63 bytes"]);
        check(
            label_value("-"),
            expect![
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            ],
        );
    }

    #[test]
    fn other_names() {
        check(path_segment("system:admin"), expect![""]);
        check(path_segment(".."), expect!["may not be '..'"]);
        check(
            path_segment("a/b%"),
            expect![[r#"
            may not contain '/'
            may not contain '%'"#]],
        );
        check(config_map_key("..a"), expect!["must not start with '..'"]);
        check(Rule::Subdomain.check_prefix("a-"), expect![""]);
        assert!(!Rule::Label.check("a-").is_empty());
    }
}
