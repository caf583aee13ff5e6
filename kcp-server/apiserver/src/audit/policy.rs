//! The audit policy: which requests are written down, and how much of them (`audit.k8s.io/v1`).

use kcp_apimachinery::Value;

/// How much of a request is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    None,
    /// Who, what, when, and the answer's code.
    Metadata,
    /// The body of the request, too.
    Request,
    /// The body of the answer as well; it is treated as `Request`, and told so when the policy is read.
    RequestResponse,
}

/// Rules; the first that fits decides.
#[derive(Clone, Debug, Default)]
pub struct Policy(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    level: Level,
    users: Vec<String>,
    groups: Vec<String>,
    verbs: Vec<String>,
    resources: Vec<Resources>,
    namespaces: Vec<String>,
    paths: Vec<String>,
}

#[derive(Clone, Debug)]
struct Resources {
    group: String,
    resources: Vec<String>,
    names: Vec<String>,
}

/// A policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit policy: {0}")]
pub struct AuditError(String);

impl Level {
    /// As the policy spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }

    fn read(text: &str) -> Result<Self, AuditError> {
        match text {
            "None" => Ok(Self::None),
            "Metadata" => Ok(Self::Metadata),
            "Request" => Ok(Self::Request),
            "RequestResponse" => Ok(Self::RequestResponse),
            _ => Err(AuditError(format!("unknown level {text:?}"))),
        }
    }
}

impl Policy {
    /// Everything at one level.
    #[must_use]
    pub fn everything(level: Level) -> Self {
        let none = Vec::new;
        Self(vec![Rule {
            level,
            users: none(),
            groups: none(),
            verbs: none(),
            resources: Vec::new(),
            namespaces: none(),
            paths: none(),
        }])
    }

    /// Reads a policy file's content.
    ///
    /// # Errors
    /// It is no policy of `audit.k8s.io/v1`, or has no rules.
    pub fn read(policy: &Value) -> Result<Self, AuditError> {
        if policy.str_at(&["kind"]) != Some("Policy")
            || policy.str_at(&["apiVersion"]) != Some("audit.k8s.io/v1")
        {
            return Err(AuditError("it must be a Policy of audit.k8s.io/v1".to_owned()));
        }
        let rules = policy.get("rules").and_then(Value::as_array).unwrap_or_default();
        if rules.is_empty() {
            return Err(AuditError("it has no rules".to_owned()));
        }
        rules.iter().map(Rule::read).collect::<Result<_, _>>().map(Self)
    }

    /// The level of a request that is told as an event.
    pub(crate) fn level(&self, event: &Value) -> Level {
        self.0.iter().find(|rule| rule.fits(event)).map_or(Level::None, |rule| rule.level)
    }
}

impl Rule {
    fn read(rule: &Value) -> Result<Self, AuditError> {
        let resources = rule.get("resources").and_then(Value::as_array).unwrap_or_default();
        Ok(Self {
            level: Level::read(rule.str_at(&["level"]).unwrap_or_default())?,
            users: texts(rule, "users"),
            groups: texts(rule, "userGroups"),
            verbs: texts(rule, "verbs"),
            resources: resources
                .iter()
                .map(|entry| Resources {
                    group: entry.str_at(&["group"]).unwrap_or_default().to_owned(),
                    resources: texts(entry, "resources"),
                    names: texts(entry, "resourceNames"),
                })
                .collect(),
            namespaces: texts(rule, "namespaces"),
            paths: texts(rule, "nonResourceURLs"),
        })
    }

    fn fits(&self, event: &Value) -> bool {
        let text = |path: &[&str]| event.str_at(path).unwrap_or_default();
        let among = |list: &[String], wanted: &str| list.is_empty() || list.iter().any(|item| item == wanted);
        let groups = event.at(&["user", "groups"]).and_then(Value::as_array).unwrap_or_default();
        let in_group = self.groups.is_empty()
            || groups.iter().filter_map(Value::as_str).any(|g| self.groups.iter().any(|w| w == g));
        if !among(&self.users, text(&["user", "username"]))
            || !in_group
            || !among(&self.verbs, text(&["verb"]))
        {
            return false;
        }
        let resource = event.get("objectRef").is_some();
        if !self.resources.is_empty() || !self.namespaces.is_empty() {
            return resource
                && among(&self.namespaces, text(&["objectRef", "namespace"]))
                && (self.resources.is_empty() || self.resources.iter().any(|wanted| wanted.fit(event)));
        }
        if !self.paths.is_empty() {
            let path = text(&["requestURI"]).split('?').next().unwrap_or_default();
            return !resource && self.paths.iter().any(|pattern| fits_path(pattern, path));
        }
        true
    }
}

impl Resources {
    fn fit(&self, event: &Value) -> bool {
        let text = |name: &str| event.str_at(&["objectRef", name]).unwrap_or_default();
        let (resource, sub) = (text("resource"), text("subresource"));
        let full = if sub.is_empty() { resource.to_owned() } else { format!("{resource}/{sub}") };
        let named = |pattern: &String| {
            *pattern == full
                || pattern == "*"
                || pattern.strip_prefix("*/").is_some_and(|wanted| wanted == sub && !sub.is_empty())
                || pattern.strip_suffix("/*").is_some_and(|wanted| wanted == resource)
        };
        self.group == text("apiGroup")
            && (self.resources.is_empty() || self.resources.iter().any(named))
            && (self.names.is_empty() || self.names.iter().any(|name| name == text("name")))
    }
}

fn fits_path(pattern: &str, path: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == path, |prefix| path.starts_with(prefix))
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let items = value.get(name).and_then(Value::as_array).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    fn check(rule: Value, event: Value, expected: Level) {
        let policy = value!({"kind": "Policy", "apiVersion": "audit.k8s.io/v1", "rules": [(rule), {"level": "Metadata"}]});
        assert_eq!(Policy::read(&policy).expect("a policy").level(&event), expected);
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let secrets = || value!({"level": "None", "resources": [{"group": "", "resources": ["secrets"]}]});
        check(secrets(), value!({"verb": "get", "objectRef": {"resource": "secrets"}}), Level::None);
        check(
            secrets(),
            value!({"verb": "get", "objectRef": {"resource": "secrets", "subresource": "x"}}),
            Level::Metadata,
        );
        check(secrets(), value!({"verb": "get", "requestURI": "/healthz"}), Level::Metadata);
        let paths = value!({"level": "None", "nonResourceURLs": ["/healthz*"]});
        check(paths, value!({"verb": "get", "requestURI": "/healthz/x?verbose"}), Level::None);
    }

    #[test]
    fn bad_policies_are_refused() {
        assert!(Policy::read(&value!({"kind": "Policy", "apiVersion": "audit.k8s.io/v1"})).is_err());
        let level = value!({"kind": "Policy", "apiVersion": "audit.k8s.io/v1", "rules": [{"level": "Some"}]});
        assert!(Policy::read(&level).is_err());
    }
}
