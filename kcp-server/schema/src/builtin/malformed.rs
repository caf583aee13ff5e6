//! Values of a type that a built-in type does not have, in the words of Go's JSON decoder, which is what
//! Kubernetes reads objects of its own kinds with: `json: cannot unmarshal string into Go struct field
//! DeploymentSpec.spec.replicas of type int32`. The path names no keys and no elements.

use super::Definition;
use crate::node::{Additional, Link, Node, Type};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kcp_apimachinery::{
    Value,
    quantity::Quantity,
    time::{MicroTime, Time},
};

/// The first value of a wrong type.
pub(crate) fn malformed(definition: &'static Definition, object: &Value) -> Option<String> {
    let mut walk = Walk { path: Vec::new() };
    walk.defined(definition, object, None)
}

struct Walk<'v> {
    path: Vec<&'v str>,
}

/// The type whose member a value is.
type Owner = Option<&'static str>;

impl<'v> Walk<'v> {
    fn defined(&mut self, definition: &'static Definition, value: &'v Value, owner: Owner) -> Option<String> {
        if value.is_null() {
            return None;
        }
        match definition.name() {
            "meta.v1.Time" => parsed(value, |text| Time::parse(text).err().map(|error| error.to_string())),
            "meta.v1.MicroTime" => {
                parsed(value, |text| MicroTime::parse(text).err().map(|error| error.to_string()))
            }
            "pkg.api.resource.Quantity" => match value {
                Value::Int(_) | Value::Float(_) => None,
                Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    parsed(value, |text| Quantity::parse(text).err().map(|error| error.to_string()))
                }
            },
            name => {
                let node = definition.node();
                let own = name.rsplit('.').next();
                self.node(node, value, own.or(owner), || go_name(definition))
            }
        }
    }

    fn link(&mut self, link: &Link, value: &'v Value, owner: Owner) -> Option<String> {
        match link {
            Link::Definition(definition) => {
                let object = definition.node().kind == Type::Object && !definition.node().preserve_unknown;
                if object && !matches!(value, Value::Object(_) | Value::Null) {
                    return Some(self.wrong(value, owner, &go_name(definition)));
                }
                self.defined(definition, value, owner)
            }
            Link::Own(node) => self.node(node, value, owner, || go_type(node)),
        }
    }

    /// `owner` is the type that a member of `value` belongs to, or that `value` itself does if it has none.
    fn node(
        &mut self,
        node: &Node,
        value: &'v Value,
        owner: Owner,
        name: impl Fn() -> String,
    ) -> Option<String> {
        match (node.kind, value) {
            (_, Value::Null) | (Type::Any, _) => None,
            (Type::Object, _) if node.preserve_unknown => None,
            (Type::Object, Value::Object(members)) => {
                for (member, value) in members.iter() {
                    let wrong = match (node.property(member), &node.additional) {
                        (Some(property), _) => {
                            self.path.push(member);
                            let wrong = self.link(&property.node, value, owner);
                            self.path.pop();
                            wrong
                        }
                        (None, Additional::Schema(link)) => self.link(link, value, owner),
                        (None, Additional::Unset | Additional::Allowed(_)) => None,
                    };
                    if wrong.is_some() {
                        return wrong;
                    }
                }
                None
            }
            (Type::Array, Value::Array(items)) => {
                let link = node.items.as_ref()?;
                items.iter().find_map(|item| self.link(link, item, owner))
            }
            (Type::String, Value::String(text)) if node.format() == "byte" => bytes(text),
            (Type::String, Value::String(_))
            | (Type::Boolean, Value::Bool(_))
            | (Type::Number, Value::Int(_) | Value::Float(_))
            | (Type::IntOrString, Value::String(_) | Value::Int(_)) => None,
            (Type::Integer, Value::Int(number))
                if node.format() != "int32" || i32::try_from(*number).is_ok() =>
            {
                None
            }
            (
                Type::Object
                | Type::Array
                | Type::String
                | Type::Integer
                | Type::Number
                | Type::Boolean
                | Type::IntOrString,
                _,
            ) => Some(self.wrong(value, owner, &name())),
        }
    }

    fn wrong(&self, value: &Value, owner: Owner, wanted: &str) -> String {
        let is = match value {
            Value::Bool(_) => "bool".to_owned(),
            Value::Int(number) if wanted.starts_with("int") => format!("number {number}"),
            Value::Float(number) if wanted.starts_with("int") => {
                format!("number {}", kcp_apimachinery::go::float(*number))
            }
            Value::Int(_) | Value::Float(_) => "number".to_owned(),
            Value::String(_) | Value::Array(_) | Value::Object(_) | Value::Null => {
                value.type_name().to_owned()
            }
        };
        match owner {
            Some(owner) if !self.path.is_empty() => {
                let path = self.path.join(".");
                format!("json: cannot unmarshal {is} into Go struct field {owner}.{path} of type {wanted}")
            }
            Some(_) | None => format!("json: cannot unmarshal {is} into Go value of type {wanted}"),
        }
    }
}

