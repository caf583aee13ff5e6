//! Regular expressions in Go's syntax, matched by the `regex` crate.
//!
//! The two engines are alike: no backtracking, leftmost match, `$` only at the end of the text. Their
//! syntax is not: `translate` reads Go's and writes one that `regex` reads the same way, and
//! refuses what Go refuses. Compiled expressions are kept in a small cache shared by all schemas, since
//! one takes more memory than the schema that has it.

mod translate;

use regex::{Regex, RegexBuilder};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Most bytes that one compiled expression takes.
const SIZE_LIMIT: usize = 2 << 20;
/// Most expressions in each of the two generations of the cache.
const GENERATION: usize = 64;

/// Why an expression is none, as Go says it: `` missing closing ]: `[a` ``.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0}")]
pub struct InvalidRegex(pub String);

/// Whether the text matches somewhere.
///
/// # Errors
/// An expression that Go would refuse, or one that takes too much memory.
pub fn is_match(pattern: &str, text: &str) -> Result<bool, InvalidRegex> {
    Ok(compiled(pattern)?.is_match(text))
}

/// Where the expression matches first: the range in bytes.
///
/// # Errors
/// As [`is_match`].
pub fn find(pattern: &str, text: &str) -> Result<Option<std::ops::Range<usize>>, InvalidRegex> {
    Ok(compiled(pattern)?.find(text).map(|found| found.range()))
}

/// The first so many matches, in the order of the text: their ranges in bytes.
///
/// # Errors
/// As [`is_match`].
pub fn find_all(pattern: &str, text: &str, most: usize) -> Result<Vec<std::ops::Range<usize>>, InvalidRegex> {
    Ok(compiled(pattern)?.find_iter(text).take(most).map(|found| found.range()).collect())
}

/// Whether an expression is one.
///
/// # Errors
/// As [`is_match`].
pub fn check(pattern: &str) -> Result<(), InvalidRegex> {
    compiled(pattern).map(drop)
}

pub(crate) fn compiled(pattern: &str) -> Result<Regex, InvalidRegex> {
    static CACHE: Mutex<Option<Cache>> = Mutex::new(None);
    if let Some(known) =
        CACHE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().find(pattern)
    {
        return Ok(known);
    }
    let regex = RegexBuilder::new(&translate::translate(pattern)?)
        .size_limit(SIZE_LIMIT)
        .build()
        .map_err(|_| InvalidRegex(format!("expression too large: `{pattern}`")))?;
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    cache.get_or_insert_default().insert(pattern, regex.clone());
    Ok(regex)
}

/// What was used since the generation changed, and what was used before. A clone of a [`Regex`] is cheap.
#[derive(Default)]
struct Cache {
    young: HashMap<Box<str>, Regex>,
    old: HashMap<Box<str>, Regex>,
}

impl Cache {
    fn find(&mut self, pattern: &str) -> Option<Regex> {
        if let Some(known) = self.young.get(pattern) {
            return Some(known.clone());
        }
        let known = self.old.remove(pattern)?;
        self.insert(pattern, known.clone());
        Some(known)
    }

    fn insert(&mut self, pattern: &str, regex: Regex) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(pattern.into(), regex);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        for text in matching {
            assert_eq!(is_match(pattern, text), Ok(true), "{pattern} on {text}");
        }
        for text in others {
            assert_eq!(is_match(pattern, text), Ok(false), "{pattern} on {text}");
        }
    }

    fn refused(pattern: &str, why: &str) {
        assert_eq!(super::check(pattern), Err(InvalidRegex(why.into())), "{pattern}");
    }

    #[test]
    fn classes_are_those_of_ascii() {
        check(r"^\d$", &["7"], &["٣"]);
        check(r"^\s$", &[" ", "\t"], &["\u{a0}", "\u{b}"]);
        check(r"^[\w-]+$", &["a-b_c"], &["é"]);
        check(r"^\W$", &["é"], &["e"]);
        check(r"^[^\d]$", &["٣"], &["3"]);
        check(r"^[[:alpha:]]+$", &["ab"], &["é"]);
    }

    #[test]
    fn set_operators_are_characters() {
        check(r"^[a&&b]$", &["a", "&", "b"], &["c"]);
        check(r"^[a~~b]$", &["~"], &["c"]);
        check(r"^\<a$", &["<a"], &["a"]);
        check(r"^[[a]$", &["[", "a"], &["]"]);
        check(r"^[]a]$", &["]", "a"], &["["]);
        check(r"^[a-c-]$", &["b", "-"], &["d"]);
    }

    #[test]
    fn what_go_reads_differently() {
        check(r"^\Qa.b\E$", &["a.b"], &["axb"]);
        check(r"^a{,2}$", &["a{,2}"], &["a"]);
        check(r"^{}$", &["{}"], &[]);
        check(r"^\101$", &["A"], &[]);
        check(r"^(?i:aB)c$", &["AbC".get(..2).map_or("", |_| "Abc")], &["AbC"]);
        check(r"^\p{^Greek}$", &["a"], &["α"]);
        check(r"^\pL$", &["α"], &["1"]);
        check(r"(?P<name>a)\b", &["a b"], &["ab"]);
        check(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", &["a.b-c"], &["A", "-a"]);
    }

    #[test]
    fn what_go_refuses() {
        refused("a**", "invalid nested repetition operator: `**`");
        refused("x{2}{3}", "invalid nested repetition operator: `{2}{3}`");
        refused("a{1001}", "invalid repeat count: `{1001}`");
        refused("a{2,1}", "invalid repeat count: `{2,1}`");
        refused("*", "missing argument to repetition operator: `*`");
        refused("[[:letters:]]", "invalid character class range: `[:letters:]`");
        refused("[a", "missing closing ]: `[a`");
        refused("(a", "missing closing ): `(a`");
        refused("a)", "unexpected ): `a)`");
        refused("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
        refused("(?x)a", "invalid or unsupported Perl syntax: `(?x`");
        refused(r"\1", r"invalid escape sequence: `\1`");
        refused(r"\C", r"invalid escape sequence: `\C`");
        refused(r"\Z", r"invalid escape sequence: `\Z`");
        refused(r"[b-a]", "invalid character class range: `b-a`");
        refused(r"[a--b]", "invalid character class range: `a--`");
        refused(r"\", r"trailing backslash at end of expression: ``");
        refused(r"\u{61}", r"invalid escape sequence: `\u`");
    }
}
