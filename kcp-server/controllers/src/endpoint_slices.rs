//! `kcp-apiexportendpointslice` and its URLs: where the objects of an export's consumers are served.
//!
//! A slice says whether its export and partition are there, and which shards it is for. Each shard adds its
//! own URL when it is one of those and has a binding of the export, and takes it out when it has none.

use crate::{
    binding_index::BindingIndex,
    conditions::{self, Condition},
    key,
    kinds::{self, Kinds},
};
use kcp_apimachinery::{Value, selector::Labels, value};
use kcp_names::{ClusterName, WorkspacePath};
use kcp_reconcile::{Change, Controller, Fact, Facts, Missing, Object, Step, Wake, Wakes};
use kcp_storage::{Event, Key, Range, ResourceKey};
use parking_lot::Mutex;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

/// The controller.
pub struct EndpointSlices {
    kinds: Kinds,
    shard: String,
    bindings: Arc<BindingIndex>,
    /// Slices by the name of their export: there are about as many as exports.
    slices: Mutex<HashMap<Box<str>, BTreeSet<Key>>>,
}

impl EndpointSlices {
    /// The controller on a shard of this name, which asks this index whether an export is used.
    #[must_use]
    pub fn new(kinds: Kinds, shard: &str, bindings: Arc<BindingIndex>) -> Self {
        Self { kinds, shard: shard.to_owned(), bindings, slices: Mutex::default() }
    }
}

pub(crate) fn slices() -> ResourceKey {
    ResourceKey::custom("apis.kcp.io", "apiexportendpointslices")
}

impl Controller for EndpointSlices {
    fn name(&self) -> &'static str {
        "kcp-apiexportendpointslice"
    }

    fn watches(&self) -> Vec<Range> {
        vec![
            Range::everywhere(slices()),
            Range::everywhere(kinds::api_exports()),
            Range::everywhere(kinds::api_bindings()),
            Range::everywhere(self.kinds.partitions()),
            Range::everywhere(self.kinds.shards()),
        ]
    }

    fn wakes(&self, event: &Event, object: &Value, wakes: &mut Vec<Wakes>) {
        let kind = &event.key.resource;
        let ends = event.record.is_none() || event.previous.is_none();
        if *kind == slices() {
            self.note(event, object);
            wakes.push(Wakes::One(event.key.clone()));
        } else if *kind == kinds::api_bindings() {
            self.bindings.see(event, object);
            if ends || finds_its_export(event, object) {
                let export = object.str_at(&["spec", "reference", "export", "name"]).unwrap_or_default();
                self.wake(export, wakes);
            }
        } else if *kind == kinds::api_exports() {
            if ends {
                self.wake(event.key.name.as_str(), wakes);
            }
        } else if *kind == self.kinds.partitions() {
            wakes.push(Wakes::All(Range::cluster(slices(), event.key.cluster.clone())));
        } else if ends || event.key.name.as_str() == self.shard {
            wakes.push(Wakes::All(Range::everywhere(slices())));
        }
    }

    fn plan(&self, at: &Key, facts: &Facts) -> Result<Step, Missing> {
        let Fact::Is(slice) = facts.get(at)? else { return Ok(Step::Done) };
        if slice.is_deleting() {
            return Ok(Step::Done);
        }
        let mut object = (*slice.value).clone();
        let export = self.export(&slice, &mut object, facts)?;
        let selector = self.partition(&slice, &mut object, facts)?;
        self.endpoint(&mut object, export.as_ref().ok(), selector, facts)?;
        if object != *slice.value {
            let subresource = Some("status");
            return Ok(Step::Write(vec![Change::Update { key: at.clone(), object, subresource }]));
        }
        Ok(match export {
            Err(why) if why == UNKNOWN => Step::Wait(Wake::After(Duration::from_secs(5)), why),
            Ok(_) | Err(_) => Step::Done,
        })
    }
}

const UNKNOWN: &str = "nobody knows its export";

impl EndpointSlices {
    fn note(&self, event: &Event, slice: &Value) {
        let export = slice.str_at(&["spec", "export", "name"]).unwrap_or_default();
        let mut slices = self.slices.lock();
        if event.record.is_some() {
            slices.entry(export.into()).or_default().insert(event.key.clone());
        } else if let Some(keys) = slices.get_mut(export) {
            keys.remove(&event.key);
            if keys.is_empty() {
                slices.remove(export);
            }
        }
    }

    fn wake(&self, export: &str, wakes: &mut Vec<Wakes>) {
        let slices = self.slices.lock();
        wakes.extend(slices.get(export).into_iter().flatten().cloned().map(Wakes::One));
    }

