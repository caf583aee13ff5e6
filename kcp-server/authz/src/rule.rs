//! One RBAC rule: what it allows, and whether others cover it.

use crate::{Attributes, Target, attributes::ResourceTarget};
use kcp_apimachinery::{Map, Value, go::quote};
use std::collections::{BTreeMap, BTreeSet};

/// A `PolicyRule`. Its lists stand as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// API groups; `*` is any.
    pub api_groups: Box<[Box<str>]>,
    /// `pods`, `pods/log`, `*/scale` or `*`.
    pub resources: Box<[Box<str>]>,
    /// Names of objects; empty allows all of them.
    pub resource_names: Box<[Box<str>]>,
    /// Paths; a `*` at the end stands for anything.
    pub non_resource_urls: Box<[Box<str>]>,
    /// Verbs; `*` is any.
    pub verbs: Box<[Box<str>]>,
}

impl Rule {
    /// Reads a rule. Fields that are not as they should be count as empty, which allows nothing.
    #[must_use]
    pub fn read(rule: &Value) -> Self {
        Self {
            api_groups: strings(rule, "apiGroups"),
            resources: strings(rule, "resources"),
            resource_names: strings(rule, "resourceNames"),
            non_resource_urls: strings(rule, "nonResourceURLs"),
            verbs: strings(rule, "verbs"),
        }
    }

    /// Reads the `rules` of a Role, a ClusterRole or anything else with such a list.
    #[must_use]
    pub fn read_all(role: &Value) -> Vec<Self> {
        role.get("rules").and_then(Value::as_array).unwrap_or_default().iter().map(Self::read).collect()
    }

    /// The rule as JSON; lists that are empty are left out, except `verbs`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut rule = Map::new();
        let mut put = |key: &str, list: &[Box<str>]| {
            if !list.is_empty() || key == "verbs" {
                rule.insert(key, list.iter().map(|text| Value::from(&**text)).collect::<Value>());
            }
        };
        put("verbs", &self.verbs);
        put("apiGroups", &self.api_groups);
        put("resources", &self.resources);
        put("resourceNames", &self.resource_names);
        put("nonResourceURLs", &self.non_resource_urls);
        Value::Object(rule)
    }

    /// Whether the rule allows what is asked, whoever asks it.
    #[must_use]
    pub fn allows(&self, attributes: &Attributes) -> bool {
        has_or_any(&self.verbs, &attributes.verb)
            && match &attributes.target {
                Target::Resource(resource) => self.allows_resource(resource),
                Target::Path(path) => self.non_resource_urls.iter().any(|url| url_covers(url, path)),
            }
    }

    fn allows_resource(&self, wanted: &ResourceTarget) -> bool {
        has_or_any(&self.api_groups, &wanted.group)
            && self.resources.iter().any(|rule| resource_matches(rule, &wanted.resource, &wanted.subresource))
            && (self.resource_names.is_empty() || has(&self.resource_names, &wanted.name))
    }

    /// Single rules that together allow the same: one verb, one resource, one name or one URL each.
    fn parts(&self) -> Vec<Self> {
        let mut parts = Vec::new();
        for (group, resource, verb) in self.api_groups.iter().flat_map(|group| {
            let resources = self.resources.iter();
            resources.flat_map(move |resource| self.verbs.iter().map(move |verb| (group, resource, verb)))
        }) {
            let part = Self {
                api_groups: one(group),
                resources: one(resource),
                verbs: one(verb),
                ..Self::default()
            };
            if self.resource_names.is_empty() {
                parts.push(part);
            } else {
                let named = |name: &str| Self { resource_names: one(name), ..part.clone() };
                parts.extend(self.resource_names.iter().map(|name| named(name)));
            }
        }
        for url in &self.non_resource_urls {
            let at = |verb: &str| Self { non_resource_urls: one(url), verbs: one(verb), ..Self::default() };
            parts.extend(self.verbs.iter().map(|verb| at(verb)));
        }
        parts
    }

    /// Whether this rule alone allows all that `part` does, which is one of [`Rule::parts`].
    fn covers_part(&self, part: &Self) -> bool {
        let all = |held: &[Box<str>], wanted: &[Box<str>]| {
            has(held, "*") || wanted.iter().all(|wanted| has(held, wanted))
        };
        all(&self.verbs, &part.verbs)
            && all(&self.api_groups, &part.api_groups)
            && part.resources.iter().all(|wanted| {
                let (resource, subresource) = wanted.split_once('/').unwrap_or((wanted, ""));
                self.resources.iter().any(|held| resource_matches(held, resource, subresource))
            })
            && part
                .non_resource_urls
                .iter()
                .all(|wanted| self.non_resource_urls.iter().any(|held| url_covers(held, wanted)))
            && (self.resource_names.is_empty()
                || (!part.resource_names.is_empty()
                    && part.resource_names.iter().all(|wanted| has(&self.resource_names, wanted))))
    }

    /// How messages show a rule.
    fn describe(&self) -> String {
        let lists = [
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.non_resource_urls),
            ("ResourceNames", &self.resource_names),
            ("Verbs", &self.verbs),
        ];
        let shown: Vec<String> = lists
            .iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(name, list)| format!("{name}:{}", quote_all(list)))
            .collect();
        format!("{{{}}}", shown.join(", "))
    }
}

