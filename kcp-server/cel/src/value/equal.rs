use super::{Val, compare, read};
use crate::{
    decl::{Decl, Kind, ListKind},
    run::{Fault, Meter},
};
use kcp_apimachinery::Value;
use std::cmp::Ordering;

/// Whether two values are the same. Numbers of different types are if they are the same number; values
/// of other different types are not. Lists of the tree that are sets or maps have no order.
///
/// # Errors
/// A list or an object of the tree against something else, as in Kubernetes; and too much work.
pub(crate) fn equal(a: &Val<'_>, b: &Val<'_>, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    meter.work(1)?;
    match (a, b) {
        (Val::Null, Val::Null) => Ok(true),
        (Val::Null, _) | (_, Val::Null) => Ok(false),
        (Val::Optional(a), Val::Optional(b)) => match (a, b) {
            (None, None) => Ok(true),
            (Some(a), Some(b)) => equal(a, b, meter),
            _ => Ok(false),
        },
        (Val::Type(a), Val::Type(b)) => Ok(super::type_name(a) == super::type_name(b)),
        (Val::Opaque(a), Val::Opaque(b)) => match a.equal(b) {
            Some(same) => Ok(same),
            None => Err(Fault::error("no such overload")),
        },
        (Val::Opaque(_), _) => Err(Fault::error("no such overload")),
        _ if a.is_list() && b.is_list() => lists(a, b, meter),
        _ if a.is_map() && b.is_map() => maps(a, b, meter),
        (Val::Tree(..), _) => Err(Fault::error("no such overload")),
        (Val::String(a), Val::String(b)) => {
            meter.work(a.len().min(b.len()) as u64 / 8)?;
            Ok(**a == **b)
        }
        _ => Ok(compare(a, b) == Some(Ok(Ordering::Equal))),
    }
}

fn decl_of<'v>(value: &'v Val<'_>) -> Option<&'v Decl> {
    match value {
        Val::Tree(_, decl) => Some(decl),
        Val::List(list) => list.decl,
        _ => None,
    }
}

fn lists(a: &Val<'_>, b: &Val<'_>, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    if a.size() != b.size() {
        return Ok(false);
    }
    match decl_of(a).map(|decl| &decl.kind) {
        Some(Kind::List(_, ListKind::Set)) => same_elements(a, b, meter),
        Some(Kind::List(_, ListKind::Map(keys))) => same_objects(a, b, keys, meter),
        _ => {
            for (a, b) in a.items().zip(b.items()) {
                if !equal(&a.map_err(Fault::error)?, &b.map_err(Fault::error)?, meter)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

/// Each element of the second is in the first.
fn same_elements(a: &Val<'_>, b: &Val<'_>, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    let known = sorted(a, meter)?;
    for item in b.items() {
        let item = item.map_err(Fault::error)?;
        meter.work(8)?;
        let found = known.binary_search_by(|known| scalar_order(known, &item)).is_ok();
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

fn sorted<'a>(list: &Val<'a>, meter: &mut Meter<'_>) -> Result<Vec<Val<'a>>, Fault> {
    let size = list.size().unwrap_or(0) as u64;
    meter.work(size * 8)?;
    let mut items = list.items().collect::<Result<Vec<_>, _>>().map_err(Fault::error)?;
    items.sort_by(scalar_order);
    Ok(items)
}

/// Some order of scalars, in which equal ones are equal: sets hold nothing else.
fn scalar_order(a: &Val<'_>, b: &Val<'_>) -> Ordering {
    match compare(a, b) {
        Some(Ok(order)) => order,
        _ => a.type_name().cmp(&b.type_name()),
    }
}

/// Each object of the second is the same as the one of the first with its key.
fn same_objects(a: &Val<'_>, b: &Val<'_>, keys: &[Box<str>], meter: &mut Meter<'_>) -> Result<bool, Fault> {
    let size = a.size().unwrap_or(0) as u64;
    meter.work(size * 8)?;
    let mut known = Vec::with_capacity(a.size().unwrap_or(0));
    for item in a.items() {
        let item = item.map_err(Fault::error)?;
        known.push((key_of(&item, keys)?, item));
    }
    known.sort_by(|(a, _), (b, _)| key_order(a, b));
    for item in b.items() {
        let item = item.map_err(Fault::error)?;
        let key = key_of(&item, keys)?;
        meter.work(8)?;
        let Ok(at) = known.binary_search_by(|(known, _)| key_order(known, &key)) else { return Ok(false) };
        if !equal(&known[at].1, &item, meter)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The values of the members that tell the objects of a list apart.
pub(crate) fn key_of<'a>(item: &Val<'a>, keys: &[Box<str>]) -> Result<Vec<Val<'a>>, Fault> {
    keys.iter()
        .map(|key| match item {
            // By the name in the object, which need not be one that an expression can write.
            Val::Tree(value, decl) => match value.get(key) {
                None => Ok(Val::Null),
                Some(value) => {
                    let field = decl.as_object().and_then(|object| object.by_name(key));
                    read(value, field.map_or(&super::ANY, |field| &*field.decl)).map_err(Fault::error)
                }
            },
            _ => {
                let key = Val::text(&**key);
                item.get(&key).map(Option::unwrap_or_default).map_err(Fault::error)
            }
        })
        .collect()
}

pub(crate) fn key_order(a: &[Val<'_>], b: &[Val<'_>]) -> Ordering {
    a.iter().zip(b).map(|(a, b)| scalar_order(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn maps(a: &Val<'_>, b: &Val<'_>, meter: &mut Meter<'_>) -> Result<bool, Fault> {
    if a.size() != b.size() {
        return Ok(false);
    }
    if let (Val::Tree(Value::Object(a_members), decl), Val::Tree(b_value, _)) = (a, b)
        && let Some(object) = decl.as_object()
    {
        // Members that are not declared compare as they are written.
        for (name, value) in a_members.iter().filter(|(name, _)| object.by_name(name).is_none()) {
            meter.work(weight(value))?;
            if b_value.get(name).is_some_and(|other| other != value) {
                return Ok(false);
            }
        }
    }
    for key in a.keys() {
        let (mine, theirs) = (a.get(&key).map_err(Fault::error)?, b.get(&key).map_err(Fault::error)?);
        match (mine, theirs) {
            (Some(mine), Some(theirs)) if equal(&mine, &theirs, meter)? => {}
            (None, None) => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// How much work it is to look at all of a value.
fn weight(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 1,
        Value::String(text) => 1 + text.len() as u64 / 8,
        Value::Array(items) => 1 + items.iter().map(weight).sum::<u64>(),
        Value::Object(members) => 1 + members.iter().map(|(_, value)| 1 + weight(value)).sum::<u64>(),
    }
}
