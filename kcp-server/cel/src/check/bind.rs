use crate::types::Type;
use std::sync::Arc;

/// What the free type parameters turned out to be.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    bound: Vec<Option<Type>>,
    /// Parameters in the order they were bound, with what they were before.
    trail: Vec<(u32, Option<Type>)>,
}

/// Deepest type that is looked into; what is deeper is taken as it is.
const DEPTH: u32 = 64;

impl Bindings {
    /// A parameter that nothing is known of.
    pub(super) fn fresh(&mut self) -> Type {
        Type::Param(self.fresh_many(1))
    }

    /// So many parameters; the number of the first.
    pub(super) fn fresh_many(&mut self, count: u32) -> u32 {
        let first = u32::try_from(self.bound.len()).unwrap_or(u32::MAX);
        self.bound.resize(self.bound.len() + count as usize, None);
        first
    }

    fn find(&self, number: u32) -> Option<&Type> {
        self.bound.get(number as usize)?.as_ref()
    }

    fn bind(&mut self, number: u32, to: Type) {
        if let Some(bound) = self.bound.get_mut(number as usize) {
            self.trail.push((number, bound.replace(to)));
        }
    }

    fn undo(&mut self, length: usize) {
        while self.trail.len() > length {
            if let Some((number, before)) = self.trail.pop() {
                self.bound[number as usize] = before;
            }
        }
    }

    /// The type with all that is known put in.
    pub(super) fn substitute(&self, of: &Type) -> Type {
        self.replaced(of, false, DEPTH)
    }

    /// The same, and what is not known is `dyn`.
    pub(super) fn resolve(&self, of: &Type) -> Type {
        self.replaced(of, true, DEPTH)
    }

    fn replaced(&self, of: &Type, to_dyn: bool, depth: u32) -> Type {
        let Some(depth) = depth.checked_sub(1) else { return Type::Dyn };
        let inner = |of: &Type| self.replaced(of, to_dyn, depth);
        match of {
            Type::Param(number) => match self.find(*number) {
                Some(bound) => inner(bound),
                None if to_dyn => Type::Dyn,
                None => of.clone(),
            },
            Type::List(items) => Type::list(inner(items)),
            Type::Map(parts) => Type::map(inner(&parts.0), inner(&parts.1)),
            Type::Optional(of) => Type::optional(inner(of)),
            Type::Type(Some(of)) => Type::type_of(inner(of)),
            Type::Dyn
            | Type::Error
            | Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Duration
            | Type::Timestamp
            | Type::Object(_)
            | Type::Type(None)
            | Type::Opaque(_) => of.clone(),
        }
    }

    /// Whether the second type can stand where the first is wanted. Binds parameters if so.
    pub(super) fn assignable(&mut self, first: &Type, second: &Type) -> bool {
        let length = self.trail.len();
        let fits = self.fits(first, second, DEPTH);
        if !fits {
            self.undo(length);
        }
        fits
    }

    /// [`Self::assignable`] for lists of types of equal length.
    pub(super) fn all_assignable(&mut self, first: &[Type], second: &[Type]) -> bool {
        let length = self.trail.len();
        let fits =
            first.len() == second.len() && first.iter().zip(second).all(|(a, b)| self.fits(a, b, DEPTH));
        if !fits {
            self.undo(length);
        }
        fits
    }

    fn fits(&mut self, first: &Type, second: &Type, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return true };
        if let Type::Param(number) = second {
            match self.substitution(first, *number, depth) {
                Substitution::Valid => return true,
                Substitution::Taken => return false,
                Substitution::Circular => {}
            }
        }
        if let Type::Param(number) = first {
            return matches!(self.substitution(second, *number, depth), Substitution::Valid);
        }
        if first.is_dyn_or_error() || second.is_dyn_or_error() {
            return true;
        }
        match (first, second) {
            (Type::Null, other) | (other, Type::Null) => is_nullable(other),
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.fits(a, b, depth),
            (Type::Map(a), Type::Map(b)) => self.fits(&a.0, &b.0, depth) && self.fits(&a.1, &b.1, depth),
            _ => first == second,
        }
    }

    fn substitution(&mut self, of: &Type, number: u32, depth: u32) -> Substitution {
        if matches!(of, Type::Param(other) if *other == number) {
            return Substitution::Valid;
        }
        let Some(bound) = self.find(number).cloned() else {
            if self.occurs(number, of) {
                return Substitution::Circular;
            }
            self.bind(number, of.clone());
            return Substitution::Valid;
        };
        if *of == bound {
            return Substitution::Valid;
        }
        if !self.fits(of, &bound, depth) {
            return Substitution::Taken;
        }
        let general = most_general(of, &bound);
        if !self.occurs(number, &general) {
            self.bind(number, general);
        }
        Substitution::Valid
    }

    /// Whether a parameter is part of a type.
    fn occurs(&self, number: u32, within: &Type) -> bool {
        match within {
            Type::Param(other) => {
                *other == number || self.find(*other).is_some_and(|of| self.occurs(number, of))
            }
            Type::List(inner) | Type::Optional(inner) | Type::Type(Some(inner)) => self.occurs(number, inner),
            Type::Map(parts) => self.occurs(number, &parts.0) || self.occurs(number, &parts.1),
            Type::Dyn
            | Type::Error
            | Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Duration
            | Type::Timestamp
            | Type::Object(_)
            | Type::Type(None)
            | Type::Opaque(_) => false,
        }
    }
}

enum Substitution {
    Valid,
    /// The parameter is something else already.
    Taken,
    /// The parameter would contain itself.
    Circular,
}

/// `null` may stand for what has no value of its own for "nothing".
fn is_nullable(of: &Type) -> bool {
    matches!(
        of,
        Type::Null | Type::Object(_) | Type::Optional(_) | Type::Opaque(_) | Type::Duration | Type::Timestamp
    )
}

/// Of two types that fit, the one that allows more.
pub(super) fn most_general(first: &Type, second: &Type) -> Type {
    if less_specific(first, second) { first.clone() } else { second.clone() }
}

fn less_specific(first: &Type, second: &Type) -> bool {
    if matches!(first, Type::Dyn | Type::Param(_)) {
        return true;
    }
    if matches!(second, Type::Dyn | Type::Param(_)) {
        return false;
    }
    match (first, second) {
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => less_specific(a, b),
        (Type::Map(a), Type::Map(b)) => less_specific(&a.0, &b.0) && less_specific(&a.1, &b.1),
        (Type::Type(_), Type::Type(_)) => true,
        _ => first == second,
    }
}

/// The type with its own parameters numbered from `first`.
pub(super) fn renumbered(of: &Type, first: u32) -> Type {
    match of {
        Type::Param(number) => Type::Param(number + first),
        Type::List(items) => Type::list(renumbered(items, first)),
        Type::Map(parts) => Type::map(renumbered(&parts.0, first), renumbered(&parts.1, first)),
        Type::Optional(inner) => Type::Optional(Arc::new(renumbered(inner, first))),
        Type::Type(Some(inner)) => Type::type_of(renumbered(inner, first)),
        Type::Dyn
        | Type::Error
        | Type::Null
        | Type::Bool
        | Type::Int
        | Type::Uint
        | Type::Double
        | Type::String
        | Type::Bytes
        | Type::Duration
        | Type::Timestamp
        | Type::Object(_)
        | Type::Type(None)
        | Type::Opaque(_) => of.clone(),
    }
}
