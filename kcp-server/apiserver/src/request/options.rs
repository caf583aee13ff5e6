use super::Verb;
use kcp_apimachinery::{
    field::{self, Path},
    meta::validate_field_manager,
};
use std::time::Duration;

/// The query parameters that the API machinery knows, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `labelSelector`
    pub label_selector: String,
    /// `fieldSelector`
    pub field_selector: String,
    /// `limit`; 0: none.
    pub limit: u64,
    /// `continue`
    pub continue_token: String,
    /// `resourceVersion`, as it came.
    pub resource_version: String,
    /// `resourceVersionMatch`, as it came.
    pub resource_version_match: String,
    /// `watch`
    pub watch: bool,
    /// `allowWatchBookmarks`
    pub bookmarks: bool,
    /// `sendInitialEvents`
    pub initial_events: Option<bool>,
    /// `timeoutSeconds`
    pub timeout: Option<Duration>,
    /// `dryRun=All`
    pub dry_run: bool,
    /// All values of `dryRun`, as they came.
    pub dry_runs: Vec<String>,
    /// `fieldManager`
    pub field_manager: String,
    /// `fieldValidation`: `Strict`, `Warn`, `Ignore`; empty when not given.
    pub field_validation: String,
    /// `force`
    pub force: Option<bool>,
    /// `pretty`
    pub pretty: bool,
    /// `propagationPolicy`
    pub propagation: String,
    /// `gracePeriodSeconds`
    pub grace_period: Option<i64>,
    /// `orphanDependents`
    pub orphan_dependents: Option<bool>,
    /// `includeObject`, of tables.
    pub include_object: String,
}

const EXACT: &str = "Exact";
const NOT_OLDER_THAN: &str = "NotOlderThan";
const NO_MATCH_WITH_CONTINUE: &str = "resourceVersionMatch is forbidden when continue is provided";

/// `resourceVersionMatch`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Exactly that revision.
    Exact,
    /// That revision or a newer one.
    NotOlderThan,
}

/// Parameters that cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OptionsError {
    /// A value that is not of the parameter's type.
    #[error("{0}")]
    Unreadable(String),
    /// Values that are not allowed, or not together.
    #[error("{kind}.meta.k8s.io \"\" is invalid: {}", field::summary(errors))]
    Invalid {
        /// `ListOptions`, `PatchOptions`, …
        kind: &'static str,
        /// What is wrong.
        errors: Vec<field::Error>,
    },
}

