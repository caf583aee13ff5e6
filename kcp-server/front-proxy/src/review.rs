//! Asking the root shard what a user may do.

use crate::api::{Api, ApiError};
use kcp_apimachinery::{Value, value};
use kcp_authz::User;

const REVIEWS: &str = "/clusters/root/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// Whether a user may read the proxy's metrics: whoever may read those of the root shard.
pub(crate) async fn may_read_metrics(root: &Api, user: &User) -> Result<bool, ApiError> {
    let groups: Value = user.groups.iter().map(|group| Value::from(group.as_str())).collect();
    let mut extra = Value::object();
    for (key, values) in &user.extra {
        extra.set_at(&[key], values.iter().map(|text| Value::from(text.as_str())).collect());
    }
    let review = value!({
        "kind": "SubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "spec": {
            "user": (user.name.as_str()),
            "uid": (user.uid.as_str()),
            "groups": groups,
            "extra": extra,
            "nonResourceAttributes": {"path": "/metrics", "verb": "get"}
        }
    });
    let answer = root.create(REVIEWS, &review).await?;
    Ok(answer.at(&["status", "allowed"]).and_then(Value::as_bool).unwrap_or(false))
}
