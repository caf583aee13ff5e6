use super::parse::{self, InvalidLabels};
use crate::{
    Value,
    field::{self, Error, Path},
    meta::Meta,
    names,
};
use std::fmt;

/// A selector of objects by their labels: all of its requirements have to hold.
///
/// The default selects everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// By key; `None` selects nothing.
    requirements: Option<Vec<Requirement>>,
}

/// One requirement of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The key of the label.
    pub key: Box<str>,
    /// What has to hold for it.
    pub operator: Operator,
    /// The values the operator is about.
    pub values: Vec<Box<str>>,
}

/// What a requirement asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The label has one of the values.
    In,
    /// The label is missing or has none of the values.
    NotIn,
    /// `=`
    Equals,
    /// `==`
    DoubleEquals,
    /// `!=`; the label may be missing.
    NotEquals,
    /// The label is there.
    Exists,
    /// The label is missing.
    DoesNotExist,
    /// The label is an integer above the value.
    GreaterThan,
    /// The label is an integer below the value.
    LessThan,
}

impl Default for Labels {
    fn default() -> Self {
        Self::everything()
    }
}

impl Labels {
    /// Selects every object.
    #[must_use]
    pub const fn everything() -> Self {
        Self { requirements: Some(Vec::new()) }
    }

    /// Selects no object.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { requirements: None }
    }

    /// Reads `a=b,c in (d,e),!f`. Empty text selects everything.
    ///
    /// # Errors
    /// Text of another form.
    pub fn parse(text: &str) -> Result<Self, InvalidLabels> {
        parse::parse(text).map(Self::all_of)
    }

    /// Selects what meets all of these.
    #[must_use]
    pub fn all_of(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Self { requirements: Some(requirements) }
    }

    /// Selects what has all of these labels.
    #[must_use]
    pub fn from_labels<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> Self {
        let equals = |(key, value): (&str, &str)| Requirement {
            key: key.into(),
            operator: Operator::Equals,
            values: vec![value.into()],
        };
        Self::all_of(labels.into_iter().map(equals).collect())
    }

    /// Reads a `LabelSelector` object. A missing one selects nothing, an empty one everything.
    ///
    /// # Errors
    /// An operator or requirement that is not valid, in the words of Kubernetes.
    pub fn from_object(object: Option<&Value>) -> Result<Self, InvalidLabels> {
        super::object::read(object)
    }

    /// The requirements by key; `None` if it selects nothing.
    #[must_use]
    pub fn requirements(&self) -> Option<&[Requirement]> {
        self.requirements.as_deref()
    }

    /// Whether it selects every object.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.requirements.as_ref().is_some_and(Vec::is_empty)
    }

    /// Whether it selects an object with this metadata.
    #[must_use]
    pub fn matches(&self, meta: Meta<'_>) -> bool {
        self.matches_with(|key| meta.label(key))
    }

    /// Whether it selects an object whose labels are looked up like this.
    pub fn matches_with<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.requirements.as_ref().is_some_and(|all| all.iter().all(|one| one.matches(label(&one.key))))
    }

    /// The one value this label must have.
    #[must_use]
    pub fn exact(&self, key: &str) -> Option<&str> {
        let first = self.requirements.as_ref()?.iter().find(|one| &*one.key == key)?;
        match (first.operator, first.values.as_slice()) {
            (Operator::In | Operator::Equals | Operator::DoubleEquals, [only]) => Some(only),
            _ => None,
        }
    }

    /// Also requires this.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.requirements, other.requirements) {
            (Some(mut mine), Some(theirs)) => {
                mine.extend(theirs);
                Self::all_of(mine)
            }
            (None, _) | (_, None) => Self::nothing(),
        }
    }
}

