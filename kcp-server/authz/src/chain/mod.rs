//! The authorizer of a shard: an ordered union, one entry of which is kcp's RBAC chain.

mod always;
mod content;
mod maximal;
mod required_groups;
mod stored;
mod system_crd;

use crate::{
    Attributes, Decision, Depth, Error, LogicalCluster, Policies, Policy, Trail, User, Verdict,
    effective_users, user::group,
};
use always::AlwaysAllowPaths;
use kcp_apimachinery::go::quote;
use kcp_names::ClusterName;
use std::{borrow::Cow, sync::Arc};

/// What the command line says about authorization.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--authorization-order`
    pub order: Vec<String>,
    /// `--authorization-always-allow-paths`; a `*` at the end stands for anything.
    pub always_allow_paths: Vec<String>,
    /// Groups whose members may do everything; no flag.
    pub always_allow_groups: Vec<String>,
    /// `--authorization-webhook-config-file`
    pub webhook_config_file: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        Self {
            order: list(&["AlwaysAllowGroups", "AlwaysAllowPaths", "RBAC", "Webhook"]),
            always_allow_paths: list(&["/healthz", "/readyz", "/livez"]),
            always_allow_groups: list(&[group::MASTERS]),
            webhook_config_file: None,
        }
    }
}

/// The command line asks for something that does not exist. The process must not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOptions {
    /// An entry of `--authorization-order`.
    #[error("invalid authorizer: {}", quote(.0))]
    Authorizer(String),
    /// An entry of `--authorization-always-allow-paths`.
    #[error("only trailing * allowed in {}", quote(.0))]
    Path(String),
    /// `--authorization-webhook-config-file`.
    #[error("--authorization-webhook-config-file is not implemented: webhook authorization is not available")]
    Webhook,
}

/// Answers whether a request may be made.
pub struct Authorizer {
    order: Vec<Step>,
    pub(crate) policies: Arc<dyn Policies>,
}

/// One entry of the union.
enum Step {
    Groups(Vec<String>),
    Paths(AlwaysAllowPaths),
    Rbac,
}

impl Authorizer {
    /// The authorizer that `options` describe.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn new(options: &Options, policies: Arc<dyn Policies>) -> Result<Self, Vec<InvalidOptions>> {
        let (mut order, mut wrong) = (Vec::new(), Vec::new());
        for entry in &options.order {
            match entry.as_str() {
                "AlwaysAllowGroups" => order.push(Step::Groups(options.always_allow_groups.clone())),
                "AlwaysAllowPaths" => match AlwaysAllowPaths::new(&options.always_allow_paths) {
                    Ok(paths) => order.push(Step::Paths(paths)),
                    Err(path) => wrong.push(InvalidOptions::Path(path)),
                },
                "RBAC" => order.push(Step::Rbac),
                // Without a configuration file there is no webhook to ask.
                "Webhook" => {}
                other => wrong.push(InvalidOptions::Authorizer(other.to_owned())),
            }
        }
        if options.webhook_config_file.as_ref().is_some_and(|file| !file.is_empty()) {
            wrong.push(InvalidOptions::Webhook);
        }
        if wrong.is_empty() { Ok(Self { order, policies }) } else { Err(wrong) }
    }

    /// Whether the request may be made: the first `Allow` or `Deny` wins, no opinion refuses.
    ///
    /// # Errors
    /// The facts could not be looked up. Nothing is allowed then.
    pub async fn authorize(&self, attributes: &Attributes, depth: Depth) -> Result<Verdict, Error> {
        let mut verdict =
            Verdict { decision: Decision::NoOpinion, reason: String::new(), trail: Trail::default() };
        for step in &self.order {
            (verdict.decision, verdict.reason) = match step {
                Step::Groups(groups) => (always::group(groups, attributes), String::new()),
                Step::Paths(paths) => (paths.decide(attributes), String::new()),
                Step::Rbac => {
                    let ask = Ask::new(attributes, depth);
                    let decision = self.required_groups(&ask, &mut verdict.trail).await?;
                    (decision, anonymous_reason(decision).to_owned())
                }
            };
            if verdict.decision != Decision::NoOpinion {
                return Ok(verdict);
            }
        }
        if self.order.iter().any(|step| matches!(step, Step::Rbac)) {
            anonymous_reason(Decision::NoOpinion).clone_into(&mut verdict.reason);
        }
        Ok(verdict)
    }

    /// Whether the request for a SubjectAccessReview is one whose answer is [`Depth::Deep`]: it
    /// carries the header, and an effective member of `system:masters` makes it.
    #[must_use]
    pub fn is_deep_review(attributes: &Attributes, header: Option<&str>) -> bool {
        let review = attributes.resource().is_some_and(|target| {
            target.group == "authorization.k8s.io" && target.resource == "subjectaccessreviews"
        });
        header == Some("true")
            && review
            && effective_users(&attributes.user, attributes.reach.cluster())
                .iter()
                .any(|user| user.is_in(group::MASTERS))
    }

    /// The name of the header that asks for a deep SubjectAccessReview.
    pub const DEEP_REVIEW_HEADER: &'static str = "x-kcp-internal-deep-subjectaccessreview";

    pub(crate) async fn policies_of(&self, cluster: &ClusterName) -> Result<Layers, Error> {
        let admin = ClusterName::system_admin();
        Ok(Layers {
            local: self.policies.local(cluster).await?,
            global: self.policies.global(cluster).await?,
            admin: self.policies.local(&admin).await?,
        })
    }

    async fn logical_cluster(&self, cluster: &ClusterName) -> Result<Option<LogicalCluster>, Error> {
        self.policies.logical_cluster(cluster).await
    }
}

/// The policies that meet in one logical cluster.
pub(crate) struct Layers {
    pub(crate) local: Arc<Policy>,
    pub(crate) global: Arc<Policy>,
    pub(crate) admin: Arc<Policy>,
}

impl Layers {
    pub(crate) fn all(&self) -> [&Policy; 3] {
        [&self.local, &self.global, &self.admin]
    }
}

/// One question on its way down the chain.
struct Ask<'a> {
    attributes: &'a Attributes,
    /// `None` for a bare URL and for the wildcard alike.
    cluster: Option<&'a ClusterName>,
    /// Who counts here.
    users: Vec<Cow<'a, User>>,
    deep: bool,
}

impl<'a> Ask<'a> {
    fn new(attributes: &'a Attributes, depth: Depth) -> Self {
        let cluster = attributes.reach.cluster();
        let about_reviews =
            attributes.resource().is_some_and(|target| target.group == "authorization.k8s.io");
        Self {
            attributes,
            cluster,
            users: effective_users(&attributes.user, cluster),
            deep: depth == Depth::Deep && !about_reviews,
        }
    }

    /// Whether any identity that counts is a member.
    fn is_in(&self, group: &str) -> bool {
        self.users.iter().any(|user| user.is_in(group))
    }
}

/// What clients may know of a decision of the RBAC chain.
fn anonymous_reason(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "access granted",
        Decision::Deny | Decision::NoOpinion => "access denied",
    }
}
