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

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use kube::{Client, core::DynamicObject};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use exposure::{Exposure, Wish};
pub(crate) use kubeconfig::{port_of, write as write_kubeconfig};

use self::{
    apply::{Applied, Applier},
    readiness::Readiness,
};
use crate::{flags::Flags, node::known::Feed, say, workloads::Key};

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
    /// When the sandbox was started.
    pub(crate) began: Instant,
}

/// The FrontProxies of what will be applied, with their ports on the host.
///
/// # Errors
/// A manifest that cannot be read.
pub(crate) fn wishes(files: &[PathBuf]) -> anyhow::Result<Vec<Wish>> {
    Ok(exposure::wishes(&wanted(files)?))
}

/// The given manifests, else the samples.
fn wanted(files: &[PathBuf]) -> anyhow::Result<Vec<DynamicObject>> {
    if files.is_empty() {
        return embedded::samples();
    }
    let mut objects = Vec::new();
    for path in files {
        objects.extend(manifests::read(path)?);
    }
    Ok(objects)
}

impl Installer {
    /// Applies everything, waits until it is ready, says how to use it, and then until `stop`.
    ///
    /// # Errors
    /// A manifest that cannot be read, or that the API refuses.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<Outcome> {
        let installed = async {
            self.install(embedded::operator()?).await?;
            let applied = self.install(wanted(&self.flags.files)?).await?;
            self.finish(&applied).await
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(Outcome::Stopped),
            result = installed => result?,
        }
        stop.cancelled().await;
        Ok(Outcome::Stopped)
    }

    async fn install(&self, objects: Vec<DynamicObject>) -> anyhow::Result<Vec<Applied>> {
        let mut applier = Applier::new(self.client.clone());
        let mut applied = Vec::new();
        for object in apply::in_order(objects) {
            let name = apply::name(&object);
            let one = applier.apply(object).await.with_context(|| format!("applying {name}"))?;
            self.tell(&format!("applied   {}", one.name));
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
                        self.tell(&format!("ready     {}", one.name));
                        waiting.remove(&index);
                    }
                    Readiness::Waiting(why) => {
                        let said = waiting.insert(index, why.clone());
                        if said.as_ref() != Some(&why) {
                            self.tell(&format!("waiting   {}: {why}", one.name));
                        }
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Says how to use what is there, and keeps the file with the first Kubeconfig's Secret as the Secret is.
    async fn finish(&self, applied: &[Applied]) -> anyhow::Result<()> {
        let directory = &self.flags.data_dir;
        let host = directory.join("host.kubeconfig").display().to_string();
        let Some(first) = applied.iter().find(|one| one.kind == "Kubeconfig") else {
            say(&format!(
                "\nThe host's API: {host}\n\n    kubectl --kubeconfig {host} get pods --all-namespaces\n\n\
                 Ctrl-C ends everything."
            ));
            return Ok(());
        };
        let path = directory.join("admin.kubeconfig");
        let secret = kubeconfig::secret_of(&first.look().await?)?;
        let mut changes = self.feed.changes();
        let (mut written, mut told) = (None, false);
        loop {
            if let Some(note) = self.write_if_changed(&secret, &path, &mut written)?
                && !told
            {
                let path = path.display();
                self.tell("kcp is ready");
                say(&format!(
                    "\nIts kubeconfig: {path}\n\n    export KUBECONFIG={path}\n    kubectl get workspaces\n    \
                     kubectl --kubeconfig {host} get pods --all-namespaces\n{note}\nCtrl-C ends everything."
                ));
                told = true;
            }
            if changes.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// A note for the user when there is something new.
    fn write_if_changed(
        &self,
        secret: &Key,
        path: &Path,
        written: &mut Option<Vec<u8>>,
    ) -> anyhow::Result<Option<String>> {
        let data = self.feed.read().secrets.find(secret).and_then(kubeconfig::data);
        let Some(data) = data.filter(|data| written.as_ref() != Some(data)) else { return Ok(None) };
        let found = kubeconfig::reachable_from_here(&data).with_context(|| format!("Secret {secret}"))?;
        kubeconfig::write(path, &found.kubeconfig)?;
        *written = Some(data);
        Ok(Some(found.note.unwrap_or_default()))
    }

    /// A line of progress, with the seconds since the start.
    fn tell(&self, text: &str) {
        say(&format!("{:6.1}s  {text}", self.began.elapsed().as_secs_f64()));
    }
}
