use super::{Findings, Walk};
use crate::node::{Checks, Node, Type};
use kcp_apimachinery::{Value, field::Kind, go};

/// As far as integers are exact in a `float64`.
const EXACT: f64 = 9_007_199_254_740_991.0;

impl Walk<'_> {
    /// The range of the type, `multipleOf`, `minimum`, `maximum`.
    pub(super) fn number(&self, node: &Node, value: &Value) -> Findings {
        let mut found = Findings { errors: Vec::new(), matches: 1 };
        if !fits(node, value) {
            found.merge(self.out_of_range("Checked", node));
        }
        let Some(checks) = &node.checks else { return found };
        if let Some(factor) = checks.multiple_of {
            let whole = self.boundary("MultipleOf", node, factor, &mut found);
            found.merge(self.multiple(&compared(value, whole), factor));
        }
        if let Some(minimum) = checks.minimum {
            let whole = self.boundary("Minimum boundary", node, minimum, &mut found);
            found.merge(self.minimum(&compared(value, whole), minimum, checks));
        }
        if let Some(maximum) = checks.maximum {
            let whole = self.boundary("Maximum boundary", node, maximum, &mut found);
            found.merge(self.maximum(&compared(value, whole), maximum, checks));
        }
        found
    }

    fn minimum(&self, value: &Value, minimum: f64, checks: &Checks) -> Findings {
        let excludes = checks.exclusive_minimum;
        let (low, limit) = match value {
            Value::Int(number) => {
                let limit = truncate(minimum);
                (*number < limit || excludes && *number == limit, limit.to_string())
            }
            Value::Float(number) => (*number < minimum || excludes && *number <= minimum, go::float(minimum)),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                return Findings::default();
            }
        };
        let than = if excludes { "greater than" } else { "greater than or equal to" };
        if low {
            self.invalid(value.clone(), &format!("should be {than} {limit}"))
        } else {
            Findings::default()
        }
    }

    fn maximum(&self, value: &Value, maximum: f64, checks: &Checks) -> Findings {
        let excludes = checks.exclusive_maximum;
        let (high, limit) = match value {
            Value::Int(number) => {
                let limit = truncate(maximum);
                (*number > limit || excludes && *number == limit, limit.to_string())
            }
            Value::Float(number) => (*number > maximum || excludes && *number >= maximum, go::float(maximum)),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                return Findings::default();
            }
        };
        let than = if excludes { "less than" } else { "less than or equal to" };
        if high {
            self.invalid(value.clone(), &format!("should be {than} {limit}"))
        } else {
            Findings::default()
        }
    }

    fn multiple(&self, value: &Value, factor: f64) -> Findings {
        let (fits, factor) = match value {
            Value::Int(number) => {
                let factor = truncate(factor);
                (factor > 0 && number % factor == 0, Value::Int(factor))
            }
            Value::Float(number) => {
                let quotient = if factor < 1.0 { 1.0 / factor * number } else { number / factor };
                (is_whole(quotient), Value::Float(factor))
            }
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                return Findings::default();
            }
        };
        let (shown, positive) = match factor {
            Value::Int(factor) => (factor.to_string(), factor > 0),
            Value::Float(factor) => (go::float(factor), factor > 0.0),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                return Findings::default();
            }
        };
        if !positive {
            let detail = format!("factor MultipleOf declared for {} must be positive: {shown}", self.path);
            return self.error(Kind::Invalid, Some(factor), detail);
        }
        if fits {
            Findings::default()
        } else {
            self.invalid(value.clone(), &format!("should be a multiple of {shown}"))
        }
    }

    /// Whether a limit is of the type it limits. If it is not, that is told whenever it is used.
    fn boundary(&self, what: &str, node: &Node, limit: f64, found: &mut Findings) -> bool {
        let whole = fits(node, &whole_or_float(limit));
        if !whole {
            found.merge(self.out_of_range(what, node));
        }
        whole
    }

    fn out_of_range(&self, what: &str, node: &Node) -> Findings {
        let kind = node.kind.name();
        let format = match node.format() {
            "" => "(default format)".to_owned(),
            format => format!("with format {format}"),
        };
        self.placeless(format!("{what} value must be of type {kind} {format} in {}", self.path))
    }
}

/// A number as it is compared with a limit: as a floating point number if the limit is not of its type.
#[expect(clippy::cast_precision_loss, reason = "so does the comparison in Kubernetes")]
fn compared(value: &Value, same_type: bool) -> Value {
    match value {
        Value::Int(number) if !same_type => Value::Float(*number as f64),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => value.clone(),
    }
}

/// Whether a number can be held by the type and format of a node.
#[expect(clippy::cast_possible_truncation, reason = "the overflow is what is looked for")]
fn fits(node: &Node, value: &Value) -> bool {
    match (node.kind, node.format(), value) {
        (Type::Integer, "int32", Value::Int(number)) => i32::try_from(*number).is_ok(),
        (Type::Integer, format, Value::Float(number)) => {
            number.fract() == 0.0
                && if format == "int32" { number.abs() < 2_147_483_648.0 } else { number.abs() < 9.2e18 }
        }
        (Type::Number, "float", Value::Float(number)) => (*number as f32).is_finite(),
        (
            Type::Any
            | Type::Object
            | Type::Array
            | Type::String
            | Type::Boolean
            | Type::IntOrString
            | Type::Integer
            | Type::Number,
            _,
            _,
        ) => true,
    }
}

fn whole_or_float(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9.2e18 {
        Value::Int(truncate(number))
    } else {
        Value::Float(number)
    }
}

/// As Go converts a `float64`: towards zero. Out of range it is undefined there; here it saturates.
#[expect(clippy::cast_possible_truncation, reason = "as documented")]
fn truncate(number: f64) -> i64 {
    number as i64
}

/// Whether a floating point number counts as an integer in JSON: whole, or as near to it as rounding goes.
pub(super) fn is_whole(number: f64) -> bool {
    if !number.is_finite() || !(-EXACT..=EXACT).contains(&number) {
        return false;
    }
    let rounded = number.trunc();
    let difference = (number - rounded).abs();
    number == rounded || difference < 1e-9 || (number - number.round()).abs() / number.abs() < 1e-9
}

/// Whether an allowed value is the value. A number is converted to the type of the allowed one first, which
/// cuts off a fraction, as in Kubernetes.
#[expect(clippy::cast_precision_loss, reason = "so does the comparison in Kubernetes")]
pub(super) fn same(allowed: &Value, value: &Value) -> bool {
    match (allowed, value) {
        (Value::Int(allowed), Value::Float(value)) => *allowed == truncate(*value),
        (Value::Float(allowed), Value::Int(value)) => *allowed == *value as f64,
        (
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => allowed == value,
    }
}
