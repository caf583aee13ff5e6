use crate::{
    builtin::{self, Definition},
    compile::{CompileError, compile},
    default, embedded, lists,
    node::{Link, Node},
    prune, validate,
};
use kcp_apimachinery::{Value, field, shape::Shape, value};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// A compiled schema of one version of a kind. It is immutable; whoever serves the kind holds a reference.
#[derive(Debug)]
pub struct Schema {
    root: Link,
    content_id: u64,
    rules: bool,
    defaults: bool,
}

impl Schema {
    /// Compiles the schema of a version, `openAPIV3Schema` of a CustomResourceDefinition.
    ///
    /// # Errors
    /// A source that is no schema, or has keywords that structural schemas exclude. Everything else that
    /// can be wrong with a schema is told by [`crate::crd::validate`] before anything is compiled.
    pub fn compile(open_api: &Value) -> Result<Arc<Self>, CompileError> {
        let compiled = compile(open_api)?;
        Ok(Arc::new(Self {
            root: Link::Own(compiled.root),
            content_id: content_id(&value::encode(open_api)),
            rules: compiled.rules,
            defaults: compiled.defaults,
        }))
    }

    /// The schema of a built-in kind.
    pub(crate) fn built_in(definition: &'static Definition, data: &[u8]) -> Self {
        let id = content_id(&[definition.name().as_bytes(), data].concat());
        let root = Link::Definition(definition);
        Self { root, content_id: id, rules: false, defaults: true }
    }

    /// What identifies the content of a schema: the first 64 bits of the SHA-256 of its canonical JSON.
    #[must_use]
    pub fn content_id(&self) -> u64 {
        self.content_id
    }

    /// The node of the whole object.
    #[must_use]
    pub fn root(&self) -> &Node {
        self.root.node()
    }

    /// The definition of a built-in kind.
    #[must_use]
    pub fn definition(&self) -> Option<&'static Definition> {
        match &self.root {
            Link::Definition(definition) => Some(definition),
            Link::Own(_) => None,
        }
    }

    /// The schema as patches and server-side apply see it.
    #[must_use]
    pub fn shape(&self) -> &dyn Shape {
        self.root()
    }

    /// Whether there are `x-kubernetes-validations` anywhere.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        self.rules
    }

    /// Whether there are defaults anywhere.
    #[must_use]
    pub fn has_defaults(&self) -> bool {
        self.defaults
    }

    /// The first value of a wrong type in an object of a built-in kind, in the words of Go's JSON decoder;
    /// such an object is not looked at any further. Custom kinds tell of theirs in [`Self::validate`].
    #[must_use]
    pub fn malformed(&self, object: &Value) -> Option<String> {
        builtin::malformed(self.definition()?, object)
    }

    /// Removes what the schema does not know. Gives the paths of what was removed, sorted, such as
    /// `spec.foo` or `spec.list[0].bar`; field validation tells them as `unknown field "spec.foo"`.
    ///
    /// Unknown members of `metadata`, of the object itself and of embedded resources, count too.
    pub fn prune(&self, object: &mut Value) -> Vec<String> {
        let mut unknown = prune::prune(object, self.root());
        unknown.extend(embedded::prune_metadata(object, self.root()));
        unknown.sort();
        unknown
    }

    /// Fills in defaults, and removes every `null` where none may be. It is done on writes and on reads,
    /// so that an object written under an older schema has the defaults of this one. For a built-in kind
    /// this includes those that Kubernetes computes.
    pub fn default(&self, object: &mut Value) {
        default::remove_nulls(object, self.root());
        if let Some(definition) = self.definition() {
            builtin::default_type(definition.name(), object);
            default::fill(object, self.root());
        } else if self.defaults {
            default::fill(object, self.root());
        }
    }

    /// What is wrong with an object beyond its own `metadata`. With `old`, an update: what was wrong
    /// before and did not change is not told again, as Kubernetes ratchets it.
    ///
    /// The order is Kubernetes': the schema, embedded resources, lists that are sets or maps. For a
    /// built-in kind it is [`crate::builtin::validate`].
    #[must_use]
    pub fn validate(&self, new: &Value, old: Option<&Value>) -> Vec<field::Error> {
        if let Some(definition) = self.definition() {
            return builtin::validate_type(definition.name(), new, old);
        }
        let mut errors = validate::validate(self.root(), new, old, "");
        errors.extend(embedded::validate(new, self.root()));
        errors.extend(lists::validate(new, old, self.root()));
        errors
    }

    /// What is wrong with `status` on its own, for writes to the subresource: the rest of the object was
    /// not sent by the client. The status of built-in kinds is not checked.
    #[must_use]
    pub fn validate_status(&self, new: &Value, old: Option<&Value>) -> Vec<field::Error> {
        if self.definition().is_some() {
            return Vec::new();
        }
        let (Some(status), Some(node)) = (new.get("status"), self.root().member("status")) else {
            return Vec::new();
        };
        let mut errors = validate::validate(node, status, old.and_then(|old| old.get("status")), "status");
        errors.extend(embedded::validate(new, self.root()));
        errors.extend(lists::validate(new, old, self.root()));
        errors
    }
}

/// The first 64 bits of the SHA-256.
fn content_id(bytes: &[u8]) -> u64 {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    digest.iter().take(8).fold(0, |id, &byte| id << 8 | u64::from(byte))
}