fn parsed(value: &Value, wrong: impl Fn(&str) -> Option<String>) -> Option<String> {
    match value.as_str() {
        Some("") => None,
        Some(text) => wrong(text),
        None => Some(format!("json: cannot unmarshal {} into Go value of type string", value.type_name())),
    }
}

fn bytes(text: &str) -> Option<String> {
    let at = match STANDARD.decode(text) {
        Ok(_) => return None,
        Err(base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _)) => at,
        Err(base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding) => text.len(),
    };
    Some(format!("illegal base64 data at input byte {at}"))
}

/// `v1.DeploymentSpec`
fn go_name(definition: &Definition) -> String {
    let mut parts = definition.name().rsplit('.');
    let (name, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{package}.{name}")
}

fn go_link(link: &Link) -> String {
    match link {
        Link::Definition(definition) => go_name(definition),
        Link::Own(node) => go_type(node),
    }
}

fn go_type(node: &Node) -> String {
    if let Some(definition) = node.notes.as_ref().and_then(|notes| notes.variant_of) {
        return go_name(definition);
    }
    match node.kind {
        Type::Array => format!("[]{}", node.items.as_ref().map(go_link).unwrap_or_default()),
        Type::Object => match &node.additional {
            Additional::Schema(link) => format!("map[string]{}", go_link(link)),
            Additional::Unset | Additional::Allowed(_) => "map[string]interface {}".into(),
        },
        Type::String if node.format() == "byte" => "[]uint8".into(),
        Type::String => "string".into(),
        Type::Integer => if node.format() == "int32" { "int32" } else { "int64" }.into(),
        Type::Number => "float64".into(),
        Type::Boolean => "bool".into(),
        Type::Any | Type::IntOrString => "intstr.IntOrString".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::definition;
    use kcp_apimachinery::value;

    fn check(name: &str, object: Value, expected: Option<&str>) {
        let definition = definition(name).expect(name);
        assert_eq!(malformed(definition, &object).as_deref(), expected);
    }

    #[test]
    fn values_of_other_types() {
        check("core.v1.ConfigMap", value!({"data": {"a": "b"}, "immutable": null}), None);
        check(
            "core.v1.ConfigMap",
            value!({"data": {"a": 1_i64}}),
            Some("json: cannot unmarshal number into Go struct field ConfigMap.data of type string"),
        );
        check(
            "apps.v1.Deployment",
            value!({"spec": {"replicas": "3"}}),
            Some(
                "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
        );
        check(
            "apps.v1.Deployment",
            value!({"spec": {"template": {"spec": {"containers": {}}}}}),
            Some(
                "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
            ),
        );
        check(
            "core.v1.Secret",
            value!({"metadata": []}),
            Some("json: cannot unmarshal array into Go struct field Secret.metadata of type v1.ObjectMeta"),
        );
        check("core.v1.Secret", value!({"data": {"a": "!"}}), Some("illegal base64 data at input byte 0"));
        check(
            "core.v1.Secret",
            value!(["a"]),
            Some("json: cannot unmarshal array into Go value of type v1.Secret"),
        );
    }

    #[test]
    fn types_that_read_themselves() {
        let limits = |cpu: Value| value!({"spec": {"hard": {"cpu": cpu}}});
        check("core.v1.ResourceQuota", limits("1".into()), None);
        check("core.v1.ResourceQuota", limits(Value::Int(1)), None);
        let wrong = malformed(definition("core.v1.ResourceQuota").expect("a type"), &limits("one".into()));
        assert!(wrong.is_some_and(|wrong| wrong.starts_with("quantities must match the regular expression")));
        check("coordination.v1.Lease", value!({"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}}), None);
    }
}
