//! What a user may do in a namespace, for `SelfSubjectRulesReview`.

use crate::{Authorizer, Error, Reach, Rule, User, effective_users, view::View};
use kcp_apimachinery::{Map, Value};

/// The `status` of a SelfSubjectRulesReview.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesReview {
    /// Rules about resources; URLs are left out.
    pub resource_rules: Vec<Rule>,
    /// Rules about URLs; resources are left out.
    pub non_resource_rules: Vec<Rule>,
    /// What could not be resolved; the rules are all the same those that apply.
    pub evaluation_error: Option<String>,
}

impl Authorizer {
    /// The rules that `system:admin` and the logical cluster itself give to a user.
    ///
    /// # Errors
    /// The facts could not be looked up.
    pub async fn review_rules(
        &self,
        user: &User,
        reach: &Reach,
        namespace: &str,
    ) -> Result<RulesReview, Error> {
        let users = effective_users(user, reach.cluster());
        let admin = self.policies.local(&kcp_names::ClusterName::system_admin()).await?;
        let (mut rules, missing) =
            View { bindings: &[&admin], roles: &[&admin] }.rules_for(&users, namespace);
        let mut problems: Vec<String> = missing.text().into_iter().collect();
        match reach.cluster() {
            Some(cluster) => {
                let own = self.policies.local(cluster).await?;
                let view = View { bindings: &[&own], roles: &[&own, &admin] };
                let (more, missing) = view.rules_for(&users, namespace);
                rules.extend(more);
                problems.extend(missing.text());
            }
            None => problems.push("empty cluster name".to_owned()),
        }
        Ok(RulesReview::new(&rules, problems))
    }
}

impl RulesReview {
    fn new(rules: &[Rule], problems: Vec<String>) -> Self {
        let mut review = Self::default();
        for rule in rules {
            if !rule.resources.is_empty() {
                review.resource_rules.push(Rule { non_resource_urls: Box::default(), ..rule.clone() });
            }
            if !rule.non_resource_urls.is_empty() {
                let (verbs, non_resource_urls) = (rule.verbs.clone(), rule.non_resource_urls.clone());
                review.non_resource_rules.push(Rule { verbs, non_resource_urls, ..Rule::default() });
            }
        }
        review.evaluation_error = (!problems.is_empty()).then(|| problems.join(", "));
        review
    }

    /// The status as JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let list = |rules: &[Rule]| rules.iter().map(Rule::to_value).collect::<Value>();
        let mut status = Map::new();
        status.insert("resourceRules", list(&self.resource_rules));
        status.insert("nonResourceRules", list(&self.non_resource_rules));
        status.insert("incomplete", false);
        if let Some(error) = &self.evaluation_error {
            status.insert("evaluationError", error.as_str());
        }
        Value::Object(status)
    }
}