    /// Where the slice's export is, said on the slice.
    fn export(
        &self,
        slice: &Object,
        object: &mut Value,
        facts: &Facts,
    ) -> Result<Result<Key, String>, Missing> {
        let text = |name: &str| slice.value.str_at(&["spec", "export", name]).unwrap_or_default();
        let path = Some(text("path")).filter(|path| !path.is_empty());
        let shown = path.unwrap_or(slice.key.cluster.as_str());
        let cluster = match path.map(WorkspacePath::parse) {
            None => Fact::Is(slice.key.cluster.clone()),
            Some(Ok(path)) => facts.path(&path)?,
            Some(Err(_)) => Fact::Absent,
        };
        let found = match cluster {
            Fact::Unknown => return Ok(Err(UNKNOWN.to_owned())),
            Fact::Absent => None,
            Fact::Is(cluster) => key(kinds::api_exports(), &cluster, None, text("name")),
        };
        let exists = match &found {
            Some(key) => facts.get(key)?,
            None => Fact::Absent,
        };
        let message = format!("Error getting APIExport {shown}|{}", text("name"));
        let (condition, outcome) = match (exists, found) {
            (Fact::Is(_), Some(key)) => (Condition::met("APIExportValid"), Ok(key)),
            (Fact::Unknown, _) => return Ok(Err(UNKNOWN.to_owned())),
            (Fact::Is(_) | Fact::Absent, _) => {
                let gone = message.clone();
                (Condition::unmet("APIExportValid", "Error", "APIExportNotFound", gone), Err(message))
            }
        };
        conditions::set(object, &condition, facts.now());
        Ok(outcome)
    }

    /// Which shards the slice is for, said on the slice; `None` if that cannot be said.
    fn partition(
        &self,
        slice: &Object,
        object: &mut Value,
        facts: &Facts,
    ) -> Result<Option<Labels>, Missing> {
        let name = slice.value.str_at(&["spec", "partition"]).unwrap_or_default();
        let verdict = if name.is_empty() {
            Ok(Labels::all_of(Vec::new()))
        } else {
            let invalid =
                |why: String| Condition::unmet("PartitionValid", "Error", "PartitionInvalidReference", why);
            let found = match key(self.kinds.partitions(), &slice.key.cluster, None, name) {
                Some(key) => facts.get(&key)?,
                None => Fact::Absent,
            };
            match found {
                Fact::Is(partition) => {
                    let selector = partition.value.at(&["spec", "selector"]);
                    let selector = selector
                        .map_or(Ok(Labels::all_of(Vec::new())), |given| Labels::from_object(Some(given)));
                    selector.map_err(|why| invalid(why.to_string()))
                }
                Fact::Absent | Fact::Unknown => {
                    Err(invalid(format!("partitions.topology.kcp.io {name:?} not found")))
                }
            }
        };
        let condition = verdict.as_ref().err().cloned().unwrap_or_else(|| Condition::met("PartitionValid"));
        conditions::set(object, &condition, facts.now());
        let Ok(selector) = verdict else { return Ok(None) };
        let text = selector.to_string();
        if text.is_empty() {
            object.remove_at(&["status", "shardSelector"]);
        } else {
            object.set_at(&["status", "shardSelector"], text.into());
        }
        Ok(Some(selector))
    }

    /// This shard's own URL in or out of the slice. An export that is gone leaves no URL at all.
    fn endpoint(
        &self,
        object: &mut Value,
        export: Option<&Key>,
        selector: Option<Labels>,
        facts: &Facts,
    ) -> Result<(), Missing> {
        let Some(export) = export else {
            if conditions::find(object, "APIExportValid")
                .is_some_and(|c| c.str_at(&["status"]) == Some("False"))
            {
                object.remove_at(&["status", "endpoints"]);
            }
            return Ok(());
        };
        let shard = match key(self.kinds.shards(), &ClusterName::root(), None, &self.shard) {
            Some(key) => facts.get(&key)?.known(),
            None => None,
        };
        let Some(shard) = shard else { return Ok(()) };
        let base = shard.value.str_at(&["spec", "virtualWorkspaceURL"]).unwrap_or_default();
        if base.is_empty() {
            return Ok(());
        }
        let suffix = format!("/services/apiexport/{}/{}", export.cluster, export.name);
        let url = format!("{}{suffix}", base.trim_end_matches('/'));
        let used = self.bindings.has_found(&export.cluster, export.name.as_str());
        let ours = selector.is_some_and(|selector| selector.matches(shard.value.meta()));
        let mut urls: Vec<Value> =
            object.at(&["status", "endpoints"]).and_then(Value::as_array).unwrap_or_default().to_vec();
        let is_ours = |entry: &Value| entry.str_at(&["url"]) == Some(&*url);
        let there = urls.iter().any(is_ours);
        match (used, ours, there) {
            (true, true, false) => urls.push(value!({"url": (&*url)})),
            (false, _, true) => urls.retain(|entry| !is_ours(entry)),
            // A shard that left the partition keeps what its bindings are served by.
            (true, _, true) | (true, false, false) | (false, _, false) => return Ok(()),
        }
        if urls.is_empty() {
            object.remove_at(&["status", "endpoints"]);
        } else {
            object.set_at(&["status", "endpoints"], Value::Array(urls));
        }
        Ok(())
    }
}

