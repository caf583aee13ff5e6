//! Asking whether a request would be allowed: the four kinds of access reviews.

use crate::{Attributes, Decision, Reach, ResourceTarget, Target, User, Verdict};
use kcp_apimachinery::{
    Map, Value,
    field::{Error, Path},
};

/// A review that was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessReview<'a> {
    /// `SelfSubjectAccessReview`: about whoever asks.
    Own(&'a User),
    /// `SubjectAccessReview`: about anybody.
    Anybody,
    /// `LocalSubjectAccessReview`: about anybody, in one namespace.
    Namespaced(&'a str),
}

impl AccessReview<'_> {
    /// The question that the object of a review asks.
    ///
    /// # Errors
    /// What is wrong with its fields; 422.
    pub fn question(&self, object: &Value, reach: &Reach) -> Result<Attributes, Vec<Error>> {
        let spec = object.get("spec").unwrap_or(&Value::Null);
        let wrong = self.check(spec);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let user = match self {
            Self::Own(user) => (*user).clone(),
            Self::Anybody | Self::Namespaced(_) => subject(spec),
        };
        let text = |path: &[&str]| spec.str_at(path).unwrap_or_default().to_owned();
        let attributes =
            if given(spec, "resourceAttributes").is_some() { "resourceAttributes" } else { PATH };
        let field = |name| text(&[attributes, name]);
        let target = if attributes == PATH {
            Target::Path(field("path"))
        } else {
            Target::Resource(ResourceTarget {
                group: field("group"),
                version: field("version"),
                resource: field("resource"),
                subresource: field("subresource"),
                namespace: field("namespace"),
                name: field("name"),
            })
        };
        Ok(Attributes { user, verb: field("verb"), reach: reach.clone(), target })
    }

    fn check(&self, spec: &Value) -> Vec<Error> {
        let at = Path::new("spec");
        let mut wrong = Vec::new();
        match (given(spec, "resourceAttributes"), given(spec, PATH)) {
            (Some(_), Some(path)) => wrong.push(Error::invalid(
                &at.child(PATH),
                path.clone(),
                "cannot be specified in combination with resourceAttributes",
            )),
            (None, None) => wrong.push(Error::invalid(
                &at.child("resourceAttributes"),
                Value::Null,
                "exactly one of nonResourceAttributes or resourceAttributes must be specified",
            )),
            (Some(_), None) | (None, Some(_)) => {}
        }
        if matches!(self, Self::Anybody | Self::Namespaced(_)) {
            let user = subject(spec);
            if user.name.is_empty() && user.groups.is_empty() {
                wrong.push(Error::invalid(
                    &at.child("user"),
                    "",
                    "at least one of user or group must be specified",
                ));
            }
        }
        if let Self::Namespaced(namespace) = self {
            wrong.extend(check_namespace(spec, &at, namespace));
        }
        wrong
    }
}

/// The `status` of an access review.
#[must_use]
pub fn review_status(verdict: &Verdict) -> Value {
    let mut status = Map::new();
    status.insert("allowed", verdict.is_allowed());
    if verdict.decision == Decision::Deny {
        status.insert("denied", true);
    }
    if !verdict.reason.is_empty() {
        status.insert("reason", verdict.reason.as_str());
    }
    Value::Object(status)
}

const PATH: &str = "nonResourceAttributes";

fn check_namespace(spec: &Value, at: &Path<'_>, namespace: &str) -> Option<Error> {
    if let Some(path) = given(spec, PATH) {
        let detail = "disallowed on this kind of request";
        return Some(Error::invalid(&at.child(PATH), path.clone(), detail));
    }
    let asked = spec.str_at(&["resourceAttributes", "namespace"]).unwrap_or_default();
    (asked != namespace).then(|| {
        let at = at.child("resourceAttributes.namespace");
        Error::invalid(&at, asked, "must match metadata.namespace")
    })
}

fn given<'a>(spec: &'a Value, field: &str) -> Option<&'a Value> {
    spec.get(field).filter(|value| !value.is_null())
}

fn subject(spec: &Value) -> User {
    let text = |field| spec.str_at(&[field]).unwrap_or_default().to_owned();
    let strings = |list: &Value| -> Vec<String> {
        list.as_array().unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let extra = spec.get("extra").and_then(Value::as_object);
    User {
        name: text("user"),
        uid: text("uid"),
        groups: spec.get("groups").map(strings).unwrap_or_default(),
        extra: extra
            .map(|extra| extra.iter().map(|(key, values)| (key.to_owned(), strings(values))).collect())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kcp_apimachinery::value;

    fn check(review: AccessReview<'_>, spec: &Value, wanted: Result<(&str, &str), &[&str]>) {
        let spec = spec.clone();
        let found = review.question(&value!({"spec": (spec)}), &Reach::Nowhere);
        let shown = found.map(|asked| {
            let what = match &asked.target {
                Target::Path(path) => path.clone(),
                Target::Resource(target) => {
                    format!("{}.{} {}/{}", target.resource, target.group, target.namespace, target.name)
                }
            };
            (asked.user.name, format!("{} {what}", asked.verb))
        });
        let shown = shown.map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>());
        let wanted = wanted.map(|(who, what)| (who.to_owned(), what.to_owned()));
        assert_eq!(shown, wanted.map_err(|texts| texts.iter().map(|&text| text.to_owned()).collect()));
    }

    #[test]
    fn a_review_is_a_question() {
        let me = User::new("me", &[]);
        let pods = value!({"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "ns", "name": "a"}});
        check(AccessReview::Own(&me), &pods, Ok(("me", "get pods. ns/a")));
        let bob = value!({"user": "bob", "nonResourceAttributes": {"verb": "access", "path": "/"}});
        check(AccessReview::Anybody, &bob, Ok(("bob", "access /")));
        check(AccessReview::Own(&me), &bob, Ok(("me", "access /")));
        let groups = value!({"groups": ["g"], "resourceAttributes": {"resource": "x", "group": "y", "namespace": "ns"}});
        check(AccessReview::Namespaced("ns"), &groups, Ok(("", " x.y ns/")));
    }

    #[test]
    fn a_review_asks_one_thing_about_somebody() {
        let me = User::new("me", &[]);
        let nothing = "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
        check(AccessReview::Own(&me), &value!({}), Err(&[nothing]));
        let nobody = "spec.user: Invalid value: \"\": at least one of user or group must be specified";
        check(AccessReview::Anybody, &value!({}), Err(&[nothing, nobody]));
        let both = value!({"user": "u", "resourceAttributes": {}, "nonResourceAttributes": {}});
        let twice = "spec.nonResourceAttributes: Invalid value: {}: cannot be specified in combination with resourceAttributes";
        check(AccessReview::Anybody, &both, Err(&[twice]));
    }

    #[test]
    fn a_local_review_stays_in_its_namespace() {
        let elsewhere = value!({"user": "u", "resourceAttributes": {"namespace": "b"}});
        let wrong = "spec.resourceAttributes.namespace: Invalid value: \"b\": must match metadata.namespace";
        check(AccessReview::Namespaced("a"), &elsewhere, Err(&[wrong]));
        let path = value!({"user": "u", "nonResourceAttributes": {}});
        let wrong = "spec.nonResourceAttributes: Invalid value: {}: disallowed on this kind of request";
        check(AccessReview::Namespaced("a"), &path, Err(&[wrong]));
    }
}