impl Options {
    /// Reads a query string. Unknown parameters are ignored, as Kubernetes does.
    ///
    /// # Errors
    /// A value that is not of the parameter's type.
    pub fn parse(query: &str) -> Result<Self, OptionsError> {
        let mut options = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            options.set(&name, value)?;
        }
        Ok(options)
    }

    /// What is wrong with the parameters for this verb, in the words of Kubernetes. Parameters of other verbs
    /// do not count.
    ///
    /// # Errors
    /// [`OptionsError::Invalid`]
    pub fn check(&self, verb: Verb, apply: bool) -> Result<(), OptionsError> {
        let (kind, errors) = match verb {
            Verb::Get => return Ok(()),
            Verb::Watch => ("ListOptions", self.wrong_for_watch()),
            Verb::List | Verb::DeleteCollection => ("ListOptions", self.wrong_for_list()),
            Verb::Create => ("CreateOptions", self.wrong_for_write()),
            Verb::Update => ("UpdateOptions", self.wrong_for_write()),
            Verb::Patch => ("PatchOptions", self.wrong_for_patch(apply)),
            // Looked at together with the body.
            Verb::Delete => return Ok(()),
        };
        if errors.is_empty() { Ok(()) } else { Err(OptionsError::Invalid { kind, errors }) }
    }

    /// The wanted relation to `resourceVersion`, if it is a known one.
    #[must_use]
    pub fn matching(&self) -> Option<Match> {
        match self.resource_version_match.as_str() {
            EXACT => Some(Match::Exact),
            NOT_OLDER_THAN => Some(Match::NotOlderThan),
            _ => None,
        }
    }

    fn wrong_for_list(&self) -> Vec<field::Error> {
        let (at, given) = (Path::new("resourceVersionMatch"), self.resource_version_match.as_str());
        let mut errors = Vec::new();
        if !given.is_empty() {
            if self.resource_version.is_empty() {
                let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
                errors.push(field::Error::forbidden(&at, why));
            }
            if !self.continue_token.is_empty() {
                errors.push(field::Error::forbidden(&at, NO_MATCH_WITH_CONTINUE));
            }
            if self.matching().is_none() {
                errors.push(field::Error::not_supported(&at, given, &[EXACT, NOT_OLDER_THAN, ""]));
            }
            if given == EXACT && self.resource_version == "0" {
                let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                errors.push(field::Error::forbidden(&at, why));
            }
        }
        if self.initial_events.is_some() {
            let why = "sendInitialEvents is forbidden for list";
            errors.push(field::Error::forbidden(&Path::new("sendInitialEvents"), why));
        }
        errors
    }

    fn wrong_for_watch(&self) -> Vec<field::Error> {
        let (at, given) = (Path::new("resourceVersionMatch"), self.resource_version_match.as_str());
        let mut errors = Vec::new();
        if self.initial_events.is_some() && given != NOT_OLDER_THAN {
            let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            errors.push(field::Error::forbidden(&at, why));
        }
        if !given.is_empty() {
            if self.initial_events.is_none() {
                let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                errors.push(field::Error::forbidden(&at, why));
            }
            if given != NOT_OLDER_THAN {
                errors.push(field::Error::not_supported(&at, given, &[NOT_OLDER_THAN]));
            }
        }
        if !self.continue_token.is_empty() {
            errors.push(field::Error::forbidden(&at, NO_MATCH_WITH_CONTINUE));
        }
        errors
    }

    fn wrong_for_write(&self) -> Vec<field::Error> {
        let mut errors = wrong_dry_runs(&self.dry_runs);
        errors.extend(validate_field_manager(&self.field_manager, &Path::new("fieldManager")));
        let modes = ["", "Ignore", "Strict", "Warn"];
        if !modes.contains(&self.field_validation.as_str()) {
            let at = Path::new("fieldValidation");
            errors.push(field::Error::not_supported(&at, self.field_validation.as_str(), &modes));
        }
        errors
    }

    fn wrong_for_patch(&self, apply: bool) -> Vec<field::Error> {
        let mut errors = Vec::new();
        if apply && self.field_manager.is_empty() {
            let why = "is required for apply patch";
            errors.push(field::Error::required(&Path::new("fieldManager"), why));
        }
        if !apply && self.force.is_some() {
            let why = "may not be specified for non-apply patch";
            errors.push(field::Error::forbidden(&Path::new("force"), why));
        }
        errors.extend(self.wrong_for_write());
        errors
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), OptionsError> {
        match name {
            "labelSelector" => self.label_selector = value,
            "fieldSelector" => self.field_selector = value,
            "limit" => self.limit = u64::try_from(integer(&value)?.max(0)).unwrap_or_default(),
            "continue" => self.continue_token = value,
            "resourceVersion" => self.resource_version = value,
            "resourceVersionMatch" => self.resource_version_match = value,
            "watch" => self.watch = boolean(&value),
            "allowWatchBookmarks" => self.bookmarks = boolean(&value),
            "sendInitialEvents" => self.initial_events = Some(boolean(&value)),
            "timeoutSeconds" => {
                let seconds = u64::try_from(integer(&value)?.max(0)).unwrap_or_default();
                self.timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
            }
            "dryRun" => {
                self.dry_run |= value == "All";
                self.dry_runs.push(value);
            }
            "fieldManager" => self.field_manager = value,
            "fieldValidation" => self.field_validation = value,
            "force" => self.force = Some(boolean(&value)),
            "pretty" => self.pretty = boolean(&value),
            "propagationPolicy" => self.propagation = value,
            "gracePeriodSeconds" => self.grace_period = Some(integer(&value)?),
            "orphanDependents" => self.orphan_dependents = Some(boolean(&value)),
            "includeObject" => self.include_object = value,
            _ => {}
        }
        Ok(())
    }
}

