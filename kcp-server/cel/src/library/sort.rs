use super::{Op, Outcome, fail, list};
use crate::{
    run::{Fault, Meter},
    value::{Val, compare},
};
use std::cmp::Ordering;

/// `sort()` and what `sortBy()` becomes.
pub(super) fn call<'a>(op: Op, args: &[Val<'a>], meter: &mut Meter<'_>) -> Outcome<'a> {
    match (op, args) {
        (Op::Sort, [values]) if values.is_list() => Some(sorted(values, values, meter)),
        (Op::SortBy, [values, keys]) if values.is_list() && keys.is_list() => {
            if values.size() != keys.size() {
                return fail("sortBy: as many keys as elements are needed");
            }
            Some(sorted(values, keys, meter))
        }
        _ => None,
    }
}

fn sorted<'a>(values: &Val<'a>, keys: &Val<'a>, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    let keys = list::all(keys, meter)?;
    let values = list::all(values, meter)?;
    if let Some(first) = keys.first() {
        if compare(first, first).is_none() {
            return Err(Fault::error("list elements must be comparable"));
        }
        if keys.iter().any(|key| compare(first, key).is_none()) {
            return Err(Fault::error("list elements must have the same type"));
        }
    }
    let count = values.len() as u64;
    meter.work(count * u64::from(count.max(1).ilog2() + 1))?;
    let mut pairs: Vec<(Val<'a>, Val<'a>)> = keys.into_iter().zip(values).collect();
    pairs.sort_by(|(a, _), (b, _)| match compare(a, b) {
        Some(Ok(order)) => order,
        // What has no order goes to the front, so that sorting stays consistent.
        _ => is_nan(b).cmp(&is_nan(a)),
    });
    Ok(Val::list(pairs.into_iter().map(|(_, value)| value).collect()))
}

fn is_nan(value: &Val<'_>) -> bool {
    matches!(value, Val::Double(number) if number.partial_cmp(number) != Some(Ordering::Equal))
}
