use super::{
    Fault, Run,
    plan::{Attribute, Part, PartKey},
};
use crate::{
    library::{cost, shown},
    value::{Val, member, read},
};
use kcp_apimachinery::Value;

/// What one step of a chain led to.
enum Step<'a> {
    To(Val<'a>),
    /// Nothing is there, and the message if that is an error.
    Nowhere(String),
}

impl<'a> Run<'a, '_, '_> {
    pub(super) fn attribute(&mut self, attribute: &'a Attribute) -> Result<Val<'a>, Fault> {
        if attribute.parts.is_empty() {
            let value = self.base(attribute.base).map_err(|fault| fault.at(attribute.at))?;
            self.meter.charge(attribute.cost)?;
            return Ok(value);
        }
        self.chain(attribute)
    }

    fn chain(&mut self, attribute: &'a Attribute) -> Result<Val<'a>, Fault> {
        let mut value = self.base(attribute.base).map_err(|fault| fault.at(attribute.at))?;
        let mut optional = false;
        if let Val::Optional(inner) = value {
            optional = true;
            match inner {
                Some(inner) => value = (*inner).clone(),
                None => return self.nothing(attribute),
            }
        }
        for part in &attribute.parts {
            optional |= part.optional;
            if let Val::Optional(inner) = value {
                // Of what a map has as optional, the inside is meant.
                optional = true;
                value = match inner {
                    Some(inner) => Val::clone(&inner),
                    None => return self.nothing(attribute),
                };
            }
            let step = match self.step(&value, part) {
                Err(Fault::Error(error)) => {
                    self.meter.charge(cost::NAME + attribute.cost)?;
                    return Err(Fault::Error(error).at(part.at));
                }
                other => other?,
            };
            match step {
                step if part.test => {
                    self.meter.charge(cost::NAME + attribute.cost)?;
                    return Ok(Val::Bool(matches!(step, Step::To(_))));
                }
                Step::To(next) => {
                    self.meter.charge(cost::NAME)?;
                    value = next;
                }
                Step::Nowhere(_) if optional => return self.nothing(attribute),
                Step::Nowhere(message) => {
                    self.meter.charge(cost::NAME + attribute.cost)?;
                    return Err(Fault::error(message).at(part.at));
                }
            }
        }
        self.meter.charge(attribute.cost)?;
        Ok(if optional { Val::some(value) } else { value })
    }

    /// What a chain comes to that leads through an optional without value.
    fn nothing(&mut self, attribute: &Attribute) -> Result<Val<'a>, Fault> {
        self.meter.charge(attribute.cost)?;
        let test = attribute.parts.last().is_some_and(|part| part.test);
        Ok(if test { Val::Bool(false) } else { Val::Optional(None) })
    }

    fn step(&mut self, value: &Val<'a>, part: &'a Part) -> Result<Step<'a>, Fault> {
        match &part.key {
            PartKey::Field(name, at) => field(value, name, *at),
            PartKey::Const(key) => index(value, key),
            PartKey::Node(node) => {
                let key = self.eval(*node)?;
                index(value, &key)
            }
        }
    }
}

fn field<'a>(value: &Val<'a>, name: &str, at: usize) -> Result<Step<'a>, Fault> {
    let found = match value {
        Val::Tree(tree @ Value::Object(members), decl) => {
            let known = decl.as_object().and_then(|object| object.fields().get(at));
            match known.filter(|field| &*field.escaped == name || &*field.name == name) {
                Some(field) => match members.get(&field.name) {
                    None | Some(Value::Null) => Ok(None),
                    Some(value) => read(value, &field.decl).map(Some),
                },
                None => member(tree, decl, name),
            }
        }
        Val::Map(_) => value.get(&Val::text(name)),
        _ => Ok(None),
    };
    match found.map_err(Fault::error)? {
        Some(value) => Ok(Step::To(value)),
        None => Ok(Step::Nowhere(format!("no such key: {name}"))),
    }
}

fn index<'a>(value: &Val<'a>, key: &Val<'_>) -> Result<Step<'a>, Fault> {
    if value.is_list() {
        let Some(at) = position(key) else {
            return Err(Fault::error(format!("unsupported index type '{}' in list", key.type_name())));
        };
        return match usize::try_from(at).ok().and_then(|at| value.item(at)) {
            Some(item) => Ok(Step::To(item.map_err(Fault::error)?)),
            None => Ok(Step::Nowhere(format!("index out of bounds: {at}"))),
        };
    }
    match value.get(key).map_err(Fault::error)? {
        Some(value) => Ok(Step::To(value)),
        None => Ok(Step::Nowhere(format!("no such key: {}", shown(key)))),
    }
}

/// The number that an index is: whole numbers of any type.
fn position(key: &Val<'_>) -> Option<i64> {
    match key {
        Val::Int(at) => Some(*at),
        Val::Uint(at) => i64::try_from(*at).ok(),
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and to fit")]
        Val::Double(at) if at.fract() == 0.0 && at.abs() < 9.2e18 => Some(*at as i64),
        _ => None,
    }
}
