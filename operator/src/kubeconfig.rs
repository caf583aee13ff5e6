//! Kubeconfig: a certificate, the Secret for its user, and the roles it has inside kcp.

use std::sync::Arc;

use kcp_operator_api::{FrontProxy, Kubeconfig, KubeconfigPhase, KubeconfigStatus, RootShard, Shard, Text};
use kcp_operator_resources::{Finding, Refusal, Target, TargetObject, ValidKubeconfig};
use kube::runtime::controller::Action;
use kube::{Resource as _, ResourceExt as _};
use serde_json::json;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::realize::{Realized, accepted, realize, refused};
use crate::report::{Report, report};
use crate::root_shard::owner;
use crate::{fetch, roles};

/// Writes the Secret of a Kubeconfig and binds its roles.
pub(crate) async fn reconcile(kubeconfig: Arc<Kubeconfig>, context: Arc<Context>) -> Result<Action> {
    let found = match find(&context, &kubeconfig).await {
        Ok(found) => Ok(found),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(error) => return Err(error),
    };
    if kubeconfig.metadata.deletion_timestamp.is_some() {
        return roles::release(&context, &kubeconfig, found.ok().as_ref()).await;
    }
    let valid = match found {
        Ok(valid) => valid,
        Err(refusal) => return refuse(&context, &kubeconfig, &refusal).await,
    };
    let realized = Box::pin(realize(&context, &kubeconfig.object_ref(&()), &valid)).await?;
    let bound =
        if realized.error.is_none() { roles::bind(&context, &kubeconfig, &valid).await } else { Ok(None) };
    write(&context, &kubeconfig, &valid, &realized, &bound).await?;
    let action = realized.requeue();
    realized.error.map_or(Ok(()), Err)?;
    bound.map(|_| action)
}

/// The target and its installation, checked.
async fn find(context: &Context, kubeconfig: &Kubeconfig) -> Result<ValidKubeconfig> {
    let namespace = kubeconfig.namespace().unwrap_or_default();
    let client = &context.client;
    let target = Target::of(&kubeconfig.spec)?;
    let missing = || missing(&target.status_name());
    let (root_shard, object) = match &target {
        Target::RootShard(name) => (name.clone(), TargetObject::RootShard),
        Target::Shard(name) => {
            let shard = fetch::custom::<Shard>(client, &namespace, name).await?.ok_or_else(missing)?;
            (named(&shard.spec.root_shard.reference, &target)?, TargetObject::Shard(Box::new(shard)))
        }
        Target::FrontProxy(name) => {
            let proxy = fetch::custom::<FrontProxy>(client, &namespace, name).await?.ok_or_else(missing)?;
            (named(&proxy.spec.root_shard.reference, &target)?, TargetObject::FrontProxy(Box::new(proxy)))
        }
    };
    let found: Option<RootShard> = fetch::root_shard(client, &namespace, &root_shard).await?;
    let root_shard = found.ok_or_else(|| self::missing(&format!("RootShard/{root_shard}")))?;
    Ok(ValidKubeconfig::new(kubeconfig, owner(kubeconfig)?, &root_shard, &object)?)
}

fn named(reference: &Option<kcp_operator_api::LocalObjectReference>, target: &Target) -> Result<String> {
    let message = || format!("{} names no RootShard", target.status_name());
    let name = reference.text().map(str::to_owned);
    Ok(name.ok_or_else(|| Refusal { reason: Refusal::NOT_FOUND, message: message() })?)
}

fn missing(what: &str) -> Refusal {
    Refusal { reason: Refusal::NOT_FOUND, message: format!("{what} does not exist") }
}

async fn write(
    context: &Context,
    kubeconfig: &Kubeconfig,
    valid: &ValidKubeconfig,
    realized: &Realized,
    bound: &Result<Option<String>>,
) -> Result<()> {
    let target = Target::of(&kubeconfig.spec)?.status_name();
    let available = available(valid, realized);
    let phase = if available.holds { KubeconfigPhase::Ready } else { KubeconfigPhase::Provisioning };
    let message = format!("{target} exists");
    let reference = Finding { condition: "ReferenceValid", holds: true, reason: "ReferenceValid", message };
    let mut findings = vec![accepted(&valid.warnings), reference, realized.certificates_ready(), available];
    let mut fields = json!({ "phase": phase.as_str(), "targetName": target });
    let mut absent = Vec::new();
    match bound {
        Ok(Some(workspace)) => {
            let message = format!("all roles are bound in {workspace}");
            findings.push(Finding { condition: "RolesBound", holds: true, reason: "Bound", message });
            fields["authorization"] = json!({ "provisionedCluster": workspace });
        }
        Ok(None) => {
            absent.push("RolesBound");
            fields["authorization"] = json!(null);
        }
        Err(error) => {
            let message = error.to_string();
            findings.push(Finding { condition: "RolesBound", holds: false, reason: "NotBound", message });
        }
    }
    finish(context, kubeconfig, Report { findings, absent, fields }).await
}

/// Whether the Secret is written.
fn available(valid: &ValidKubeconfig, realized: &Realized) -> Finding {
    let finding = |holds, reason, message| Finding { condition: "Available", holds, reason, message };
    if let Some(error) = &realized.error {
        return finding(false, "ClientCertificateSecretError", error.to_string());
    }
    if let Some(problem) = realized.problems.first() {
        return finding(false, "ClientCertificateSecretNotReady", problem.clone());
    }
    match realized.applied.waiting.first() {
        Some(waiting) if waiting.reason.contains(&valid.certificate().name) => {
            finding(false, "ClientCertificateSecretNotReady", waiting.reason.clone())
        }
        Some(waiting) => finding(false, "ServerCASecretNotReady", waiting.reason.clone()),
        None => finding(true, "SecretsReady", "the kubeconfig is written".to_owned()),
    }
}

async fn finish(context: &Context, kubeconfig: &Kubeconfig, outcome: Report) -> Result<()> {
    let status: KubeconfigStatus = kubeconfig.status.clone().unwrap_or_default();
    report(context, kubeconfig, &status.conditions, json!(status), outcome).await
}

async fn refuse(context: &Context, kubeconfig: &Kubeconfig, refusal: &Refusal) -> Result<Action> {
    let mut findings = Vec::new();
    if refusal.reason == Refusal::NOT_FOUND {
        let message = refusal.message.clone();
        let reason = "ReferenceNotFound";
        findings.push(Finding { condition: "ReferenceValid", holds: false, reason, message });
    } else {
        findings.push(refused(refusal.reason, &refusal.message));
    }
    let fields = json!({ "phase": KubeconfigPhase::Failed.as_str() });
    finish(context, kubeconfig, Report { findings, absent: Vec::new(), fields }).await?;
    Ok(Action::await_change())
}
