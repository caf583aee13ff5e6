//! The steps that every kind shares: read, sign, build, apply, prune.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ObjectReference;
use kcp_operator_resources::{
    Applied, Built, CertificatePlan, Contents, Finding, Image, Owner, Resources, Source, ValidFrontProxy,
    ValidKubeconfig, ValidRootShard, names,
};
use kcp_pki::UnixTime;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use kube::runtime::events::EventType;

use crate::apply::{self, is_missing_kind};
use crate::context::{Context, Referrer, now, unix};
use crate::error::{Error, Result};
use crate::{fetch, pki};

/// A resource that was found valid: what it wants is a function of it and of what exists.
pub(crate) trait Desired: Clone + Send + Sync + 'static {
    /// Its kind, for the record of what it was built from.
    const KIND: &'static str;
    fn owner(&self) -> &Owner;
    /// Selects the Secrets that it looks at, and among which those it owns are pruned.
    fn secrets(&self) -> String;
    fn certificates(&self) -> Vec<CertificatePlan>;
    fn sources(&self) -> Vec<Source>;
    fn deployments(&self) -> Vec<String>;
    fn build(&self, contents: &Contents, existing: &BTreeMap<String, Deployment>) -> Resources<Built>;
}

/// What came of it.
pub(crate) struct Realized {
    pub(crate) applied: Resources<Applied>,
    /// Certificates that are not there, one line each.
    pub(crate) problems: Vec<String>,
    /// How many certificates there are.
    pub(crate) certificates: usize,
    pub(crate) next_renewal: Option<UnixTime>,
    /// What failed, after everything else was done.
    pub(crate) error: Option<Error>,
}

/// Makes true what a resource wants, as far as that is possible now.
pub(crate) async fn realize<D: Desired>(
    context: &Context,
    about: &ObjectReference,
    desired: &D,
) -> Result<Realized> {
    let (client, owner) = (&context.client, desired.owner());
    let sources = desired.sources();
    let referrer =
        Referrer { namespace: owner.namespace.clone(), kind: D::KIND, name: owner.reference.name.clone() };
    context.references.set(referrer, &sources);
    let contents = fetch::contents(client, &owner.namespace, &desired.secrets(), &sources).await?;
    let plans = desired.certificates();
    let (mut contents, outcome) = sign(desired, plans.clone(), contents).await?;
    let mut notes = Vec::new();
    for signed in outcome.signed {
        notes.push(format!("{} ({})", signed.secret.name_any(), signed.reason));
        let stored = apply::store(client, signed).await?;
        contents.secrets.insert(stored.name_any(), stored);
    }
    if !notes.is_empty() {
        let note = format!("issued {}", notes.join(", "));
        tracing::info!(namespace = owner.namespace, note, "certificates");
        context.event(about, EventType::Normal, "CertificatesIssued", &note).await;
    }
    let existing = fetch::deployments(client, &owner.namespace, &desired.deployments()).await?;
    let built = desired.build(&contents, &existing);
    let (applied, mut error) = apply::apply(client, owner, built).await;
    if error.is_none() && outcome.problems.is_empty() && applied.waiting.is_empty() {
        let kept = plans.iter().map(|plan| plan.name.clone()).collect::<BTreeSet<_>>();
        error = apply::prune(client, owner, &applied, &kept, &desired.secrets()).await.err();
    }
    Ok(Realized {
        applied,
        problems: outcome.problems,
        certificates: plans.len(),
        next_renewal: outcome.next_renewal,
        error,
    })
}

/// Signing may take a second for each RSA key, so it happens aside.
async fn sign<D: Desired>(
    desired: &D,
    plans: Vec<CertificatePlan>,
    mut contents: Contents,
) -> Result<(Contents, pki::Outcome)> {
    let (owner, time) = (desired.owner().clone(), unix(now()));
    let work = tokio::task::spawn_blocking(move || {
        let outcome = pki::sign(&plans, &owner, &mut contents.secrets, time);
        (contents, outcome)
    });
    work.await.map_err(|error| Error::Internal(error.to_string()))
}

