//! One pod, from the moment it is ours until it is gone.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod, PodStatus};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use tokio::{sync::watch, task::JoinSet};

use super::{
    Node,
    board::{Board, List, State},
    events::Kind,
    hosts,
    runner::{PodGround, Restart, Runner, grace_of},
    status,
    stop::{Stop, Stopper},
    swap::{self, Contents},
    tokens::{self, PodTokens},
    volumes::{self, Placed, Source},
};
use crate::spaces::pod::PodSpaces;

/// What the agent tells the worker of a pod.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// The pod as it is in the API now.
    Pod(Arc<Pod>),
    /// It is no longer in the API.
    Gone,
    /// The sandbox stops; the pod will live on in its next life.
    Suspended,
}

/// A pod that could not be set up is tried again after this, or when something it may wait for changes.
const RETRY: Duration = Duration::from_secs(2);
/// A status that could not be written is tried again after this.
const REPORT_RETRY: Duration = Duration::from_millis(500);
/// When the sandbox stops, pods have at most so long.
const SUSPEND_GRACE: Duration = Duration::from_secs(10);

/// Runs the pod and reports on it; returns when nothing of it is left here.
pub(crate) async fn run(node: Arc<Node>, pod: Arc<Pod>, mut wanted: watch::Receiver<Wanted>) {
    let (board, stopper) = (Arc::new(Board::new(&pod)), Stopper::new());
    let worker =
        Worker { node, board, stop: stopper.stop(), first: Arc::clone(&pod), wanted: wanted.clone() };
    let mut reporter = Reporter { pod: Some(pod), told: None };
    let life = worker.live();
    tokio::pin!(life);
    let (mut over, mut retry) = (false, false);
    loop {
        let change = wanted.borrow_and_update().clone();
        reporter.hear(&change, &stopper);
        if !reporter.report(&worker).await {
            retry = true;
        }
        if over && reporter.is_finished(&change) {
            break;
        }
        tokio::select! {
            () = &mut life, if !over => over = true,
            changed = wanted.changed() => if changed.is_err() { stopper.ask(SUSPEND_GRACE) },
            () = worker.board.changed() => {}
            () = tokio::time::sleep(REPORT_RETRY), if retry => retry = false,
        }
    }
    reporter.finish(&worker).await;
    worker.node.layout.forget(worker.first.metadata.uid.as_deref().unwrap_or_default());
}

/// Writes the pod's status, and ends the pod in the API when it has ended here.
struct Reporter {
    /// None when the API has no such pod.
    pod: Option<Arc<Pod>>,
    told: Option<PodStatus>,
}

impl Reporter {
    fn hear(&mut self, change: &Wanted, stopper: &Stopper) {
        match change {
            Wanted::Pod(pod) => {
                if pod.metadata.deletion_timestamp.is_some() {
                    stopper.ask(grace_of(pod));
                }
                self.pod = Some(Arc::clone(pod));
            }
            Wanted::Gone => {
                let grace = self.pod.take().map(|pod| grace_of(&pod));
                stopper.ask(grace.unwrap_or(SUSPEND_GRACE));
            }
            Wanted::Suspended => {
                let grace = self.pod.as_ref().map_or(SUSPEND_GRACE, |pod| grace_of(pod));
                stopper.ask(grace.min(SUSPEND_GRACE));
            }
        }
    }

    /// Whether there is nothing to wait for, once nothing runs any more. A pod that has finished by itself stays in
    /// the API, and its worker with it, until it is deleted.
    fn is_finished(&self, change: &Wanted) -> bool {
        match change {
            Wanted::Pod(pod) => pod.metadata.deletion_timestamp.is_some(),
            Wanted::Gone | Wanted::Suspended => true,
        }
    }