/// Whether `held` allows everything that `wanted` does.
///
/// # Errors
/// What is missing, as Kubernetes shows it: one line for each resource, sorted.
pub fn covers(held: &[Rule], wanted: &[Rule]) -> Result<(), Vec<String>> {
    let missing: Vec<Rule> = wanted
        .iter()
        .flat_map(Rule::parts)
        .filter(|part| !held.iter().any(|rule| rule.covers_part(part)))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(compact(missing)) }
}

/// Joins the verbs of parts that are about the same resource and nothing else.
fn compact(parts: Vec<Rule>) -> Vec<String> {
    let mut shown = BTreeSet::new();
    let mut simple: BTreeMap<Rule, Vec<Box<str>>> = BTreeMap::new();
    for part in parts {
        if part.resource_names.is_empty() && part.non_resource_urls.is_empty() {
            let verbless = Rule { verbs: Box::default(), ..part.clone() };
            simple.entry(verbless).or_default().extend(part.verbs);
        } else {
            shown.insert(part.describe());
        }
    }
    for (rule, verbs) in simple {
        shown.insert(Rule { verbs: verbs.into(), ..rule }.describe());
    }
    shown.into_iter().collect()
}

/// `%q` of a list.
pub(crate) fn quote_all<S: AsRef<str>>(texts: &[S]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| quote(text.as_ref())).collect();
    format!("[{}]", quoted.join(" "))
}

fn strings(rule: &Value, field: &str) -> Box<[Box<str>]> {
    let list = rule.get(field).and_then(Value::as_array).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(Box::from).collect()
}

fn one(text: &str) -> Box<[Box<str>]> {
    Box::new([Box::from(text)])
}

fn has(list: &[Box<str>], wanted: &str) -> bool {
    list.iter().any(|held| **held == *wanted)
}

fn has_or_any(list: &[Box<str>], wanted: &str) -> bool {
    list.iter().any(|held| **held == *"*" || **held == *wanted)
}

/// `*` is every resource and every subresource; `*/scale` is that subresource of every resource.
fn resource_matches(rule: &str, resource: &str, subresource: &str) -> bool {
    if rule == "*" {
        return true;
    }
    match rule.split_once('/') {
        None => subresource.is_empty() && rule == resource,
        Some((rule_resource, rule_subresource)) => {
            rule_subresource == subresource && (rule_resource == "*" || rule_resource == resource)
        }
    }
}

fn url_covers(rule: &str, path: &str) -> bool {
    rule == path || (rule.ends_with('*') && path.starts_with(rule.trim_end_matches('*')))
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