impl Realized {
    /// Whether all certificates are there.
    pub(crate) fn certificates_ready(&self) -> Finding {
        let finding =
            |holds, reason, message| Finding { condition: "CertificatesReady", holds, reason, message };
        if self.error.as_ref().is_some_and(is_missing_kind) {
            return finding(
                false,
                "CertManagerMissing",
                "an issuerRef asks for cert-manager, whose kinds are not installed; install it, or remove the issuerRef"
                    .to_owned(),
            );
        }
        match self.problems.first() {
            Some(problem) => finding(false, "Pending", problem.clone()),
            None => {
                let next = self.next_renewal.and_then(|time| {
                    Timestamp::from_second(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)).ok()
                });
                let next = next.map(|time| format!("; the next one is due on {}", time.strftime("%Y-%m-%d")));
                let message =
                    format!("{} certificates are valid{}", self.certificates, next.unwrap_or_default());
                finding(true, "Issued", message)
            }
        }
    }

    /// When to look again without being told.
    pub(crate) fn requeue(&self) -> Action {
        if !self.problems.is_empty() || !self.applied.waiting.is_empty() {
            return Action::requeue(Duration::from_secs(30));
        }
        let left = self.next_renewal.map(|next| next.as_secs().saturating_sub(unix(now()).as_secs()));
        let left = left.map_or(RESYNC, |left| Duration::from_secs(left.max(1)));
        Action::requeue(left.min(RESYNC))
    }
}

/// How often everything is looked at without a cause.
const RESYNC: Duration = Duration::from_secs(600);

/// That a spec is followed, or in which way not.
pub(crate) fn accepted(warnings: &[String]) -> Finding {
    let (reason, message) = match warnings {
        [] => ("Accepted", "the spec is followed".to_owned()),
        warnings => ("AcceptedWithWarnings", warnings.join("; ")),
    };
    Finding { condition: "Valid", holds: true, reason, message }
}

/// That a spec is not followed.
pub(crate) fn refused(reason: &'static str, message: &str) -> Finding {
    Finding { condition: "Valid", holds: false, reason, message: message.to_owned() }
}

/// That another image runs than was asked for; `None` if not.
pub(crate) fn image_overridden(images: &[&Image]) -> Option<Finding> {
    let image = images.iter().find(|image| image.overridden.is_some())?;
    let asked = image.overridden.as_deref().unwrap_or_default();
    Some(Finding {
        condition: "ImageOverridden",
        holds: true,
        reason: "BundledImage",
        message: format!(
            "{} is run instead of {asked}; another repository than kcp's own is honoured",
            image.name
        ),
    })
}

/// What is run as Deployments is asked in the same words, whichever kind it is.
macro_rules! desires {
    ($valid:ty, $kind:literal) => {
        impl Desired for $valid {
            const KIND: &'static str = $kind;

            fn owner(&self) -> &Owner {
                &self.owner
            }

            fn secrets(&self) -> String {
                format!("{}={}", names::ROOT_SHARD_LABEL, self.installation.name)
            }

            fn certificates(&self) -> Vec<CertificatePlan> {
                self.certificates()
            }

            fn sources(&self) -> Vec<Source> {
                self.sources()
            }

            fn deployments(&self) -> Vec<String> {
                self.deployments()
            }

            fn build(
                &self,
                contents: &Contents,
                existing: &BTreeMap<String, Deployment>,
            ) -> Resources<Built> {
                self.build(contents, existing)
            }
        }
    };
}

desires!(ValidRootShard, "RootShard");
desires!(ValidFrontProxy, "FrontProxy");

impl Desired for ValidKubeconfig {
    const KIND: &'static str = "Kubeconfig";

    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn secrets(&self) -> String {
        format!("{}={}", names::KUBECONFIG_LABEL, self.owner.reference.name)
    }

    fn certificates(&self) -> Vec<CertificatePlan> {
        vec![self.certificate()]
    }

    fn sources(&self) -> Vec<Source> {
        self.sources()
    }

    fn deployments(&self) -> Vec<String> {
        Vec::new()
    }

    fn build(&self, contents: &Contents, _existing: &BTreeMap<String, Deployment>) -> Resources<Built> {
        self.build(contents)
    }
}
