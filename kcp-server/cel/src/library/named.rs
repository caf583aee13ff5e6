//! Named formats of strings: `format.dns1123Label().validate(name)`.

use super::{Op, Outcome, url};
use crate::{
    go_regex,
    run::{Fault, Meter},
    time::Timestamp,
    value::{OpaqueVal, Val},
};
use kcp_apimachinery::names;

/// A format of strings that Kubernetes knows by name.
#[derive(Debug)]
pub struct NamedFormat {
    /// Its name in expressions.
    pub name: &'static str,
    /// Length of the longest expression it may be checked with, for costs.
    pub(crate) regex_size: u64,
    check: fn(&str) -> Vec<String>,
}

const UUID: &str = r"^[a-fA-F0-9]{8}-?[a-fA-F0-9]{4}-?[a-fA-F0-9]{4}-?[a-fA-F0-9]{4}-?[a-fA-F0-9]{12}$";
const BASE64: &str = r"^(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=|[A-Za-z0-9+\/]{4})$";
/// Lengths of the expressions with which Kubernetes checks points in time, UUIDs and URLs.
const DATE_TIME_LENGTH: u64 = 71;
const UUID_LENGTH: u64 = 70;
const URL_LENGTH: u64 = 1103;
const BASE64_LENGTH: u64 = 84;

static FORMATS: [NamedFormat; 13] = [
    NamedFormat { name: "dns1123Label", regex_size: 30, check: names::dns1123_label },
    NamedFormat { name: "dns1123Subdomain", regex_size: 60, check: names::dns1123_subdomain },
    NamedFormat { name: "dns1035Label", regex_size: 30, check: names::dns1035_label },
    NamedFormat { name: "qualifiedName", regex_size: 60, check: names::qualified_name },
    NamedFormat {
        name: "dns1123LabelPrefix",
        regex_size: 30,
        check: |text| names::dns1123_label(&without_dash(text)),
    },
    NamedFormat {
        name: "dns1123SubdomainPrefix",
        regex_size: 60,
        check: |text| names::dns1123_subdomain(&without_dash(text)),
    },
    NamedFormat {
        name: "dns1035LabelPrefix",
        regex_size: 30,
        check: |text| names::dns1035_label(&without_dash(text)),
    },
    NamedFormat { name: "labelValue", regex_size: 40, check: names::label_value },
    NamedFormat { name: "uri", regex_size: URL_LENGTH, check: uri },
    NamedFormat {
        name: "uuid",
        regex_size: UUID_LENGTH,
        check: |text| unless(matches(UUID, text), "does not match the UUID format"),
    },
    NamedFormat {
        name: "byte",
        regex_size: BASE64_LENGTH,
        check: |text| unless(matches(BASE64, text), "invalid base64"),
    },
    NamedFormat {
        name: "date",
        regex_size: DATE_TIME_LENGTH,
        check: |text| unless(Timestamp::parse_date(text).is_some(), "invalid date"),
    },
    NamedFormat {
        name: "datetime",
        regex_size: DATE_TIME_LENGTH,
        check: |text| unless(Timestamp::parse(text).is_ok(), "invalid datetime"),
    },
];

pub(super) fn call<'a>(op: Op, args: &[Val<'a>], meter: &mut Meter<'_>) -> Outcome<'a> {
    match (op, args) {
        (Op::Named(name), []) => Some(Ok(value(find(name)?))),
        (Op::FormatNamed, [Val::String(name)]) => {
            Some(Ok(Val::Optional(find(name).map(|format| value(format).into()))))
        }
        (Op::FormatValidate, [Val::Opaque(format), Val::String(text)]) => match &**format {
            OpaqueVal::Format(format) => Some(validate(format, text, meter)),
            _ => None,
        },
        _ => None,
    }
}

fn find(name: &str) -> Option<&'static NamedFormat> {
    FORMATS.iter().find(|format| format.name == name)
}

fn value<'a>(format: &'static NamedFormat) -> Val<'a> {
    Val::opaque(OpaqueVal::Format(format))
}

/// What is wrong with the text; nothing if it has the format.
fn validate<'a>(format: &NamedFormat, text: &str, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    meter.work(1 + text.len() as u64)?;
    let wrong = (format.check)(text);
    if wrong.is_empty() {
        return Ok(Val::Optional(None));
    }
    Ok(Val::some(Val::list(wrong.into_iter().map(Val::text).collect())))
}

fn matches(pattern: &str, text: &str) -> bool {
    go_regex::is_match(pattern, text).unwrap_or_default()
}

fn unless(fine: bool, message: &str) -> Vec<String> {
    if fine { Vec::new() } else { vec![message.to_owned()] }
}

fn uri(text: &str) -> Vec<String> {
    match url::request(text) {
        Ok(_) => Vec::new(),
        Err(why) => vec![format!("parse {}: {why}", kcp_apimachinery::go::quote(text))],
    }
}

/// A prefix may end with a dash, for something will follow.
fn without_dash(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(before) if !before.is_empty() => format!("{before}a"),
        _ => text.to_owned(),
    }
}
