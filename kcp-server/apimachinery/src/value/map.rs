use super::Value;
use std::{
    borrow::Borrow,
    fmt,
    ops::Deref,
    sync::{Arc, LazyLock},
};

/// The name of a member. Names that occur in every object share one allocation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Names that nearly every object repeats.
static COMMON: LazyLock<hashbrown::HashSet<Arc<str>>> = LazyLock::new(|| {
    "apiVersion kind metadata spec status data name namespace uid labels annotations resourceVersion \
     generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds finalizers ownerReferences \
     managedFields manager operation time fieldsType fieldsV1 subresource generateName type reason message \
     lastTransitionTime observedGeneration conditions phase controller blockOwnerDeletion items rules verbs \
     resources apiGroups resourceNames nonResourceURLs subjects roleRef apiGroup group versions schema \
     openAPIV3Schema properties description format required default enum pattern selector matchLabels \
     matchExpressions key operator values template replicas containers image ports f:metadata f:spec \
     f:status f:labels f:annotations f:data . value path reference export"
        .split_whitespace()
        .map(Arc::from)
        .collect()
});

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(COMMON.get(text).cloned().unwrap_or_else(|| text.into()))
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&String> for Name {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The members of an object, sorted by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map(Vec<(Name, Value)>);

impl Map {
    /// No members.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(key, _)| key.as_str().cmp(name))
    }

    /// A member's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.find(name).ok().map(|at| &self.0[at].1)
    }

    /// A member's value for change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.find(name).ok().map(|at| &mut self.0[at].1)
    }

    /// Whether a member of this name exists.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Sets a member and gives back what it was.
    pub fn insert(&mut self, name: impl Into<Name>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        // Decoding canonical JSON appends in order.
        if self.0.last().is_none_or(|(last, _)| *last < name) {
            self.0.push((name, value));
            return None;
        }
        match self.find(&name) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (name, value));
                None
            }
        }
    }

    /// A map of members in any order, and the names that occur more than once. The last of these
    /// counts. This costs a sort, where inserting one by one could cost the square.
    #[must_use]
    pub fn collect(mut members: Vec<(Name, Value)>) -> (Self, Vec<Name>) {
        let mut twice = Vec::new();
        if !members.is_sorted_by(|(left, _), (right, _)| left < right) {
            members.sort_by(|(left, _), (right, _)| left.cmp(right));
            members.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    std::mem::swap(&mut later.1, &mut earlier.1);
                    twice.push(earlier.0.clone());
                }
                same
            });
        }
        (Self(members), twice)
    }

    /// Takes in the members of another map: `merge` says what becomes of each, given the value that
    /// is here. It costs one pass, however many members there are.
    ///
    /// # Errors
    /// The first of `merge`; then the members are lost.
    pub fn merge_with<E>(
        &mut self,
        other: Self,
        mut merge: impl FnMut(&str, Option<Value>, Value) -> Result<Option<Value>, E>,
    ) -> Result<(), E> {
        if other.is_empty() {
            return Ok(());
        }
        let mut out = Vec::with_capacity(self.len().max(other.len()));
        let mut here = std::mem::take(&mut self.0).into_iter().peekable();
        for (name, value) in other {
            while let Some(before) = here.next_if(|(here, _)| *here < name) {
                out.push(before);
            }
            let (name, current) = match here.next_if(|(here, _)| *here == name) {
                Some((name, current)) => (name, Some(current)),
                None => (name, None),
            };
            if let Some(merged) = merge(&name, current, value)? {
                out.push((name, merged));
            }
        }
        out.extend(here);
        self.0 = out;
        Ok(())
    }

    /// A member for change, `null` first when it was missing.
    pub fn entry(&mut self, name: &str) -> &mut Value {
        let at = match self.find(name) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (name.into(), Value::Null));
                at
            }
        };
        &mut self.0[at].1
    }

    /// Removes a member and gives it back.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.find(name).ok().map(|at| self.0.remove(at).1)
    }

    /// Keeps the members for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.0.retain_mut(|(name, value)| keep(name, value));
    }

    /// The members in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> + Clone {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The members for change, in the order of their names.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&str, &mut Value)> {
        self.0.iter_mut().map(|(name, value)| (name.as_str(), value))
    }

    /// The names in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The names in order, to be kept.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &Name> + Clone {
        self.0.iter().map(|(name, _)| name)
    }
}

impl IntoIterator for Map {
    type Item = (Name, Value);
    type IntoIter = std::vec::IntoIter<(Name, Value)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<N: Into<Name>, V: Into<Value>> FromIterator<(N, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(members: I) -> Self {
        Self::collect(members.into_iter().map(|(name, value)| (name.into(), value.into())).collect()).0
    }
}
