use super::{Findings, Walk};
use crate::{
    format, go_regex,
    node::{Node, Type},
};
use kcp_apimachinery::field;

impl Walk<'_> {
    /// Length and pattern; the first that does not hold is told.
    pub(super) fn string(&self, node: &Node, text: &str) -> Findings {
        let Some(checks) = &node.checks else { return Findings::default() };
        let length = || i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(max) = checks.length.max.filter(|max| length() > *max) {
            let most = usize::try_from(max).unwrap_or_default();
            let error = field::Error::too_long(&field::Path::root(), most);
            return Findings::one(field::Error { field: self.error_path(), ..error });
        }
        if let Some(min) = checks.length.min.filter(|min| length() < *min) {
            return self.invalid(text, &format!("should be at least {min} chars long"));
        }
        let Some(pattern) = &checks.pattern else { return Findings::default() };
        match go_regex::is_match(pattern, text) {
            Ok(true) => Findings::default(),
            Ok(false) => self.invalid(text, &format!("should match '{pattern}'")),
            Err(error) => {
                self.invalid(text, &format!("should match '{pattern}, but pattern is invalid: {error}'"))
            }
        }
    }

    pub(super) fn format(&self, node: &Node, text: &str) -> Findings {
        let format = effective_format(node);
        if format::is_valid(format, text) {
            return Findings { errors: Vec::new(), matches: 0 };
        }
        self.wrong_type(format, text)
    }
}

/// The format as far as it is enforced: one that is not known for the type says nothing.
pub(super) fn effective_format(node: &Node) -> &str {
    let format = node.format();
    let known = match node.kind {
        Type::Any | Type::String => format::is_known(format),
        Type::Integer => matches!(format, "int32" | "int64"),
        Type::Number => matches!(format, "float" | "double"),
        Type::Object | Type::Array | Type::Boolean | Type::IntOrString => false,
    };
    if known { format } else { "" }
}

pub(super) fn is_known_format(format: &str) -> bool {
    format::is_known(format)
}