    /// False when it has to be tried again.
    async fn report(&mut self, worker: &Worker) -> bool {
        let Some(pod) = &self.pod else { return true };
        let status = status::of(pod, &worker.board.notes(), Timestamp::now());
        let known = self.told.as_ref().or(pod.status.as_ref());
        if known.is_some_and(|known| same(known, &status)) {
            return true;
        }
        let api: Api<Pod> = worker.api();
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let body = serde_json::json!({ "metadata": { "uid": pod.metadata.uid }, "status": status });
        match api.patch_status(name, &PatchParams::default(), &Patch::Merge(body)).await {
            Ok(_) => {
                self.told = Some(status);
                true
            }
            Err(kube::Error::Api(refusal)) if refusal.code == 404 => true,
            Err(error) => {
                tracing::debug!(pod = name, %error, "status not written");
                false
            }
        }
    }

    /// Removes a pod that was being deleted.
    async fn finish(&self, worker: &Worker) {
        let Some(pod) = self.pod.as_ref().filter(|pod| pod.metadata.deletion_timestamp.is_some()) else {
            return;
        };
        let preconditions = Preconditions { uid: pod.metadata.uid.clone(), resource_version: None };
        let params = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(preconditions),
            ..DeleteParams::default()
        };
        let (api, name): (Api<Pod>, _) = (worker.api(), pod.metadata.name.as_deref().unwrap_or_default());
        for _ in 0..10 {
            match api.delete(name, &params).await {
                Ok(_) => return,
                Err(kube::Error::Api(refusal)) if matches!(refusal.code, 404 | 409) => return,
                Err(error) => tracing::info!(pod = name, %error, "not deleted yet"),
            }
            tokio::time::sleep(REPORT_RETRY).await;
        }
    }
}

/// Times of conditions follow from the rest.
fn same(known: &PodStatus, new: &PodStatus) -> bool {
    let bare = |status: &PodStatus| {
        let mut value = serde_json::json!(status);
        let conditions = value.get_mut("conditions").and_then(serde_json::Value::as_array_mut);
        for condition in conditions.into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
            condition.remove("lastTransitionTime");
            condition.remove("lastProbeTime");
        }
        value
    };
    bare(known) == bare(new)
}

struct Worker {
    node: Arc<Node>,
    board: Arc<Board>,
    stop: Stop,
    first: Arc<Pod>,
    wanted: watch::Receiver<Wanted>,
}

impl Worker {
    fn api(&self) -> Api<Pod> {
        let namespace = self.first.metadata.namespace.as_deref().unwrap_or_default();
        Api::namespaced(self.node.client.clone(), namespace)
    }

    fn uid(&self) -> &str {
        self.first.metadata.uid.as_deref().unwrap_or_default()
    }

    /// Set-up, init containers, containers. Returns when all have ended for good.
    async fn live(&self) {
        if self.stop.is_asked() || self.first.metadata.deletion_timestamp.is_some() {
            return;
        }
        let Some((ground, tokens)) = self.until_set_up().await else { return };
        let address = self.board.notes().address;
        tokio::select! {
            () = self.follow_volumes(&ground, tokens) => {}
            () = self.run_containers(&ground) => {}
        }
        if let Some(address) = address {
            self.node.addresses.release(address);
        }
    }

