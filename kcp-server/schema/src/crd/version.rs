use super::{
    defaults, open_api, selectable,
    source::{flag, present, text},
    structural,
    view::Parts,
};
use crate::compile::compile_leniently;
use kcp_apimachinery::{
    Value,
    field::{Error, Path},
    go,
};

/// Which rules apply. On updates some do not, if the stored definition broke them already.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    /// A version of ConversionReview must be one that servers know.
    pub(super) recognized_review_version: bool,
    /// Every version has a schema.
    pub(super) schema: bool,
    /// Types are those of OpenAPI.
    pub(super) valid_types: bool,
    /// Schemas are structural.
    pub(super) structural: bool,
    /// Defaults have no unknown fields.
    pub(super) pruned_defaults: bool,
    /// Elements of sets are atomic.
    pub(super) atomic_sets: bool,
    /// Keys of lists are always there.
    pub(super) map_keys: bool,
    /// A CA bundle may be anything.
    pub(super) any_ca_bundle: bool,
    /// There may be more selectable fields than new definitions may have.
    pub(super) many_selectable: bool,
}

impl Rules {
    pub(super) fn for_create() -> Self {
        Self {
            recognized_review_version: true,
            schema: true,
            valid_types: true,
            structural: true,
            pruned_defaults: true,
            atomic_sets: true,
            map_keys: true,
            any_ca_bundle: true,
            many_selectable: false,
        }
    }
}

/// A version of a kind, wherever it is written down.
#[derive(Clone, Copy, Debug)]
pub struct VersionParts<'v> {
    /// What has `deprecated` and `deprecationWarning`.
    pub version: &'v Value,
    /// The schema, `openAPIV3Schema` of a definition.
    pub schema: Option<&'v Value>,
    /// `subresources`
    pub subresources: Option<&'v Value>,
    /// `additionalPrinterColumns`
    pub columns: &'v [Value],
    /// `selectableFields`
    pub selectable: &'v [Value],
}

/// What is wrong with a new version, such as one of an APIResourceSchema. Errors about the schema are at
/// `schema.openAPIV3Schema` below `at`.
#[must_use]
pub fn validate_version(version: VersionParts<'_>, at: &Path<'_>) -> Vec<Error> {
    let mut errors = Vec::new();
    deprecation(version.version, at, &mut errors);
    let VersionParts { schema, subresources, columns, selectable, .. } = version;
    let status = has_status(subresources);
    let parts_of = Parts { schema, subresources, columns, selectable };
    parts(&parts_of, status, Rules::for_create(), at, "schema", &mut errors);
    errors
}

pub(super) fn has_status(subresources: Option<&Value>) -> bool {
    subresources.is_some_and(|subresources| present(subresources, "status").is_some())
}

/// What is wrong with the parts of one version, or with what all have in common. `name` is that of the
/// member that has the schema.
pub(super) fn parts(
    parts: &Parts<'_>,
    status: bool,
    rules: Rules,
    at: &Path<'_>,
    name: &str,
    errors: &mut Vec<Error>,
) {
    if let Some(source) = parts.schema {
        schema(source, status, rules, &at.child(name), errors);
    }
    if let Some(value) = parts.subresources {
        subresources(value, &at.child("subresources"), errors);
    }
    let columns_at = at.child("additionalPrinterColumns");
    for (index, value) in parts.columns.iter().enumerate() {
        column(value, &columns_at.index(index), errors);
    }
    if !parts.selectable.is_empty() {
        let at_selectable = at.child("selectableFields");
        let readable = parts.schema.map(|source| match structural::unreadable(source) {
            Some(error) => Err(error),
            None => compile_leniently(source).map_err(|error| error.to_string()),
        });
        match readable {
            None => {
                let detail = match name {
                    "validation" => "may only be set when validations.schema is included",
                    _ => "may only be set when `version.schema.openAPIV3Schema` is not included",
                };
                errors.push(Error::invalid(&at_selectable, "", detail));
            }
            Some(Err(error)) => errors.push(Error::invalid(&at.child("schema.openAPIV3Schema"), "", error)),
            Some(Ok(compiled)) => {
                selectable::validate(parts.selectable, &compiled.root, rules, &at_selectable, errors);
            }
        }
    }
}

/// `deprecationWarning`, which is sent in a header.
pub(super) fn deprecation(version: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    let Some(warning) = version.get("deprecationWarning").and_then(Value::as_str) else { return };
    let mut wrong = Vec::new();
    if !flag(version, "deprecated") {
        wrong.push("can only be set for deprecated versions".to_owned());
    } else {
        if warning.len() > 256 {
            wrong.push("must be <= 256 characters long".to_owned());
        }
        if warning.is_empty() {
            wrong.push("must not be an empty string".to_owned());
        }
        if let Some((index, _)) = warning.char_indices().find(|(_, c)| !go::is_printable(*c)) {
            let must = "must only contain printable UTF-8 characters; non-printable character found at index";
            wrong.push(format!("{must} {index}"));
        }
    }
    let at = at.child("deprecationWarning");
    errors.extend(wrong.into_iter().map(|detail| Error::invalid(&at, warning, detail)));
}

