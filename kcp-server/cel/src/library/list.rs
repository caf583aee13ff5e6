//! Functions of lists.

use super::{Op, Outcome, arithmetic, text};
use crate::{
    run::{Fault, Meter},
    value::{Key, Map, NotANumber, Val, compare, equal},
};
use std::{cmp::Ordering, sync::Arc};

/// Longest list that `lists.range` makes.
const MAX_RANGE: i64 = 1 << 20;

pub(super) fn call<'a>(op: Op, args: &[Val<'a>], meter: &mut Meter<'_>) -> Outcome<'a> {
    if let (Op::Range, [Val::Int(count)]) = (op, args) {
        return Some(range(*count, meter));
    }
    if let (Op::MapInsert, [map, rest @ ..]) = (op, args) {
        return Some(insert(map, rest, meter));
    }
    let [list, rest @ ..] = args else { return None };
    if !list.is_list() {
        return None;
    }
    let outcome = match (op, rest) {
        (Op::IsSorted, []) => is_sorted(list, meter).map(Val::Bool),
        (Op::SumInt, []) => sum(Val::Int(0), list, meter),
        (Op::SumUint, []) => sum(Val::Uint(0), list, meter),
        (Op::SumDouble, []) => sum(Val::Double(0.0), list, meter),
        (Op::SumDuration, []) => sum(Val::Duration(0), list, meter),
        (Op::Max, []) => return extreme("max", Ordering::Less, list, meter),
        (Op::Min, []) => return extreme("min", Ordering::Greater, list, meter),
        (Op::IndexOf, [wanted]) => position(list, wanted, false, meter),
        (Op::LastIndexOf, [wanted]) => position(list, wanted, true, meter),
        (Op::SetsContains, [part]) if part.is_list() => contains_all(list, part, meter).map(Val::Bool),
        (Op::SetsEquivalent, [other]) if other.is_list() => contains_all(list, other, meter)
            .and_then(|contains| Ok(contains && contains_all(other, list, meter)?))
            .map(Val::Bool),
        (Op::SetsIntersects, [other]) if other.is_list() => intersects(list, other, meter).map(Val::Bool),
        (Op::Slice, [Val::Int(start), Val::Int(end)]) => slice(list, *start, *end, meter),
        (Op::Flatten, []) => flatten(list, 1, meter),
        (Op::Flatten, [Val::Int(depth)]) => flatten(list, *depth, meter),
        (Op::Reverse, []) => all(list, meter).map(|mut items| {
            items.reverse();
            Val::list(items)
        }),
        (Op::Distinct, []) => distinct(list, meter),
        _ => return None,
    };
    Some(outcome)
}

/// All elements.
pub(super) fn all<'a>(list: &Val<'a>, meter: &mut Meter<'_>) -> Result<Vec<Val<'a>>, Fault> {
    meter.work(list.size().unwrap_or(0) as u64)?;
    list.items().collect::<Result<_, _>>().map_err(Fault::error)
}

fn order(a: &Val<'_>, b: &Val<'_>, meter: &mut Meter<'_>) -> Result<Ordering, Fault> {
    meter.work(1)?;
    match compare(a, b) {
        Some(Ok(order)) => Ok(order),
        Some(Err(NotANumber)) => Err(Fault::error("NaN values cannot be ordered")),
        None => Err(Fault::error("no such overload")),
    }
}