/// What is wrong with the values of `dryRun`.
#[must_use]
pub(crate) fn wrong_dry_runs(given: &[String]) -> Vec<field::Error> {
    if given.iter().all(|value| value == "All" || value.is_empty()) {
        return Vec::new();
    }
    let all: kcp_apimachinery::Value =
        given.iter().map(|value| kcp_apimachinery::Value::from(value.as_str())).collect();
    vec![field::Error::not_supported(&Path::new("dryRun"), all, &["All"])]
}

fn integer(value: &str) -> Result<i64, OptionsError> {
    value.parse().map_err(|_| {
        let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
        let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let why = if number { "value out of range" } else { "invalid syntax" };
        OptionsError::Unreadable(format!("strconv.ParseInt: parsing {value:?}: {why}"))
    })
}

/// Kubernetes takes anything but `false` and `0` for true.
fn boolean(value: &str) -> bool {
    !matches!(value.to_ascii_lowercase().as_str(), "false" | "0")
}

fn decode(text: &str) -> Result<String, OptionsError> {
    let malformed = || OptionsError::Unreadable("the query is not well formed".to_owned());
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit =
                    || bytes.next().and_then(|b| char::from(b).to_digit(16)).ok_or_else(malformed);
                let value = digit()? * 16 + digit()?;
                out.push(u8::try_from(value).map_err(|_| malformed())?);
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let options =
            Options::parse("labelSelector=a%3Db%2Cc+in+%28d%29&limit=500&watch=1&timeoutSeconds=30&x=y")
                .expect("sound");
        assert_eq!(options.label_selector, "a=b,c in (d)");
        assert_eq!((options.limit, options.watch), (500, true));
        assert_eq!(options.timeout, Some(Duration::from_secs(30)));
        assert!(Options::parse("limit=many").is_err());
        assert!(Options::parse("a=%f").is_err());
    }

    fn check(verb: Verb, query: &str, expected: &str) {
        let options = Options::parse(query).expect(query);
        let told = options.check(verb, query.contains("apply")).err().map(|error| error.to_string());
        assert_eq!(told.unwrap_or_default(), expected, "{} {query}", verb.as_str());
    }

    #[test]
    fn what_is_not_allowed_for_a_verb_is_told() {
        check(Verb::List, "dryRun=x&fieldValidation=x&limit=1", "");
        check(
            Verb::List,
            "resourceVersionMatch=Exact&continue=x",
            r#"ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided]"#,
        );
        check(
            Verb::List,
            "resourceVersionMatch=Exact&resourceVersion=0",
            r#"ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0""#,
        );
        check(
            Verb::Watch,
            "watch=1&sendInitialEvents=true",
            r#"ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"#,
        );
        check(Verb::Watch, "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", "");
        check(
            Verb::Create,
            "dryRun=Some&fieldValidation=Bogus",
            r#"CreateOptions.meta.k8s.io "" is invalid: [dryRun: Unsupported value: ["Some"]: supported values: "All", fieldValidation: Unsupported value: "Bogus": supported values: "", "Ignore", "Strict", "Warn"]"#,
        );
        check(
            Verb::Patch,
            "apply",
            r#"PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch"#,
        );
        check(
            Verb::Patch,
            "force=true",
            r#"PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch"#,
        );
        check(Verb::Patch, "apply&force=true&fieldManager=me", "");
    }
}