/// Whether an event shows that a binding has found its export.
fn finds_its_export(event: &Event, binding: &Value) -> bool {
    let before = event
        .previous
        .as_ref()
        .map(|before| kcp_apimachinery::value::decode(before.json()).unwrap_or_default());
    let found = |binding: &Value| binding.str_at(&["status", "apiExportClusterName"]).map(str::to_owned);
    before.as_ref().and_then(found) != found(binding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{World, at, here, in_cluster, wakes};

    fn kinds() -> Kinds {
        Kinds { tenancy: "t".into(), topology: "p".into(), shards: "s".into() }
    }

    fn slice() -> Key {
        at(slices(), "farm")
    }

    fn controller() -> EndpointSlices {
        EndpointSlices::new(kinds(), "one", Arc::default())
    }

    fn world(spec: Value) -> World {
        let shard = value!({"metadata": {"labels": {"region": "eu"}}, "spec": {"virtualWorkspaceURL": "https://one"}});
        World::new()
            .with(&at(super::kinds::api_exports(), "farm"), value!({}))
            .with(&slice(), value!({"spec": (spec)}))
            .with(&in_cluster(&ClusterName::root(), kinds().shards(), "one"), shard)
    }

    fn bind(controller: &EndpointSlices) -> Vec<String> {
        wakes(controller, &slice(), None, Some(value!({"spec": {"export": {"name": "farm"}}})));
        let binding = value!({
            "spec": {"reference": {"export": {"path": "root:farm", "name": "farm"}}},
            "status": {"apiExportClusterName": (here().as_str())},
        });
        wakes(controller, &at(super::kinds::api_bindings(), "b"), None, Some(binding))
    }

    fn urls(world: &World) -> Vec<&str> {
        let found = world.get(&slice()).expect("a slice").at(&["status", "endpoints"]);
        let found = found.and_then(Value::as_array).unwrap_or_default();
        found.iter().filter_map(|entry| entry.str_at(&["url"])).collect()
    }

    #[test]
    fn a_shard_is_listed_while_it_has_a_binding() {
        let (controller, mut world) = (controller(), world(value!({"export": {"name": "farm"}})));
        world.run(&controller, &slice());
        assert!(conditions::is_true(world.get(&slice()).expect("a slice"), "APIExportValid"));
        assert!(urls(&world).is_empty());
        assert_eq!(bind(&controller), ["one apiexportendpointslices farm"]);
        world.run(&controller, &slice());
        assert_eq!(urls(&world), ["https://one/services/apiexport/here/farm"]);
        wakes(&controller, &at(super::kinds::api_bindings(), "b"), Some(value!({})), None);
        // The index has forgotten the binding only if it was told of its end after its beginning.
        world.delete(&at(super::kinds::api_exports(), "farm"));
        world.run(&controller, &slice());
        assert!(urls(&world).is_empty());
        let condition = conditions::find(world.get(&slice()).expect("a slice"), "APIExportValid").cloned();
        let message = condition.and_then(|c| c.str_at(&["message"]).map(str::to_owned));
        assert_eq!(message.as_deref(), Some("Error getting APIExport here|farm"));
    }

    #[test]
    fn a_partition_limits_the_shards() {
        let partition = at(kinds().partitions(), "p");
        let spec = value!({"export": {"name": "farm"}, "partition": "p"});
        let (controller, mut world) = (controller(), world(spec));
        bind(&controller);
        world.run(&controller, &slice());
        let condition = conditions::find(world.get(&slice()).expect("a slice"), "PartitionValid").cloned();
        let reason = condition.and_then(|c| c.str_at(&["reason"]).map(str::to_owned));
        assert_eq!(reason.as_deref(), Some("PartitionInvalidReference"));
        world.put(&partition, value!({"spec": {"selector": {"matchLabels": {"region": "us"}}}}));
        world.run(&controller, &slice());
        assert_eq!(world.str_at(&slice(), &["status", "shardSelector"]), Some("region=us"));
        assert!(urls(&world).is_empty());
        world.put(&partition, value!({"spec": {"selector": {"matchLabels": {"region": "eu"}}}}));
        world.run(&controller, &slice());
        assert_eq!(urls(&world).len(), 1);
    }
}
