//! Bodies: what the bytes of a write are, before anything is known of the object.

use crate::Error;
use kcp_apimachinery::{Value, value::decode_strict, yaml};
use kcp_schema::builtin::protobuf;

const APPLY: &str = "application/apply-patch+yaml";

/// A decoded body.
pub(crate) enum Body {
    /// Nothing.
    Empty,
    /// An object, and the paths of members that it has twice.
    Object(Value, Vec<String>),
    /// A patch.
    Patch(PatchKind, Value, Vec<String>),
}

/// The ways to say what is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchKind {
    /// RFC 6902
    Json,
    /// RFC 7386
    Merge,
    /// By merge keys.
    Strategic,
    /// Server-side apply.
    Apply,
}

impl Body {
    /// Reads the body of a `POST`, `PUT` or `DELETE`.
    pub(crate) fn object(content_type: Option<&str>, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.is_empty() {
            return Ok(Self::Empty);
        }
        let kind = media(content_type);
        let (value, twice) = match kind.as_str() {
            "" | "application/json" => json(bytes)?,
            "application/yaml" | "text/yaml" => yaml_object(bytes)?,
            "application/vnd.kubernetes.protobuf" => {
                let object = protobuf::decode(bytes).map_err(|e| Error::BadRequest(e.to_string()))?;
                (object, Vec::new())
            }
            _ => {
                let all = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
                return Err(unsupported(&kind, all));
            }
        };
        if !matches!(value, Value::Object(_)) {
            return Err(Error::BadRequest("the body of the request must be an object".to_owned()));
        }
        Ok(Self::Object(value, twice))
    }

    /// Reads the body of a `PATCH`.
    pub(crate) fn patch(content_type: Option<&str>, bytes: &[u8], strategic: bool) -> Result<Self, Error> {
        let kind = media(content_type);
        let (patch, (value, twice)) = match kind.as_str() {
            "application/json-patch+json" => (PatchKind::Json, patch_json(bytes)?),
            "application/merge-patch+json" => (PatchKind::Merge, patch_json(bytes)?),
            "application/strategic-merge-patch+json" if strategic => {
                (PatchKind::Strategic, patch_json(bytes)?)
            }
            APPLY => (PatchKind::Apply, yaml_object(bytes)?),
            _ => {
                let all =
                    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
                return Err(unsupported(&kind, all));
            }
        };
        let array = matches!(value, Value::Array(_));
        if array != (patch == PatchKind::Json) || !(array || matches!(value, Value::Object(_))) {
            let wanted = if patch == PatchKind::Json { "an array" } else { "an object" };
            return Err(Error::BadRequest(format!("error decoding patch: it must be {wanted}")));
        }
        Ok(Self::Patch(patch, value, twice))
    }
}

/// Whether a body of this type is applied.
pub(crate) fn is_apply(content_type: Option<&str>) -> bool {
    media(content_type) == APPLY
}

fn media(content_type: Option<&str>) -> String {
    content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn json(bytes: &[u8]) -> Result<(Value, Vec<String>), Error> {
    decode_strict(bytes).map_err(|e| Error::BadRequest(format!("error decoding the body: {e}")))
}

fn patch_json(bytes: &[u8]) -> Result<(Value, Vec<String>), Error> {
    decode_strict(bytes).map_err(|e| Error::BadRequest(format!("error decoding patch: {e}")))
}

fn yaml_object(bytes: &[u8]) -> Result<(Value, Vec<String>), Error> {
    yaml::decode_strict(bytes).map_err(|e| Error::BadRequest(format!("error converting YAML to JSON: {e}")))
}

fn unsupported(kind: &str, accepted: &str) -> Error {
    Error::UnsupportedMediaType(format!(
        "the body of the request was in an unknown format - accepted media types include: {accepted} (it was {kind:?})"
    ))
}
