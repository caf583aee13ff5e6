//! FrontProxy: fetch, validate, build, apply, report.

use std::sync::Arc;

use kcp_operator_api::{FrontProxy, FrontProxyStatus, Phase, Text};
use kcp_operator_resources::{Availability, Finding, Object, Refusal, Resources, ValidFrontProxy};
use kube::runtime::controller::Action;
use kube::{Resource as _, ResourceExt as _};
use serde_json::json;

use crate::context::Context;
use crate::error::Result;
use crate::fetch;
use crate::realize::{Realized, accepted, image_overridden, realize, refused};
use crate::report::{Report, report};
use crate::root_shard::owner;

/// Makes a front-proxy what its FrontProxy says.
pub(crate) async fn reconcile(front_proxy: Arc<FrontProxy>, context: Arc<Context>) -> Result<Action> {
    if front_proxy.metadata.deletion_timestamp.is_some() {
        let fields = json!({ "phase": Phase::Deleting.as_str() });
        finish(&context, &front_proxy, Report { findings: Vec::new(), absent: Vec::new(), fields }).await?;
        return Ok(Action::await_change());
    }
    let namespace = front_proxy.namespace().unwrap_or_default();
    let Some(name) = front_proxy.spec.root_shard.reference.text() else {
        return no_root_shard(&context, &front_proxy, "rootShard.ref names no RootShard").await;
    };
    let Some(root_shard) = fetch::root_shard(&context.client, &namespace, name).await? else {
        return no_root_shard(&context, &front_proxy, &format!("RootShard {name} does not exist")).await;
    };
    let shards = fetch::shards(&context.client, &namespace).await?;
    let owner = owner(&*front_proxy)?;
    let valid = match ValidFrontProxy::new(&front_proxy, owner, &root_shard, &shards, &context.images) {
        Ok(valid) => valid,
        Err(refusal) => {
            return refuse(&context, &front_proxy, refused(refusal.reason, &refusal.message), refusal).await;
        }
    };
    let realized = Box::pin(realize(&context, &front_proxy.object_ref(&()), &valid)).await?;
    write(&context, &front_proxy, &valid, &realized).await?;
    let action = realized.requeue();
    realized.error.map_or(Ok(action), Err)
}

async fn write(
    context: &Context,
    front_proxy: &FrontProxy,
    valid: &ValidFrontProxy,
    realized: &Realized,
) -> Result<()> {
    let available = Availability::of(&valid.deployments(), &realized.applied);
    let message = format!("RootShard {} exists", valid.installation.name);
    let mut findings = vec![
        accepted(&valid.warnings),
        Finding { condition: "RootShard", holds: true, reason: "Valid", message },
        realized.certificates_ready(),
        available.finding(),
    ];
    let overridden = image_overridden(&[&valid.image]);
    let absent = if overridden.is_none() { vec!["ImageOverridden"] } else { Vec::new() };
    findings.extend(overridden);
    let phase = if available.available { Phase::Running } else { Phase::Provisioning };
    finish(context, front_proxy, Report { findings, absent, fields: json!({ "phase": phase.as_str() }) })
        .await
}

async fn finish(context: &Context, front_proxy: &FrontProxy, outcome: Report) -> Result<()> {
    let status: FrontProxyStatus = front_proxy.status.clone().unwrap_or_default();
    report(context, front_proxy, &status.conditions, json!(status), outcome).await
}

async fn no_root_shard(context: &Context, front_proxy: &FrontProxy, message: &str) -> Result<Action> {
    let finding = Finding {
        condition: "RootShard",
        holds: false,
        reason: "InvalidReference",
        message: message.to_owned(),
    };
    let refusal = Refusal { reason: Refusal::NOT_FOUND, message: message.to_owned() };
    refuse(context, front_proxy, finding, refusal).await
}

/// Nothing is changed, and what runs goes on.
async fn refuse(
    context: &Context,
    front_proxy: &FrontProxy,
    finding: Finding,
    refusal: Refusal,
) -> Result<Action> {
    let names = vec![format!("{}-front-proxy", front_proxy.name_any())];
    let namespace = front_proxy.namespace().unwrap_or_default();
    let running = fetch::deployments(&context.client, &namespace, &names).await?;
    let objects = running.into_values().map(Object::Deployment).collect();
    let mut available = Availability::of(&names, &Resources::wanted(Vec::new(), Vec::new()).applied(objects));
    if !available.available {
        available.message = refusal.message;
    }
    let phase = if available.available { Phase::Running } else { Phase::Provisioning };
    let findings = vec![finding, available.finding()];
    let fields = json!({ "phase": phase.as_str() });
    finish(context, front_proxy, Report { findings, absent: Vec::new(), fields }).await?;
    Ok(Action::await_change())
}