impl Requirement {
    /// A requirement, if it makes sense.
    ///
    /// # Errors
    /// The fields `key` and `values` that are wrong.
    pub fn new(key: &str, operator: Operator, values: Vec<Box<str>>) -> Result<Self, InvalidLabels> {
        let mut errors = Vec::new();
        let root = Path::root();
        let wrong = names::qualified_name(key);
        if !wrong.is_empty() {
            errors.push(Error::invalid(&root.child("key"), key, wrong.join("; ")));
        }
        let path = root.child("values");
        if let Some(detail) = operator.wrong_count(values.len()) {
            let list: Value = values.iter().map(|value| Value::from(&**value)).collect();
            errors.push(Error::invalid(&path, list, detail));
        }
        for (at, value) in values.iter().enumerate() {
            let path = path.index(at);
            let numeric = matches!(operator, Operator::GreaterThan | Operator::LessThan);
            if numeric && integer(value).is_none() {
                let detail = "for 'Gt', 'Lt' operators, the value must be an integer";
                errors.push(Error::invalid(&path, &**value, detail));
            }
            let wrong = names::label_value(value);
            if !wrong.is_empty() {
                errors.push(Error::invalid(&path.key(key), &**value, wrong.join("; ")));
            }
        }
        if !errors.is_empty() {
            return Err(InvalidLabels(field::summary(&errors)));
        }
        Ok(Self { key: key.into(), operator, values })
    }

    /// Whether a label with this value meets it; `None` if the label is missing.
    #[must_use]
    pub fn matches(&self, label: Option<&str>) -> bool {
        let has = |value: &str| self.values.iter().any(|one| **one == *value);
        match self.operator {
            Operator::In | Operator::Equals | Operator::DoubleEquals => label.is_some_and(has),
            Operator::NotIn | Operator::NotEquals => !label.is_some_and(has),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::GreaterThan => self.numbers(label).is_some_and(|(label, value)| label > value),
            Operator::LessThan => self.numbers(label).is_some_and(|(label, value)| label < value),
        }
    }

    fn numbers(&self, label: Option<&str>) -> Option<(i64, i64)> {
        Some((integer(label?)?, integer(self.values.first()?)?))
    }
}

fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

impl Operator {
    fn wrong_count(self, count: usize) -> Option<&'static str> {
        match self {
            Self::In | Self::NotIn => {
                (count == 0).then_some("for 'in', 'notin' operators, values set can't be empty")
            }
            Self::Equals | Self::DoubleEquals | Self::NotEquals => {
                (count != 1).then_some("exact-match compatibility requires one single value")
            }
            Self::Exists | Self::DoesNotExist => {
                (count != 0).then_some("values set must be empty for exists and does not exist")
            }
            Self::GreaterThan | Self::LessThan => {
                (count != 1).then_some("for 'Gt', 'Lt' operators, exactly one value is required")
            }
        }
    }
}

/// The text that parses to the same selector. One that selects nothing has none and prints nothing.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, requirement) in self.requirements.iter().flatten().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &*self.key;
        let mut values: Vec<&str> = self.values.iter().map(|value| &**value).collect();
        values.sort_unstable();
        let values = values.join(",");
        match self.operator {
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::DoubleEquals => write!(f, "{key}=={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    fn check(selector: &str, selected: &[&str]) {
        let objects = [
            ("prod", value!({"metadata": {"labels": {"env": "prod", "size": "10"}}})),
            ("dev", value!({"metadata": {"labels": {"env": "dev", "size": "x"}}})),
            ("bare", value!({"metadata": {}})),
        ];
        let selector = Labels::parse(selector).expect("a selector");
        let found: Vec<_> = objects
            .iter()
            .filter(|(_, object)| selector.matches(object.meta()))
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(found, selected, "{selector}");
        assert_eq!(Labels::parse(&selector.to_string()), Ok(selector));
    }

    #[test]
    fn matching() {
        check("", &["prod", "dev", "bare"]);
        check("env=prod", &["prod"]);
        check("env==prod", &["prod"]);
        check("env!=prod", &["dev", "bare"]);
        check("env in (dev, prod),size>9", &["prod"]);
        check("env notin (dev)", &["prod", "bare"]);
        check("env", &["prod", "dev"]);
        check("!env", &["bare"]);
        check("size<11", &["prod"]);
        check("env=", &[]);
        check("env in (,dev)", &["dev"]);
    }

    #[test]
    fn nothing_and_exact_values() {
        assert!(!Labels::nothing().matches(Value::Null.meta()));
        assert!(!Labels::everything().and(Labels::nothing()).matches(Value::Null.meta()));
        let selector = Labels::parse("b in (x),a!=y").expect("a selector");
        assert_eq!((selector.exact("b"), selector.exact("a")), (Some("x"), None));
    }
}
