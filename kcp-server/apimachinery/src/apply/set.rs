use super::element;
use crate::{Name, shape::Shape};
use std::{cmp::Ordering, fmt};

/// A set of fields of an object: what one manager owns, what changed, what is to be removed.
///
/// A field is a path of elements, each spelt as in `fieldsV1`: `f:name` a member, `k:{"name":"a"}`
/// an element of a list by its keys, `v:"a"` by its value, `i:0` by its position. A set is a tree
/// of these, sorted, in which any node may be a field itself (an owner of a whole list element owns
/// the element and fields below it).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set(Vec<Entry>);

/// An element, whether the path that ends here is in the set, and what lies below.
///
/// An entry is a member or has something below, else it is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) element: Name,
    pub(super) member: bool,
    pub(super) below: Set,
}

impl Entry {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl Set {
    /// No fields.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The fields at these paths of members.
    #[must_use]
    pub fn of(paths: &[&[&str]]) -> Self {
        let mut set = Self::new();
        for path in paths {
            let path: Vec<Name> = path.iter().map(|name| element::field(name)).collect();
            set.insert(&path);
        }
        set
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|entry| usize::from(entry.member) + entry.below.len()).sum()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    pub(super) fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.0.iter_mut()
    }

    fn find(&self, element: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|entry| entry.element.as_str().cmp(element))
    }

    pub(super) fn get(&self, element: &str) -> Option<&Entry> {
        self.find(element).ok().map(|at| &self.0[at])
    }

    /// The entry of a member, found without spelling its element.
    pub(super) fn get_field(&self, name: &str) -> Option<&Entry> {
        let compare = |entry: &Entry| match entry.element.strip_prefix("f:") {
            Some(field) => field.cmp(name),
            None => Ordering::Greater,
        };
        self.0.binary_search_by(compare).ok().map(|at| &self.0[at])
    }

    fn force(&mut self, element: &Name) -> &mut Entry {
        let at = match self.find(element) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, Entry { element: element.clone(), member: false, below: Self::new() });
                at
            }
        };
        &mut self.0[at]
    }

    /// Adds an entry; one that says nothing is left out.
    pub(super) fn put(&mut self, element: Name, member: bool, below: Set) {
        let entry = Entry { element, member, below };
        if entry.is_empty() {
            return;
        }
        // Walks go in order, so this is the common case.
        if self.0.last().is_none_or(|last| last.element < entry.element) {
            self.0.push(entry);
            return;
        }
        let found = self.force(&entry.element);
        found.member |= entry.member;
        found.below = std::mem::take(&mut found.below).union(entry.below);
    }

    pub(super) fn insert(&mut self, path: &[Name]) {
        let Some((first, rest)) = path.split_first() else { return };
        let entry = self.force(first);
        if rest.is_empty() {
            entry.member = true;
        } else {
            entry.below.insert(rest);
        }
    }

    pub(super) fn contains(&self, path: &[Name]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        self.get(first)
            .is_some_and(|entry| if rest.is_empty() { entry.member } else { entry.below.contains(rest) })
    }

    /// The fields of either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        if other.is_empty() {
            return self;
        }
        if self.is_empty() {
            return other;
        }
        let mut out = Vec::with_capacity(self.0.len().max(other.0.len()));
        let (mut left, mut right) = (self.0.into_iter().peekable(), other.0.into_iter().peekable());
        while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
            match l.element.cmp(&r.element) {
                Ordering::Less => out.extend(left.next()),
                Ordering::Greater => out.extend(right.next()),
                Ordering::Equal => {
                    if let (Some(l), Some(r)) = (left.next(), right.next()) {
                        let below = l.below.union(r.below);
                        out.push(Entry { element: l.element, member: l.member || r.member, below });
                    }
                }
            }
        }
        out.extend(left);
        out.extend(right);
        Self(out)
    }

    /// The fields of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        for entry in &self.0 {
            let Some(same) = other.get(&entry.element) else { continue };
            let both = Entry {
                element: entry.element.clone(),
                member: entry.member && same.member,
                below: entry.below.intersection(&same.below),
            };
            if !both.is_empty() {
                out.push(both);
            }
        }
        Self(out)
    }

    /// The fields that are not in `other`. What lies below a field of `other` stays.
    #[must_use]
    pub fn difference(self, other: &Self) -> Self {
        self.subtract(other, false)
    }

    /// The fields that are neither in `other` nor below one of its fields.
    #[must_use]
    pub fn recursive_difference(self, other: &Self) -> Self {
        self.subtract(other, true)
    }

    fn subtract(mut self, other: &Self, recursive: bool) -> Self {
        if other.is_empty() {
            return self;
        }
        self.0.retain_mut(|entry| {
            let Some(gone) = other.get(&entry.element) else { return true };
            entry.member &= !gone.member;
            entry.below = if recursive && gone.member {
                Self::new()
            } else {
                std::mem::take(&mut entry.below).subtract(&gone.below, recursive)
            };
            !entry.is_empty()
        });
        self
    }

    /// Whether every field is also in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().all(|entry| {
            other
                .get(&entry.element)
                .is_some_and(|same| same.member >= entry.member && entry.below.is_subset(&same.below))
        })
    }

    /// Also has the members that the schema names and below which there are fields.
    pub(super) fn with_named(mut self, shape: &dyn Shape) -> Self {
        for entry in &mut self.0 {
            if entry.below.is_empty() {
                continue;
            }
            let field = entry.element.strip_prefix("f:").filter(|_| shape.map().is_some());
            if field.is_some_and(|name| shape.declared(name).is_some()) {
                entry.member = true;
            }
            if let Some(shape) = element::shape_below(shape, &entry.element) {
                entry.below = std::mem::take(&mut entry.below).with_named(shape);
            }
        }
        self
    }

    /// Every field as a path of elements, those of one level before those below them.
    pub(super) fn paths(&self) -> Vec<Vec<Name>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, prefix: &mut Vec<Name>, out: &mut Vec<Vec<Name>>) {
        for entry in self.0.iter().filter(|entry| entry.member) {
            prefix.push(entry.element.clone());
            out.push(prefix.clone());
            prefix.pop();
        }
        for entry in &self.0 {
            prefix.push(entry.element.clone());
            entry.below.collect(prefix, out);
            prefix.pop();
        }
    }
}

/// The fields as messages show them, one a line.
impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.paths().iter().map(|path| element::show(path)).collect();
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(paths: &[&str]) -> Set {
        let mut set = Set::new();
        for path in paths {
            let path: Vec<Name> = path.split('.').map(element::field).collect();
            set.insert(&path);
        }
        set
    }

    #[test]
    fn operations() {
        let (left, right) = (set(&["a", "a.b", "c.d"]), set(&["a", "c.d", "c.e"]));
        assert_eq!(left.clone().union(right.clone()), set(&["a", "a.b", "c.d", "c.e"]));
        assert_eq!(left.intersection(&right), set(&["a", "c.d"]));
        assert_eq!(left.clone().difference(&right), set(&["a.b"]));
        assert_eq!(left.clone().recursive_difference(&right), Set::new());
        assert!(set(&["a", "c.d"]).is_subset(&left) && !right.is_subset(&left));
        assert_eq!((left.len(), Set::new().is_empty()), (3, true));
        assert_eq!(left.to_string(), ".a\n.a.b\n.c.d");
    }

    #[test]
    fn members_are_found() {
        let set = set(&["b", "a.x"]);
        assert!(set.get_field("b").is_some_and(|entry| entry.member));
        assert!(set.get_field("a").is_some_and(|entry| !entry.member));
        assert!(set.get_field("c").is_none());
    }
}
