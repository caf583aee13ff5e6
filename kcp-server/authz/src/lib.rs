//! Who may do what: identities as authorization sees them, RBAC, and kcp's chain of authorizers.
//!
//! ```text
//! Attributes ─► AlwaysAllowGroups ─► AlwaysAllowPaths ─► RBAC ────────────────────────► Verdict
//!                                                        01 required groups
//!                                                        └ 02 content (`access` on `/`)
//!                                                          └ 03 system CRDs
//!                                                            └ 04 maximal permission policy
//!                                                              └ 05 bootstrap ∪ local ∪ global
//! ```
//! Everything is a function of its arguments and of what [`Policies`] answers. A [`Policy`] is the
//! compiled RBAC of one logical cluster; it is built when it is needed, shared, and thrown away by
//! whoever implements the trait, so that an idle workspace costs nothing.
//!
//! A user is never taken at face value: [`effective_users`] says which identities count in a logical
//! cluster, after scopes, warrants and service accounts.

mod access_review;
mod attributes;
mod chain;
mod decision;
mod effective;
mod escalation;
mod facts;
mod forbidden;
mod impersonation;
mod policy;
mod rule;
mod rules_review;
mod user;
mod view;

pub use access_review::{AccessReview, review_status};
pub use attributes::{Attributes, Depth, Reach, ResourceTarget, Target};
pub use chain::{Authorizer, InvalidOptions, Options};
pub use decision::{Decision, Entry, Trail, Verdict};
pub use effective::{effective_groups, effective_users, is_in_scope, prefixed};
pub use escalation::{Grant, GrantError, RoleRef, confirm_no_escalation};
pub use facts::{
    BoundExport, BoxFuture, Error, Export, LogicalCluster, MaximalPermissionPolicy, Phase, Policies,
};
pub use forbidden::{Forbidden, forbidden};
pub use impersonation::{Impersonation, ImpersonationDenied, ImpersonationError, gatekeeper, scoped};
pub use policy::{Policy, PolicyBuilder};
pub use rule::{Rule, covers};
pub use rules_review::RulesReview;
pub use user::{User, extra, group, name};
