//! RootShard: fetch, validate, build, apply, report.

use std::sync::Arc;

use kcp_operator_api::{Phase, RootShard, RootShardStatus, Text, VirtualWorkspace};
use kcp_operator_resources::names::STORE_ANNOTATION;
use kcp_operator_resources::{
    Availability, Finding, Object, Owner, Refusal, Resources, RootShardInputs, Store, ValidRootShard,
};
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::{Api, Resource, ResourceExt as _};
use serde_json::json;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::fetch;
use crate::realize::{Realized, accepted, image_overridden, realize, refused};
use crate::report::{Report, report};

/// Makes an installation what its RootShard says.
pub(crate) async fn reconcile(root_shard: Arc<RootShard>, context: Arc<Context>) -> Result<Action> {
    if root_shard.metadata.deletion_timestamp.is_some() {
        return deleting(&context, &root_shard).await;
    }
    let owner = owner(&*root_shard)?;
    let inputs = inputs(&context, &root_shard).await?;
    let valid = match ValidRootShard::new(&root_shard, owner, &inputs, &context.images) {
        Ok(valid) => valid,
        Err(refusal) => return refuse(&context, &root_shard, &refusal).await,
    };
    record_store(&context, &root_shard, &valid).await?;
    let realized = Box::pin(realize(&context, &root_shard.object_ref(&()), &valid)).await?;
    write(&context, &root_shard, &valid, &realized).await?;
    let action = realized.requeue();
    realized.error.map_or(Ok(action), Err)
}

/// The owner that children of an object refer to.
pub(crate) fn owner<K>(object: &K) -> Result<Owner>
where
    K: Resource<DynamicType = ()>,
{
    let reference = object.controller_owner_ref(&());
    let mut reference =
        reference.ok_or_else(|| Error::Unreadable("the object has no name or uid".to_owned()))?;
    reference.block_owner_deletion = Some(true);
    Ok(Owner { namespace: object.namespace().unwrap_or_default(), reference })
}

async fn inputs(context: &Context, root_shard: &RootShard) -> Result<RootShardInputs> {
    let namespace = root_shard.namespace().unwrap_or_default();
    let virtual_workspace = match root_shard.spec.common.kcp_virtual_workspace.text() {
        Some(name) => fetch::custom::<VirtualWorkspace>(&context.client, &namespace, name).await?,
        None => None,
    };
    Ok(RootShardInputs { shards: fetch::shards(&context.client, &namespace).await?, virtual_workspace })
}

/// Writes down where the shard keeps its objects, before it does.
async fn record_store(context: &Context, root_shard: &RootShard, valid: &ValidRootShard) -> Result<()> {
    let record = valid.store.store.record();
    if root_shard.annotations().get(STORE_ANNOTATION) == Some(&record) {
        return Ok(());
    }
    let api: Api<RootShard> = Api::namespaced(context.client.clone(), &valid.owner.namespace);
    let patch = json!({ "metadata": {
        "resourceVersion": root_shard.resource_version(), "annotations": { (STORE_ANNOTATION): record },
    }});
    api.patch_metadata(&root_shard.name_any(), &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map(drop)
        .map_err(Error::api("write down the store"))
}

async fn write(
    context: &Context,
    root_shard: &RootShard,
    valid: &ValidRootShard,
    realized: &Realized,
) -> Result<()> {
    let available = Availability::of(&valid.deployments(), &realized.applied);
    let mut findings = vec![
        match &valid.store.refused {
            Some(refused_because) => refused(Store::CHANGED, refused_because),
            None => accepted(&valid.warnings),
        },
        realized.certificates_ready(),
        available.finding(),
        durability(valid),
    ];
    let overridden = image_overridden(&[&valid.image, &valid.proxy_image]);
    let absent = if overridden.is_none() { vec!["ImageOverridden"] } else { Vec::new() };
    findings.extend(overridden);
    let phase = if available.available { Phase::Running } else { Phase::Provisioning };
    let shards: Vec<_> = valid.shards.iter().map(|name| json!({ "name": name })).collect();
    let fields = json!({ "phase": phase.as_str(), "shards": shards });
    finish(context, root_shard, Report { findings, absent, fields }).await
}

/// What the choice of store means for those who rely on it.
fn durability(valid: &ValidRootShard) -> Finding {
    let (reason, message) = if valid.store.store.is_embedded() {
        (
            "OwnStore",
            format!(
                "the shard keeps its objects on PersistentVolumeClaim {}-kcp-store and runs once; the claim outlives \
                 this object, and a backup is yours to make",
                valid.installation.name
            ),
        )
    } else {
        ("Etcd", "the shard keeps its objects in the etcd of spec.etcd".to_owned())
    };
    Finding { condition: "StoreReady", holds: true, reason, message }
}

async fn finish(context: &Context, root_shard: &RootShard, outcome: Report) -> Result<()> {
    let status: RootShardStatus = root_shard.status.clone().unwrap_or_default();
    report(context, root_shard, &status.conditions, json!(status), outcome).await
}

/// Nothing is changed, and what runs goes on.
async fn refuse(context: &Context, root_shard: &RootShard, refusal: &Refusal) -> Result<Action> {
    let name = root_shard.name_any();
    let names = vec![format!("{name}-kcp"), format!("{name}-proxy")];
    let namespace = root_shard.namespace().unwrap_or_default();
    let running = fetch::deployments(&context.client, &namespace, &names).await?;
    let objects = running.into_values().map(Object::Deployment).collect();
    let mut available = Availability::of(&names, &Resources::wanted(Vec::new(), Vec::new()).applied(objects));
    if !available.available {
        available.message = format!("the spec is refused: {}", refusal.message);
    }
    let phase = if available.available { Phase::Running } else { Phase::Provisioning };
    let findings = vec![refused(refusal.reason, &refusal.message), available.finding()];
    let fields = json!({ "phase": phase.as_str() });
    finish(context, root_shard, Report { findings, absent: Vec::new(), fields }).await?;
    Ok(Action::await_change())
}

async fn deleting(context: &Context, root_shard: &RootShard) -> Result<Action> {
    let fields = json!({ "phase": Phase::Deleting.as_str() });
    finish(context, root_shard, Report { findings: Vec::new(), absent: Vec::new(), fields }).await?;
    Ok(Action::await_change())
}