    /// None when the pod should end before it began.
    async fn until_set_up(&self) -> Option<(Arc<PodGround>, PodTokens)> {
        let mut changes = self.node.feed.changes();
        let mut said = String::new();
        loop {
            match self.set_up().await {
                Ok(done) => return Some(done),
                Err((reason, problem)) => {
                    if problem != said {
                        self.node.events.tell(&self.first, Kind::Warning, reason, &problem);
                        self.wait_for(&problem);
                        said = problem;
                    }
                }
            }
            tokio::select! {
                () = self.stop.asked() => return None,
                Ok(()) = changes.changed() => {}
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    fn wait_for(&self, problem: &str) {
        self.board.note(|notes| {
            for view in notes.init.iter_mut().chain(&mut notes.main) {
                view.state =
                    State::Waiting { reason: "ContainerCreating", message: Some(problem.to_owned()) };
            }
        });
    }

    async fn set_up(&self) -> Result<(Arc<PodGround>, PodTokens), (&'static str, String)> {
        let unmounted = |problem: String| ("FailedMount", problem);
        let mut pod = volumes::with_account(&self.first, &self.node.feed.read());
        let host_network = pod.spec.as_ref().and_then(|spec| spec.host_network) == Some(true);
        if host_network {
            return Err(("FailedCreatePodSandBox", "hostNetwork is not available in a sandbox".to_owned()));
        }
        let tokens = tokens::fetch(&self.node.client, &pod).await;
        let sources = volumes::sources(&pod, &self.node.feed.read(), &tokens.tokens);
        let sources = sources.map_err(|error| unmounted(error.to_string()))?;
        let placed = self.place(sources).map_err(|error| unmounted(error.to_string()))?;
        let address = match self.board.notes().address {
            Some(address) => address,
            None => {
                let free = self.node.addresses.take();
                free.ok_or(("FailedCreatePodSandBox", "no pod address is left".to_owned()))?
            }
        };
        let hostname = super::fields::hostname(&pod);
        let spaces = PodSpaces::create(hostname, address).await.map_err(|error| {
            self.node.addresses.release(address);
            ("FailedCreatePodSandBox", error.to_string())
        })?;
        pod.status.get_or_insert_default().pod_ip = Some(address.to_string());
        let directory = self.node.layout.pod(self.uid());
        self.write_hosts(&pod, address).map_err(|error| unmounted(error.to_string()))?;
        self.board.note(|notes| notes.address = Some(address));
        let (node, board) = (Arc::clone(&self.node), Arc::clone(&self.board));
        Ok((Arc::new(PodGround { node, pod, spaces, placed, directory, board }), tokens))
    }

    /// Makes the directories of all volumes, and the files in those that have some.
    fn place(&self, sources: BTreeMap<String, Source>) -> std::io::Result<BTreeMap<String, Placed>> {
        let mut placed = BTreeMap::new();
        for (name, source) in sources {
            let (directory, read_only) = match source {
                Source::Scratch => (self.node.layout.scratch(self.uid(), &name), false),
                Source::Claim { uid, read_only } => (self.node.layout.claim(&uid), read_only),
                Source::Files(contents) => {
                    let directory = self.files_of(&name);
                    swap::write(&directory, &contents)?;
                    (directory, true)
                }
            };
            std::fs::create_dir_all(&directory)?;
            placed.insert(name, Placed { directory, read_only });
        }
        Ok(placed)
    }

    fn files_of(&self, volume: &str) -> std::path::PathBuf {
        self.node.layout.pod(self.uid()).join("volumes").join(volume)
    }

    fn write_hosts(&self, pod: &Pod, address: Ipv4Addr) -> std::io::Result<()> {
        let text = hosts::hosts(pod, address, &self.node.feed.read(), &self.node.published.borrow());
        hosts::write(&self.node.layout.pod(self.uid()).join("etc"), pod, &text)
    }

    /// Keeps files and names as the cluster has them; does not return.
    async fn follow_volumes(&self, ground: &PodGround, mut tokens: PodTokens) {
        let mut changes = self.node.feed.changes();
        let mut published = self.node.published.clone();
        let mut written: BTreeMap<String, Contents> = BTreeMap::new();
        let mut hosts_written = String::new();
        loop {
            if let Err(error) = self.refresh(ground, &tokens, &mut written, &mut hosts_written) {
                tracing::warn!(pod = self.uid(), %error, "a volume was not updated");
            }
            let renew = async {
                match tokens.renew {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Ok(()) = changes.changed() => {}
                Ok(()) = published.changed() => {}
                () = renew => tokens = self.renewed(ground, tokens).await,
            }
        }
    }

    /// Fresh tokens; an old one stays as long as there is no new one.
    async fn renewed(&self, ground: &PodGround, old: PodTokens) -> PodTokens {
        let mut fresh = tokens::fetch(&self.node.client, &ground.pod).await;
        for (wish, token) in old.tokens {
            let kept = fresh.tokens.entry(wish).or_insert_with(|| token.clone());
            if kept.is_err() {
                *kept = token;
            }
        }
        fresh
    }

    fn refresh(
        &self,
        ground: &PodGround,
        tokens: &PodTokens,
        written: &mut BTreeMap<String, Contents>,
        hosts_written: &mut String,
    ) -> std::io::Result<()> {
        let current = match &*self.wanted.borrow() {
            Wanted::Pod(pod) => Some(Arc::clone(pod)),
            Wanted::Gone | Wanted::Suspended => None,
        };
        // Labels and annotations may change while the pod runs; nothing else that volumes show.
        let mut pod = ground.pod.clone();
        if let Some(current) = current {
            pod.metadata = current.metadata.clone();
        }
        let sources = volumes::sources(&pod, &self.node.feed.read(), &tokens.tokens);
        // What a volume shows stays as it is when its object is deleted.
        for (name, source) in sources.unwrap_or_default() {
            if let Source::Files(contents) = source
                && written.get(&name) != Some(&contents)
            {
                swap::write(&self.files_of(&name), &contents)?;
                written.insert(name, contents);
            }
        }
        let Some(address) = self.board.notes().address else { return Ok(()) };
        let text = hosts::hosts(&pod, address, &self.node.feed.read(), &self.node.published.borrow());
        if text != *hosts_written {
            hosts::write(&self.node.layout.pod(self.uid()).join("etc"), &pod, &text)?;
            *hosts_written = text;
        }
        Ok(())
    }

    async fn run_containers(&self, ground: &Arc<PodGround>) {
        let sidecars_stopper = Stopper::new();
        let mut sidecars = JoinSet::new();
        let initialized = self.run_init(ground, &sidecars_stopper, &mut sidecars).await;
        if initialized {
            self.board.note(|notes| notes.initialized = true);
            self.run_main(ground).await;
        }
        sidecars_stopper.ask(grace_of(&ground.pod));
        while sidecars.join_next().await.is_some() {}
        if !self.stop.is_asked() {
            self.board.note(|notes| notes.over = true);
        }
    }

    /// One after the other; those that restart always are sidecars, which only have to be started.
    async fn run_init(&self, ground: &Arc<PodGround>, stopper: &Stopper, sidecars: &mut JoinSet<()>) -> bool {
        let spec = ground.pod.spec.clone().unwrap_or_default();
        let restart = match policy(&ground.pod) {
            Restart::Never => Restart::Never,
            Restart::Always | Restart::OnFailure => Restart::OnFailure,
        };
        for (index, container) in spec.init_containers.into_iter().flatten().enumerate() {
            if container.restart_policy.as_deref() == Some("Always") {
                let runner =
                    self.runner(ground, container, List::Init, index, Restart::Always, stopper.stop());
                sidecars.spawn(async move {
                    runner.run().await;
                });
                if !self.until_started(index).await {
                    return false;
                }
            } else {
                let runner = self.runner(ground, container, List::Init, index, restart, self.stop.clone());
                let ended = runner.run().await;
                if ended.is_none_or(|ended| ended.code != 0) {
                    return false;
                }
                self.board.note_container(List::Init, index, |view| view.ready = true);
            }
        }
        !self.stop.is_asked()
    }

    async fn until_started(&self, index: usize) -> bool {
        const LOOK: Duration = Duration::from_millis(100);
        loop {
            if self.stop.is_asked() {
                return false;
            }
            if self.board.notes().init.get(index).is_some_and(|view| view.started) {
                return true;
            }
            self.stop.sleep(LOOK).await;
        }
    }

    async fn run_main(&self, ground: &Arc<PodGround>) {
        let spec = ground.pod.spec.clone().unwrap_or_default();
        let restart = policy(&ground.pod);
        let mut containers = JoinSet::new();
        for (index, container) in spec.containers.into_iter().enumerate() {
            let runner = self.runner(ground, container, List::Main, index, restart, self.stop.clone());
            containers.spawn(async move {
                runner.run().await;
            });
        }
        while containers.join_next().await.is_some() {}
    }

    fn runner(
        &self,
        ground: &Arc<PodGround>,
        container: Container,
        list: List,
        index: usize,
        restart: Restart,
        stop: Stop,
    ) -> Runner {
        Runner { ground: Arc::clone(ground), container, list, index, restart, stop }
    }
}

fn policy(pod: &Pod) -> Restart {
    match pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()) {
        Some("Never") => Restart::Never,
        Some("OnFailure") => Restart::OnFailure,
        _ => Restart::Always,
    }
}
