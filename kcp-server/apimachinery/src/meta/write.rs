use super::{Meta, OwnerReference};
use crate::{Map, Value, time::Time};

/// `metadata` of an object, for change.
#[derive(Debug)]
pub struct MetaMut<'o>(&'o mut Map);

impl<'o> MetaMut<'o> {
    /// The view on a `metadata` object itself.
    pub fn new(metadata: &'o mut Map) -> Self {
        Self(metadata)
    }

    /// The same for reading.
    #[must_use]
    pub fn read(&self) -> Meta<'_> {
        Meta::of(self.0)
    }

    fn set(&mut self, member: &str, value: Option<Value>) {
        match value {
            Some(value) => *self.0.entry(member) = value,
            None => {
                self.0.remove(member);
            }
        }
    }

    fn set_text(&mut self, member: &str, text: Option<&str>) {
        self.set(member, text.filter(|text| !text.is_empty()).map(Value::from));
    }

    fn set_key(&mut self, member: &str, key: &str, text: Option<&str>) {
        match text {
            Some(text) => {
                self.0.entry(member).force_object().insert(key, text);
            }
            None => {
                let Some(map) = self.0.get_mut(member).and_then(Value::as_object_mut) else { return };
                map.remove(key);
                if map.is_empty() {
                    self.0.remove(member);
                }
            }
        }
    }

    /// Sets the name.
    pub fn set_name(&mut self, name: Option<&str>) {
        self.set_text("name", name);
    }

    /// Sets what the server is to begin the name with.
    pub fn set_generate_name(&mut self, prefix: Option<&str>) {
        self.set_text("generateName", prefix);
    }

    /// Sets the namespace.
    pub fn set_namespace(&mut self, namespace: Option<&str>) {
        self.set_text("namespace", namespace);
    }

    /// Sets the UID.
    pub fn set_uid(&mut self, uid: Option<&str>) {
        self.set_text("uid", uid);
    }

    /// Sets the resource version.
    pub fn set_resource_version(&mut self, version: Option<&str>) {
        self.set_text("resourceVersion", version);
    }

    /// Sets the generation.
    pub fn set_generation(&mut self, generation: Option<i64>) {
        self.set("generation", generation.map(Value::Int));
    }

    /// Sets or removes one label.
    pub fn set_label(&mut self, key: &str, value: Option<&str>) {
        self.set_key("labels", key, value);
    }

    /// Sets or removes one annotation.
    pub fn set_annotation(&mut self, key: &str, value: Option<&str>) {
        self.set_key("annotations", key, value);
    }

    /// Adds a finalizer unless it is there.
    pub fn add_finalizer(&mut self, name: &str) {
        if self.read().has_finalizer(name) {
            return;
        }
        let list = self.0.entry("finalizers");
        match list.as_array_mut() {
            Some(items) => items.push(name.into()),
            None => *list = Value::Array(vec![name.into()]),
        }
    }

    /// Removes a finalizer and says whether it was there.
    pub fn remove_finalizer(&mut self, name: &str) -> bool {
        let had = self.read().has_finalizer(name);
        if let Some(items) = self.0.get_mut("finalizers").and_then(Value::as_array_mut) {
            items.retain(|item| item.as_str() != Some(name));
            if items.is_empty() {
                self.0.remove("finalizers");
            }
        }
        had
    }

    /// Sets the objects it lives and dies with.
    pub fn set_owner_references(&mut self, owners: &[OwnerReference]) {
        let items = owners.iter().map(OwnerReference::to_value).collect();
        self.set("ownerReferences", (!owners.is_empty()).then_some(items));
    }

    /// Sets when it was created.
    pub fn set_creation_timestamp(&mut self, at: Option<Time>) {
        self.set("creationTimestamp", at.map(|at| at.to_string().into()));
    }

    /// Sets when it is to be gone.
    pub fn set_deletion_timestamp(&mut self, at: Option<Time>) {
        self.set("deletionTimestamp", at.map(|at| at.to_string().into()));
    }

    /// Sets how long it is given to end, in seconds.
    pub fn set_deletion_grace_period_seconds(&mut self, seconds: Option<i64>) {
        self.set("deletionGracePeriodSeconds", seconds.map(Value::Int));
    }

    /// Sets who owns which fields, as it is on the wire.
    pub fn set_managed_fields(&mut self, entries: Option<Value>) {
        self.set("managedFields", entries);
    }

    /// Takes out who owns which fields.
    pub fn take_managed_fields(&mut self) -> Option<Value> {
        self.0.remove("managedFields")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    #[test]
    fn writing_nothing_removes() {
        let mut object = Value::object();
        let mut meta = object.meta_mut();
        meta.set_name(Some("a"));
        meta.set_label("x", Some("y"));
        meta.set_generation(Some(1));
        meta.add_finalizer("f");
        meta.add_finalizer("f");
        assert_eq!(
            object,
            value!({"metadata": {"name": "a", "labels": {"x": "y"}, "generation": 1_i64, "finalizers": ["f"]}})
        );
        let mut meta = object.meta_mut();
        meta.set_label("x", None);
        meta.set_generation(None);
        meta.set_name(Some(""));
        assert!(meta.remove_finalizer("f") && !meta.remove_finalizer("f"));
        assert_eq!(object, value!({"metadata": {}}));
    }
}
