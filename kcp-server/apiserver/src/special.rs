//! Creates that store nothing: reviews, which are questions, and subresources that are actions.

use crate::{
    ApiServer, Error, clock,
    request::{Encoding, Format},
    respond,
    write::{Body as WriteBody, Write},
};
use http::{Response, StatusCode};
use kcp_apimachinery::{Value, value};
use kcp_authz::{Attributes, Depth, Reach, ResourceTarget, Target, User};
use kcp_transport::Body;

impl ApiServer {
    /// Answers a `POST` on a review or a subresource.
    pub(crate) async fn special(
        &self,
        write: &Write<'_>,
        body: WriteBody,
        format: Format,
        deep: bool,
    ) -> Result<Response<Body>, Error> {
        let WriteBody::Object(mut object, twice) = body else {
            return Err(Error::BadRequest("the body of the request must be an object".to_owned()));
        };
        let sub = write.subresource.as_deref();
        let answer = match (&*write.resource.group, &*write.resource.plural, sub) {
            ("", "serviceaccounts", Some("token")) => self.request_token(write, &object).await?,
            (_, plural, None) => {
                write.check_kind(&mut object)?;
                write.prune(&mut object, &twice)?;
                self.review(write, plural, object, deep).await?
            }
            (_, _, Some(name)) => {
                return Err(Error::NotImplemented(format!("{name} is not implemented by this server")));
            }
        };
        let encoding = if format.encoding == Encoding::Yaml { Encoding::Yaml } else { Encoding::Json };
        Ok(respond::document(StatusCode::CREATED, encoding, &answer))
    }

    async fn review(
        &self,
        write: &Write<'_>,
        plural: &str,
        mut object: Value,
        deep: bool,
    ) -> Result<Value, Error> {
        match plural {
            "selfsubjectreviews" => {
                object.set_at(&["status", "userInfo"], user_info(write.user));
                object.set_at(&["metadata", "creationTimestamp"], clock::now().to_string().into());
            }
            "selfsubjectaccessreviews" => {
                let user = write.user.clone();
                self.answer_access(write, &mut object, user, false).await?;
            }
            "subjectaccessreviews" | "localsubjectaccessreviews" => {
                let user = named_user(&object)?;
                if plural == "localsubjectaccessreviews" {
                    let namespace =
                        object.str_at(&["spec", "resourceAttributes", "namespace"]).unwrap_or_default();
                    if Some(namespace) != write.namespace.as_deref() {
                        let why = "spec.resourceAttributes.namespace must match metadata.namespace";
                        return Err(Error::BadRequest(why.to_owned()));
                    }
                }
                let deep = deep
                    && kcp_authz::effective_groups(write.user, Some(&write.cluster))
                        .contains("system:masters");
                self.answer_access(write, &mut object, user, deep).await?;
            }
            "selfsubjectrulesreviews" => {
                let namespace = object.str_at(&["spec", "namespace"]).unwrap_or_default().to_owned();
                if namespace.is_empty() {
                    return Err(Error::BadRequest("no namespace on request".to_owned()));
                }
                let reach = Reach::Cluster(write.cluster.clone());
                let rules = self
                    .authz
                    .review_rules(write.user, &reach, &namespace)
                    .await
                    .map_err(|e| Error::Internal(e.to_string()))?;
                object.force_object().insert("status", rules.to_value());
            }
            "tokenreviews" => {
                let status = self.review_token(write, &object).await?;
                object.force_object().insert("status", status);
            }
            _ => return Err(Error::NoSuchPath),
        }
        Ok(object)
    }

    /// Asks the authorizer what the review asks, and writes down the answer.
    async fn answer_access(
        &self,
        write: &Write<'_>,
        object: &mut Value,
        user: User,
        deep: bool,
    ) -> Result<(), Error> {
        let spec = object.get("spec").cloned().unwrap_or_default();
        let attributes = match (spec.get("resourceAttributes"), spec.get("nonResourceAttributes")) {
            (Some(resource), None) => {
                let text = |name: &str| resource.str_at(&[name]).unwrap_or_default().to_owned();
                let target = ResourceTarget {
                    group: text("group"),
                    version: text("version"),
                    resource: text("resource"),
                    subresource: text("subresource"),
                    namespace: text("namespace"),
                    name: text("name"),
                };
                Attributes {
                    user,
                    verb: text("verb"),
                    reach: Reach::Cluster(write.cluster.clone()),
                    target: Target::Resource(target),
                }
            }
            (None, Some(path)) => Attributes {
                user,
                verb: path.str_at(&["verb"]).unwrap_or_default().to_owned(),
                reach: Reach::Cluster(write.cluster.clone()),
                target: Target::Path(path.str_at(&["path"]).unwrap_or_default().to_owned()),
            },
            _ => {
                let at = kcp_apimachinery::field::Path::new("spec");
                let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
                let error = kcp_apimachinery::field::Error::invalid(
                    &at.child("resourceAttributes"),
                    Value::Null,
                    why,
                );
                return Err(write.invalid("", vec![error]));
            }
        };
        let depth = if deep { Depth::Deep } else { Depth::Whole };
        let verdict =
            self.authz.authorize(&attributes, depth).await.map_err(|e| Error::Internal(e.to_string()))?;
        let mut status = value!({"allowed": (verdict.is_allowed())});
        if verdict.decision == kcp_authz::Decision::Deny {
            status.set_at(&["denied"], true.into());
        }
        if !verdict.reason.is_empty() {
            status.set_at(&["reason"], verdict.reason.as_str().into());
        }
        object.force_object().insert("status", status);
        Ok(())
    }
}

/// The user that a SubjectAccessReview is about.
fn named_user(object: &Value) -> Result<User, Error> {
    let texts = |value: Option<&Value>| {
        let items = value.and_then(Value::as_array).unwrap_or_default();
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let spec = object.get("spec").cloned().unwrap_or_default();
    let user = User {
        name: spec.str_at(&["user"]).unwrap_or_default().to_owned(),
        uid: spec.str_at(&["uid"]).unwrap_or_default().to_owned(),
        groups: texts(spec.get("groups")),
        extra: spec
            .get("extra")
            .and_then(Value::as_object)
            .map(|extra| extra.iter().map(|(key, values)| (key.to_owned(), texts(Some(values)))).collect())
            .unwrap_or_default(),
    };
    if user.name.is_empty() && user.groups.is_empty() {
        return Err(Error::BadRequest(
            "spec.user: Invalid value: \"\": at least one of user or group must be specified".to_owned(),
        ));
    }
    Ok(user)
}

/// `UserInfo` of authentication reviews.
pub(crate) fn user_info(user: &User) -> Value {
    let mut info = value!({"username": (user.name.as_str())});
    if !user.uid.is_empty() {
        info.set_at(&["uid"], user.uid.as_str().into());
    }
    if !user.groups.is_empty() {
        info.set_at(&["groups"], user.groups.iter().map(|g| Value::from(g.as_str())).collect());
    }
    for (key, values) in &user.extra {
        info.set_at(&["extra", key.as_str()], values.iter().map(|v| Value::from(v.as_str())).collect());
    }
    info
}
