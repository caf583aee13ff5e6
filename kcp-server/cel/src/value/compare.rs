use super::{OpaqueVal, Val};
use std::cmp::Ordering;

/// The order of two values; `None` if they have none. With NaN nothing is before or after.
pub(crate) fn compare(a: &Val<'_>, b: &Val<'_>) -> Option<Result<Ordering, NotANumber>> {
    let total = match (a, b) {
        (Val::Bool(a), Val::Bool(b)) => a.cmp(b),
        (Val::Int(a), Val::Int(b)) => a.cmp(b),
        (Val::Uint(a), Val::Uint(b)) => a.cmp(b),
        (Val::Int(a), Val::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
        (Val::Uint(a), Val::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
        (Val::Double(a), Val::Double(b)) => return Some(a.partial_cmp(b).ok_or(NotANumber)),
        (Val::Double(a), Val::Int(b)) => return Some(with_int(*a, *b)),
        (Val::Double(a), Val::Uint(b)) => return Some(with_uint(*a, *b)),
        (Val::Int(a), Val::Double(b)) => return Some(with_int(*b, *a).map(Ordering::reverse)),
        (Val::Uint(a), Val::Double(b)) => return Some(with_uint(*b, *a).map(Ordering::reverse)),
        (Val::String(a), Val::String(b)) => (**a).cmp(&**b),
        (Val::Bytes(a), Val::Bytes(b)) => a.cmp(b),
        (Val::Duration(a), Val::Duration(b)) => a.cmp(b),
        (Val::Timestamp(a), Val::Timestamp(b)) => a.cmp(b),
        (Val::Opaque(a), Val::Opaque(b)) => match (&**a, &**b) {
            (OpaqueVal::Quantity(a), OpaqueVal::Quantity(b)) => a.cmp(b),
            (OpaqueVal::Semver(a), OpaqueVal::Semver(b)) => a.cmp_precedence(b),
            _ => return None,
        },
        _ => return None,
    };
    Some(Ok(total))
}

/// One of two numbers is NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotANumber;

/// A floating point number against a whole one between two bounds. Within these the whole one is
/// rounded, as cel-go does.
fn with_whole(a: f64, b: f64, least: f64, most: f64) -> Result<Ordering, NotANumber> {
    if a < least {
        Ok(Ordering::Less)
    } else if a > most {
        Ok(Ordering::Greater)
    } else {
        a.partial_cmp(&b).ok_or(NotANumber)
    }
}

#[expect(clippy::cast_precision_loss, reason = "rounded on purpose")]
fn with_int(a: f64, b: i64) -> Result<Ordering, NotANumber> {
    with_whole(a, b as f64, i64::MIN as f64, i64::MAX as f64)
}

#[expect(clippy::cast_precision_loss, reason = "rounded on purpose")]
fn with_uint(a: f64, b: u64) -> Result<Ordering, NotANumber> {
    with_whole(a, b as f64, 0.0, u64::MAX as f64)
}
