use super::{Text, Val};
use std::cmp::Ordering;

/// A map that an expression made, sorted by key.
#[derive(Clone, Debug, Default)]
pub struct Map<'a>(Vec<(Key<'a>, Val<'a>)>);

/// A key of a map. Whole numbers are one key, whether with sign or without.
#[derive(Clone, Debug)]
pub(crate) enum Key<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    String(Text<'a>),
}

impl<'a> Key<'a> {
    /// The key that a value is, for a map that is made.
    pub(crate) fn of(value: &Val<'a>) -> Option<Self> {
        match value {
            Val::Bool(truth) => Some(Self::Bool(*truth)),
            Val::Int(number) => Some(Self::Int(*number)),
            Val::Uint(number) => Some(Self::Uint(*number)),
            Val::String(text) => Some(Self::String(text.clone())),
            _ => None,
        }
    }

    /// The key that a value stands for when a map is asked for it: whole doubles are numbers too.
    pub(crate) fn lookup<'v>(value: &Val<'v>) -> Option<Key<'v>> {
        match value {
            #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and to fit")]
            Val::Double(number) if number.fract() == 0.0 && number.abs() < 9.2e18 => {
                Some(Key::Int(*number as i64))
            }
            _ => Key::of(value),
        }
    }

    pub(crate) fn to_val(&self) -> Val<'a> {
        match self {
            Self::Bool(truth) => Val::Bool(*truth),
            Self::Int(number) => Val::Int(*number),
            Self::Uint(number) => Val::Uint(*number),
            Self::String(text) => Val::String(text.clone()),
        }
    }

    fn compare(&self, other: &Key<'_>) -> Ordering {
        match (self, other) {
            (Self::String(a), Key::String(b)) => (**a).cmp(&**b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> (u8, i128) {
        match self {
            Self::Bool(truth) => (0, i128::from(*truth)),
            Self::Int(number) => (1, i128::from(*number)),
            Self::Uint(number) => (1, i128::from(*number)),
            Self::String(_) => (2, 0),
        }
    }
}

impl<'a> Map<'a> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn find(&self, key: &Key<'_>) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.compare(key))
    }

    pub(crate) fn get(&self, key: &Key<'_>) -> Option<&Val<'a>> {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// Puts in a member unless there is one of that key.
    pub(crate) fn add(&mut self, key: Key<'a>, value: Val<'a>) -> Result<(), Key<'a>> {
        // Keys mostly come in order.
        if self.0.last().is_none_or(|(last, _)| last.compare(&key) == Ordering::Less) {
            self.0.push((key, value));
            return Ok(());
        }
        match self.find(&key) {
            Ok(_) => Err(key),
            Err(at) => {
                self.0.insert(at, (key, value));
                Ok(())
            }
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key<'a>> {
        self.0.iter().map(|(key, _)| key)
    }
}
