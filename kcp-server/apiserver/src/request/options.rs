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
    /// `resourceVersionMatch`
    pub resource_version_match: Option<Match>,
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

/// `resourceVersionMatch`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Exactly that revision.
    Exact,
    /// That revision or a newer one.
    NotOlderThan,
}

/// A parameter that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionsError(pub String);

impl Options {
    /// Reads a query string. Unknown parameters are ignored, as Kubernetes does.
    ///
    /// # Errors
    /// A value that is not of the parameter's type, or parameters that exclude one another.
    pub fn parse(query: &str) -> Result<Self, OptionsError> {
        let mut options = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            options.set(&name, value)?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), OptionsError> {
        match name {
            "labelSelector" => self.label_selector = value,
            "fieldSelector" => self.field_selector = value,
            "limit" => self.limit = u64::try_from(integer(name, &value)?.max(0)).unwrap_or_default(),
            "continue" => self.continue_token = value,
            "resourceVersion" => self.resource_version = value,
            "resourceVersionMatch" => {
                self.resource_version_match = match value.as_str() {
                    "" => None,
                    "Exact" => Some(Match::Exact),
                    "NotOlderThan" => Some(Match::NotOlderThan),
                    _ => {
                        return Err(OptionsError(format!(
                            "resourceVersionMatch: Unsupported value: {value:?}: supported values: \"Exact\", \"NotOlderThan\", \"\""
                        )));
                    }
                };
            }
            "watch" => self.watch = boolean(&value),
            "allowWatchBookmarks" => self.bookmarks = boolean(&value),
            "sendInitialEvents" => self.initial_events = Some(boolean(&value)),
            "timeoutSeconds" => {
                let seconds = u64::try_from(integer(name, &value)?.max(0)).unwrap_or_default();
                self.timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
            }
            "dryRun" => match value.as_str() {
                "" => {}
                "All" => self.dry_run = true,
                _ => {
                    return Err(OptionsError(format!(
                        "dryRun: Unsupported value: {value:?}: supported values: \"All\""
                    )));
                }
            },
            "fieldManager" => {
                if value.len() > 128 {
                    return Err(OptionsError(
                        "fieldManager: Too long: may not be more than 128 bytes".to_owned(),
                    ));
                }
                if value.chars().any(char::is_control) {
                    return Err(OptionsError(
                        "fieldManager: Invalid value: should only contain printable characters".to_owned(),
                    ));
                }
                self.field_manager = value;
            }
            "fieldValidation" => match value.as_str() {
                "" | "Strict" | "Warn" | "Ignore" => self.field_validation = value,
                _ => {
                    return Err(OptionsError(format!(
                        "fieldValidation: Unsupported value: {value:?}: supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
                    )));
                }
            },
            "force" => self.force = Some(boolean(&value)),
            "pretty" => self.pretty = boolean(&value),
            "propagationPolicy" => self.propagation = value,
            "gracePeriodSeconds" => self.grace_period = Some(integer(name, &value)?),
            "orphanDependents" => self.orphan_dependents = Some(boolean(&value)),
            "includeObject" => self.include_object = value,
            _ => {}
        }
        Ok(())
    }
}

fn integer(name: &str, value: &str) -> Result<i64, OptionsError> {
    value
        .parse()
        .map_err(|_| OptionsError(format!("strconv.ParseInt: parsing {value:?}: invalid syntax ({name})")))
}

/// Kubernetes takes anything but `false` and `0` for true.
fn boolean(value: &str) -> bool {
    !matches!(value.to_ascii_lowercase().as_str(), "false" | "0")
}

fn decode(text: &str) -> Result<String, OptionsError> {
    let malformed = || OptionsError("the query is not well formed".to_owned());
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
        assert!(Options::parse("dryRun=Some").is_err());
        assert!(Options::parse("a=%f").is_err());
    }
}
