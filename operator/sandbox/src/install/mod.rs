//! From an empty host to a running installation: applies manifests as `kubectl apply --server-side` would and tells, object
//! by object, what is ready and what is not.
//!
//! Only what is given is applied and watched; the sandbox knows nothing of the operator but where its manifests are
//! (`embedded`), which Service it makes for a FrontProxy (`exposure`) and where a Kubeconfig's Secret is.

mod apply;
mod embedded;
mod exposure;
mod kubeconfig;
mod manifests;
mod readiness;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::Context;
use kube::{Client, core::DynamicObject};
use tokio_util::sync::CancellationToken;

pub(crate) use exposure::Exposure;
pub(crate) use kubeconfig::{port_of, write as write_kubeconfig};

use self::{
    apply::{Applied, Applier},
    readiness::Readiness,
};
use crate::{flags::Flags, node::known::Feed, say};

/// How often what is not ready is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How an installation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran until it was asked to stop.
    Stopped,
}

/// Installs what the flags ask for.
pub(crate) struct Installer {
    pub(crate) client: Client,
    pub(crate) flags: Flags,
    pub(crate) feed: Feed,
}

impl Installer {
    /// Applies everything, waits until it is ready, says how to use it, and then until `stop`.
    ///
    /// # Errors
    /// A manifest that cannot be read, or that the API refuses.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<Outcome> {
        let installed = async {
            self.install(embedded::operator()?).await?;
            let wanted = self.wanted()?;
            let applied = self.install(wanted).await?;
            self.finish(&applied).await
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(Outcome::Stopped),
            result = installed => result?,
        }
        stop.cancelled().await;
        Ok(Outcome::Stopped)
    }

    /// The given manifests, else the samples.
    fn wanted(&self) -> anyhow::Result<Vec<DynamicObject>> {
        if self.flags.files.is_empty() {
            return embedded::samples();
        }
        let mut objects = Vec::new();
        for path in &self.flags.files {
            objects.extend(manifests::read(path)?);
        }
        Ok(objects)
    }

    async fn install(&self, objects: Vec<DynamicObject>) -> anyhow::Result<Vec<Applied>> {
        let mut applier = Applier::new(self.client.clone());
        let mut applied = Vec::new();
        for object in apply::in_order(objects) {
            let name = apply::name(&object);
            let one = applier.apply(object).await.with_context(|| format!("applying {name}"))?;
            say(&format!("applied   {}", one.name));
            applied.push(one);
        }
        self.until_ready(&applied).await?;
        Ok(applied)
    }

    /// Tells each change once.
    async fn until_ready(&self, applied: &[Applied]) -> anyhow::Result<()> {
        let mut waiting: BTreeMap<usize, String> =
            applied.iter().enumerate().map(|(index, _)| (index, String::new())).collect();
        while !waiting.is_empty() {
            let pending: Vec<usize> = waiting.keys().copied().collect();
            for index in pending {
                let one = &applied[index];
                let readiness = match one.look().await {
                    Ok(object) => readiness::of(&object, &self.feed.read()),
                    Err(error) => Readiness::Waiting(error.to_string()),
                };
                match readiness {
                    Readiness::Plain => {
                        waiting.remove(&index);
                    }
                    Readiness::Ready => {
                        say(&format!("ready     {}", one.name));
                        waiting.remove(&index);
                    }
                    Readiness::Waiting(why) => {
                        let said = waiting.insert(index, why.clone());
                        if said.as_ref() != Some(&why) {
                            say(&format!("waiting   {}: {why}", one.name));
                        }
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Writes the kubeconfig of the first Kubeconfig object and says what to try.
    async fn finish(&self, applied: &[Applied]) -> anyhow::Result<()> {
        let directory = &self.flags.data_dir;
        let host = directory.join("host.kubeconfig").display().to_string();
        let path: PathBuf = directory.join("admin.kubeconfig");
        let first = applied.iter().find(|one| one.kind == "Kubeconfig");
        let Some(first) = first else {
            say(&format!(
                "\nThe host's API: {host}\n\n    kubectl --kubeconfig {host} get pods --all-namespaces"
            ));
            return Ok(());
        };
        let found = kubeconfig::of_object(&self.client, &first.look().await?).await?;
        let note = kubeconfig::write(&path, &found.kubeconfig).map(|()| found.note)?;
        let path = path.display();
        say(&format!(
            "\nkcp is ready. Its kubeconfig: {path}\n\n    export KUBECONFIG={path}\n    kubectl get workspaces\n    \
             kubectl --kubeconfig {host} get pods --all-namespaces\n{}\nCtrl-C ends everything.",
            note.unwrap_or_default()
        ));
        Ok(())
    }
}