fn is_sorted(list: &Val<'_>, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    let items = all(list, meter)?;
    for pair in items.windows(2) {
        if let [a, b] = pair
            && order(a, b, meter)?.is_gt()
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn sum<'a>(zero: Val<'a>, list: &Val<'a>, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    let mut total = zero;
    for item in list.items() {
        meter.work(1)?;
        total = arithmetic::add(&total, &item.map_err(Fault::error)?, meter)?;
    }
    Ok(total)
}

fn extreme<'a>(name: &str, replaces: Ordering, list: &Val<'a>, meter: &mut Meter<'_>) -> Outcome<'a> {
    let mut best: Option<Val<'a>> = None;
    for item in list.items() {
        let item = match item {
            Ok(item) => item,
            Err(message) => return Some(Err(Fault::error(message))),
        };
        let better = match &best {
            None => Ok(true),
            Some(best) => order(best, &item, meter).map(|order| order == replaces),
        };
        match better {
            Ok(true) => best = Some(item),
            Ok(false) => {}
            Err(fault) => return Some(Err(fault)),
        }
    }
    match best {
        Some(best) => Some(Ok(best)),
        None => text::empty(name),
    }
}

fn position<'a>(
    list: &Val<'_>,
    wanted: &Val<'_>,
    last: bool,
    meter: &mut Meter<'_>,
) -> Result<Val<'a>, Fault> {
    let mut found = -1;
    for (at, item) in (0..).zip(list.items()) {
        match equal(&item.map_err(Fault::error)?, wanted, meter) {
            Ok(true) => found = at,
            Ok(false) | Err(Fault::Error(_)) => {}
            Err(stop) => return Err(stop),
        }
        if found >= 0 && !last {
            break;
        }
    }
    Ok(Val::Int(found))
}

fn contains_all(list: &Val<'_>, part: &Val<'_>, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    for item in part.items() {
        if !arithmetic::contains(&item.map_err(Fault::error)?, list, meter)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn intersects(list: &Val<'_>, other: &Val<'_>, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    for item in list.items() {
        if arithmetic::contains(&item.map_err(Fault::error)?, other, meter)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn slice<'a>(list: &Val<'a>, start: i64, end: i64, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    let length = list.size().unwrap_or(0);
    if start < 0 || end < 0 {
        return Err(Fault::error(format!("cannot slice({start}, {end}), negative indexes not supported")));
    }
    if start > end {
        return Err(Fault::error(format!(
            "cannot slice({start}, {end}), start index must be less than or equal to end index"
        )));
    }
    let (from, to) =
        (usize::try_from(start).unwrap_or(usize::MAX), usize::try_from(end).unwrap_or(usize::MAX));
    if to > length {
        return Err(Fault::error(format!("cannot slice({start}, {end}), list is length {length}")));
    }
    meter.work((to - from) as u64)?;
    let items = (from..to).filter_map(|at| list.item(at)).collect::<Result<_, _>>();
    items.map(Val::list).map_err(Fault::error)
}

fn flatten<'a>(list: &Val<'a>, depth: i64, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    if depth < 0 {
        return Err(Fault::error("level must be non-negative"));
    }
    let mut items = all(list, meter)?;
    for _ in 0..depth {
        if !items.iter().any(Val::is_list) {
            break;
        }
        let mut flat = Vec::new();
        for item in items {
            if item.is_list() { flat.extend(all(&item, meter)?) } else { flat.push(item) }
        }
        items = flat;
    }
    Ok(Val::list(items))
}

fn distinct<'a>(list: &Val<'a>, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    let mut kept: Vec<Val<'a>> = Vec::new();
    'items: for item in all(list, meter)? {
        for known in &kept {
            if equal(known, &item, meter)? {
                continue 'items;
            }
        }
        kept.push(item);
    }
    Ok(Val::list(kept))
}

fn range<'a>(count: i64, meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    if count > MAX_RANGE {
        return Err(Fault::error(format!("lists.range({count}): range too long")));
    }
    meter.work(u64::try_from(count).unwrap_or(0))?;
    Ok(Val::list((0..count).map(Val::Int).collect()))
}

fn insert<'a>(map: &Val<'a>, rest: &[Val<'a>], meter: &mut Meter<'_>) -> Result<Val<'a>, Fault> {
    let ([key, value], Val::Map(known)) = (rest, map) else {
        return Err(Fault::error(super::NO_OVERLOAD));
    };
    meter.work(known.len() as u64)?;
    let mut map: Map<'a> = (**known).clone();
    let key =
        Key::of(key).ok_or_else(|| Fault::error(format!("unsupported key type: {}", key.type_name())))?;
    map.add(key, value.clone()).map_err(|_| Fault::error("insert failed: key already exists"))?;
    Ok(Val::Map(Arc::new(map)))
}
