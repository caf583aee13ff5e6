use super::{Findings, Walk};
use crate::node::Node;
use kcp_apimachinery::{Value, go};
use std::sync::Arc;

impl Walk<'_> {
    /// `anyOf`, `oneOf`, `allOf`, `not`. Of several schemas that do not fit, the nearest says why. Nothing
    /// inside of them is ratcheted.
    pub(super) fn combined(&mut self, node: &Node, value: &Value) -> Findings {
        let mut found = Findings::default();
        let Some(checks) = &node.checks else {
            return Findings { matches: 1, ..found };
        };
        if !checks.any_of.is_empty() {
            found.merge(self.any_of(&checks.any_of, value));
        }
        if !checks.one_of.is_empty() {
            found.merge(self.one_of(&checks.one_of, value));
        }
        if !checks.all_of.is_empty() {
            found.merge(self.all_of(&checks.all_of, value));
        }
        if let Some(not) = &checks.not
            && self.value(not, value, None).is_valid()
        {
            found.merge(self.combination("must not validate the schema (not)"));
        }
        found.matches += 1;
        found
    }

    fn any_of(&mut self, nodes: &[Arc<Node>], value: &Value) -> Findings {
        let mut nearest: Option<Findings> = None;
        for node in nodes {
            let tried = self.value(node, value, None);
            if tried.is_valid() {
                return tried;
            }
            if nearest.as_ref().is_none_or(|nearest| tried.matches > nearest.matches) {
                nearest = Some(tried);
            }
        }
        let mut found = self.combination("must validate at least one schema (anyOf)");
        found.merge(nearest.unwrap_or_default());
        found
    }

    fn one_of(&mut self, nodes: &[Arc<Node>], value: &Value) -> Findings {
        let (mut nearest, mut fitting, mut valid) = (None::<Findings>, None, 0);
        for node in nodes {
            let tried = self.value(node, value, None);
            if tried.is_valid() {
                valid += 1;
                fitting.get_or_insert(tried);
            } else if nearest.as_ref().is_none_or(|nearest| tried.matches > nearest.matches) {
                nearest = Some(tried);
            }
        }
        match (valid, fitting) {
            (1, Some(fitting)) => fitting,
            (0, _) => {
                let why = "must validate one and only one schema (oneOf). Found none valid";
                let mut found = self.combination(why);
                found.merge(nearest.unwrap_or_default());
                found
            }
            (several, _) => self.combination(&format!(
                "must validate one and only one schema (oneOf). Found {several} valid alternatives"
            )),
        }
    }

    fn all_of(&mut self, nodes: &[Arc<Node>], value: &Value) -> Findings {
        let (mut found, mut valid) = (Findings::default(), 0);
        for node in nodes {
            let tried = self.value(node, value, None);
            valid += usize::from(tried.is_valid());
            found.merge(tried);
        }
        if valid != nodes.len() {
            let none = if valid == 0 { ". None validated" } else { "" };
            found.merge(self.combination(&format!("must validate all the schemas (allOf){none}")));
        }
        found
    }

    fn combination(&self, must: &str) -> Findings {
        self.placeless(format!("{} {must}", go::quote(&self.path)))
    }
}
