use super::Value;
use std::fmt;

/// One step of a path into a tree, as messages show it: `.name`, `[0]` or `["key"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A member of an object.
    Member(Box<str>),
    /// An element of an array.
    Index(usize),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(f, ".{name}"),
            Self::Index(at) => write!(f, "[{at}]"),
        }
    }
}

impl Value {
    /// What lies at the end of a path of members and elements.
    #[must_use]
    pub fn walk(&self, path: &[Step]) -> Option<&Value> {
        path.iter().try_fold(self, |value, step| match step {
            Step::Member(name) => value.get(name),
            Step::Index(at) => value.as_array()?.get(*at),
        })
    }
}