/// Keywords that may be at the root if `status` is served on its own, since only `properties.status` is used
/// for it then.
const AT_ROOT: [&str; 22] = [
    "description",
    "type",
    "format",
    "title",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "required",
    "items",
    "properties",
    "externalDocs",
    "example",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

fn schema(source: &Value, status: bool, rules: Rules, at: &Path<'_>, errors: &mut Vec<Error>) {
    let at = at.child("openAPIV3Schema");
    let before = errors.len();
    if status {
        root_keywords(source, &at, errors);
    }
    if flag(source, "nullable") {
        errors.push(Error::forbidden(&at.child("nullable"), "nullable cannot be true at the root"));
    }
    let mut unusable = None;
    if rules.structural {
        match (structural::unreadable(source), structural::violations(source, &at)) {
            (Some(error), _) => unusable = Some(error),
            (None, violations) if !violations.is_empty() => errors.extend(violations),
            (None, _) => match compile_leniently(source) {
                Ok(compiled) => defaults::validate(&compiled.root, rules, &at, errors),
                Err(error) => unusable = Some(error.to_string()),
            },
        }
    }
    open_api::validate(source, rules, &at, errors);
    if let Some(error) = unusable.filter(|_| errors.len() == before) {
        errors.push(Error::invalid(&at, "", error));
    }
}

fn root_keywords(source: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    let kind = text(source, "type");
    if !kind.is_empty() && kind != "object" {
        let detail = r#"only "object" is allowed as the type at the root of the schema if the status subresource is enabled"#;
        errors.push(Error::invalid(&at.child("type"), kind, detail));
        return;
    }
    let keywords = source.as_object().into_iter().flat_map(|map| map.iter());
    let zero = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Int(_) | Value::Float(_) | Value::Array(_) | Value::Object(_) => false,
    };
    if keywords.into_iter().any(|(name, value)| !AT_ROOT.contains(&name) && !zero(value)) {
        let names: Vec<_> = AT_ROOT.iter().map(|name| go_name(name)).collect();
        let detail = format!(
            "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
            names.join(" ")
        );
        errors.push(Error::invalid(at, source.clone(), detail));
    }
}

/// The message lists the fields by their names in Go.
fn go_name(keyword: &str) -> String {
    match keyword {
        "x-kubernetes-preserve-unknown-fields" => "XPreserveUnknownFields".into(),
        "x-kubernetes-validations" => "XValidations".into(),
        _ => keyword[..1].to_uppercase() + &keyword[1..],
    }
}

fn subresources(value: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    let Some(scale) = present(value, "scale") else { return };
    for (name, root) in [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")] {
        let (path, name) = (text(scale, name), format!("scale.{name}"));
        let at = at.child(&name);
        if path.is_empty() {
            errors.push(Error::required(&at, ""));
        } else if !path.starts_with('.') {
            errors.push(Error::invalid(&at, path, "must be a simple json path starting with ."));
        } else if !path.starts_with(root) {
            let root = root.trim_end_matches('.');
            errors.push(Error::invalid(&at, path, format!("should be a json path under {root}")));
        }
    }
    let path = text(scale, "labelSelectorPath");
    let at = at.child("scale.labelSelectorPath");
    if path.is_empty() {
        return;
    }
    if !path.starts_with('.') {
        errors.push(Error::invalid(&at, path, "must be a simple json path starting with ."));
    } else if !path.starts_with(".spec.") && !path.starts_with(".status.") {
        errors.push(Error::invalid(&at, path, "should be a json path under either .spec or .status"));
    }
}

/// Sorted, as messages list them.
const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] =
    ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

fn column(value: &Value, at: &Path<'_>, errors: &mut Vec<Error>) {
    if text(value, "name").is_empty() {
        errors.push(Error::required(&at.child("name"), ""));
    }
    let (kind, format, path) = (text(value, "type"), text(value, "format"), text(value, "jsonPath"));
    let one_of = |names: &[&str]| format!("must be one of {}", names.join(","));
    if kind.is_empty() {
        errors.push(Error::required(&at.child("type"), one_of(&COLUMN_TYPES)));
    } else if !COLUMN_TYPES.contains(&kind) {
        errors.push(Error::invalid(&at.child("type"), kind, one_of(&COLUMN_TYPES)));
    }
    if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
        errors.push(Error::invalid(&at.child("format"), format, one_of(&COLUMN_FORMATS)));
    }
    if path.is_empty() {
        errors.push(Error::required(&at.child("JSONPath"), ""));
    } else if !path.starts_with('.') {
        errors.push(Error::invalid(
            &at.child("JSONPath"),
            path,
            "must be a simple json path starting with .",
        ));
    }
}
