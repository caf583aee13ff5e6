//! One container: started, probed, stopped, started again.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod, Probe};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{process::Child, time::Instant};

use super::{
    Node,
    backoff::Backoff,
    board::{Board, Ended, List, State},
    describe,
    events::Kind,
    handler::{Call, Target},
    logs::Log,
    probe::{Gauge, Schedule},
    stop::Stop,
    volumes::Placed,
};
use crate::spaces::pod::PodSpaces;

/// What all containers of a pod share.
pub(crate) struct PodGround {
    pub(crate) node: Arc<Node>,
    /// As it is run, its address filled in.
    pub(crate) pod: Pod,
    pub(crate) spaces: Arc<PodSpaces>,
    pub(crate) placed: std::collections::BTreeMap<String, Placed>,
    /// Where the pod's own files are.
    pub(crate) directory: PathBuf,
    pub(crate) board: Arc<Board>,
}

/// What happens when a container ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    Always,
    OnFailure,
    Never,
}

/// One container of the pod, by its place.
pub(crate) struct Runner {
    pub(crate) ground: Arc<PodGround>,
    pub(crate) container: Container,
    pub(crate) list: List,
    pub(crate) index: usize,
    pub(crate) restart: Restart,
    pub(crate) stop: Stop,
}

/// How long log streams may still be read after a container's end; all its processes are gone by then.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// No hook and no grace is longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// A container whose set-up failed is tried again after this.
const CONFIG_RETRY: Duration = Duration::from_secs(1);

impl Runner {
    /// Runs the container as often as its policy wants. Returns how it ended for good; none when it never ran.
    pub(crate) async fn run(self) -> Option<Ended> {
        let (mut backoff, mut last) = (Backoff::default(), None);
        loop {
            if self.stop.is_asked() {
                return last;
            }
            let began = Instant::now();
            match Box::pin(self.once()).await {
                Err(problem) => {
                    self.complain(&problem);
                    self.stop.sleep(CONFIG_RETRY).await;
                    continue;
                }
                Ok(ended) => last = Some(ended),
            }
            let Some(ended) = last.clone() else { continue };
            let again = match self.restart {
                Restart::Always => true,
                Restart::OnFailure => ended.code != 0,
                Restart::Never => false,
            };
            if !again || self.stop.is_asked() {
                return Some(ended);
            }
            self.pause(backoff.after(began.elapsed()), ended).await;
        }
    }

    /// Waits as a container in `CrashLoopBackOff`, and counts the restart.
    async fn pause(&self, pause: Duration, ended: Ended) {
        if !pause.is_zero() {
            let (name, pod) = (&self.container.name, self.pod_name());
            let message = format!("back-off {pause:?} restarting failed container={name} pod={pod}");
            self.tell(
                Kind::Warning,
                "BackOff",
                &format!("Back-off restarting failed container {name} in pod {pod}"),
            );
            self.note(|view| {
                view.state = State::Waiting { reason: "CrashLoopBackOff", message: Some(message) };
                view.last = Some(ended.clone());
            });
            self.stop.sleep(pause).await;
        }
        if self.stop.is_asked() {
            return self.note(|view| view.state = State::Ended(ended));
        }
        self.note(|view| {
            view.last = Some(ended);
            view.restarts += 1;
        });
    }

    /// One run, from start to end.
    async fn once(&self) -> Result<Ended, Problem> {
        let ground = &self.ground;
        let described = describe::container(ground, &self.container)?;
        let restarts = self.restarts();
        let log = ground.node.logs.begin(&ground.pod, &self.container.name, restarts)?;
        let mut child = ground
            .spaces
            .start(ground.node.layout.executable(), described.file.clone())
            .await
            .map_err(|error| Problem::start(format!("failed to start container: {error}")))?;
        let started = Timestamp::now();
        self.note(|view| {
            view.state = State::Running { since: started };
            (view.ready, view.started) = (false, false);
        });
        self.tell(Kind::Normal, "Started", &format!("Container {} started", self.container.name));
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let target = Target {
            address: described.address,
            pid: child.id().unwrap_or_default(),
            env: described.env,
            working_dir: described.working_dir,
        };
        let said = async {
            let out = async {
                if let Some(out) = out {
                    log.take("stdout", out).await
                }
            };
            let err = async {
                if let Some(err) = err {
                    log.take("stderr", err).await
                }
            };
            tokio::join!(out, err)
        };
        tokio::pin!(said);
        let mut closed = false;
        let status = {
            let end = self.until_end(&mut child, &target);
            tokio::pin!(end);
            loop {
                tokio::select! {
                    status = &mut end => break status?,
                    // A container may close its streams and live on.
                    _ = &mut said, if !closed => closed = true,
                }
            }
        };
        if !closed {
            tokio::time::timeout(LAST_WORDS, &mut said).await.ok();
        }
        let ended = ended(status, started, &described.termination, &log);
        self.note(|view| {
            view.state = State::Ended(ended.clone());
            (view.ready, view.started) = (false, false);
        });
        Ok(ended)
    }

    async fn until_end(&self, child: &mut Child, target: &Target) -> io::Result<std::process::ExitStatus> {
        let why = {
            let hook = self.container.lifecycle.as_ref().and_then(|lifecycle| lifecycle.post_start.as_ref());
            let health = async {
                if let Some(hook) = hook {
                    let call = Call::of_hook(hook, &self.container);
                    if let Err(error) = call.ask(target, LONGEST).await {
                        return format!("PostStart hook failed: {error}");
                    }
                }
                self.watch_health(target).await
            };
            tokio::select! {
                status = child.wait() => return status,
                why = health => Some(why),
                () = self.stop.asked() => None,
            }
        };
        let grace = match &why {
            Some(why) => {
                let message = format!("Container {} {why}, will be restarted", self.container.name);
                self.tell(Kind::Normal, "Killing", &message);
                grace_of(&self.ground.pod)
            }
            None => {
                self.tell(Kind::Normal, "Killing", &format!("Stopping container {}", self.container.name));
                LONGEST
            }
        };
        self.note(|view| view.ready = false);
        self.end(child, target, grace).await
    }

    /// Ends the process: hook, SIGTERM, and SIGKILL when `grace` or what the stop allows is over.
    async fn end(
        &self,
        child: &mut Child,
        target: &Target,
        grace: Duration,
    ) -> io::Result<std::process::ExitStatus> {
        let too_late = async {
            tokio::select! {
                () = tokio::time::sleep(grace) => {}
                () = self.stop.overdue() => {}
            }
        };
        tokio::pin!(too_late);
        let hook = self.container.lifecycle.as_ref().and_then(|lifecycle| lifecycle.pre_stop.as_ref());
        let gently = async {
            if let Some(hook) = hook {
                let call = Call::of_hook(hook, &self.container);
                if let Err(error) = call.ask(target, grace).await {
                    self.tell(Kind::Warning, "FailedPreStopHook", &error);
                }
            }
            send(child.id(), Signal::TERM);
            child.wait().await
        };
        let status = tokio::select! {
            status = gently => Some(status),
            () = &mut too_late => None,
        };
        match status {
            Some(status) => status,
            None => {
                child.start_kill()?;
                child.wait().await
            }
        }
    }

    /// Follows the probes; returns why the container must be restarted.
    async fn watch_health(&self, target: &Target) -> String {
        if let Some(probe) = &self.container.startup_probe
            && let Err(why) = self.until_proven(probe, target, "Startup").await
        {
            return why;
        }
        self.note(|view| view.started = true);
        tokio::select! {
            why = self.liveness(target) => why,
            () = self.readiness(target) => std::future::pending().await,
        }
    }

    async fn until_proven(&self, probe: &Probe, target: &Target, kind: &str) -> Result<(), String> {
        let mut rounds = Rounds::new(probe, &self.container);
        loop {
            if let Some(proven) = rounds.next(self, target, kind).await {
                let why = format!("failed {} probe", kind.to_lowercase());
                return if proven { Ok(()) } else { Err(why) };
            }
        }
    }

    async fn liveness(&self, target: &Target) -> String {
        let Some(probe) = &self.container.liveness_probe else { return std::future::pending().await };
        let mut rounds = Rounds::new(probe, &self.container);
        loop {
            if rounds.next(self, target, "Liveness").await == Some(false) {
                return "failed liveness probe".to_owned();
            }
        }
    }

    async fn readiness(&self, target: &Target) {
        let Some(probe) = &self.container.readiness_probe else {
            self.note(|view| view.ready = true);
            return std::future::pending().await;
        };
        let mut rounds = Rounds::new(probe, &self.container);
        loop {
            if let Some(ready) = rounds.next(self, target, "Readiness").await
                && self.view_ready() != ready
            {
                self.note(|view| view.ready = ready);
            }
        }
    }

    fn view_ready(&self) -> bool {
        let notes = self.ground.board.notes();
        let views = match self.list {
            List::Init => notes.init,
            List::Main => notes.main,
        };
        views.get(self.index).is_some_and(|view| view.ready)
    }

    fn restarts(&self) -> i32 {
        let notes = self.ground.board.notes();
        let views = match self.list {
            List::Init => notes.init,
            List::Main => notes.main,
        };
        views.get(self.index).map_or(0, |view| view.restarts)
    }

    fn complain(&self, problem: &Problem) {
        self.tell(Kind::Warning, "Failed", &problem.message);
        let state = State::Waiting { reason: problem.reason, message: Some(problem.message.clone()) };
        self.note(|view| view.state = state);
    }

    fn note(&self, change: impl FnOnce(&mut super::board::View)) {
        self.ground.board.note_container(self.list, self.index, change);
    }

    fn tell(&self, kind: Kind, reason: &str, message: &str) {
        self.ground.node.events.tell(&self.ground.pod, kind, reason, message);
    }

    fn pod_name(&self) -> &str {
        self.ground.pod.metadata.name.as_deref().unwrap_or_default()
    }
}

/// Why a container could not be started.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn config(message: String) -> Self {
        Self { reason: "CreateContainerConfigError", message }
    }

    fn start(message: String) -> Self {
        Self { reason: "CreateContainerError", message }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::start(error.to_string())
    }
}

/// One probe, asked again and again.
struct Rounds {
    call: Call,
    schedule: Schedule,
    gauge: Gauge,
    next: Instant,
}

impl Rounds {
    fn new(probe: &Probe, container: &Container) -> Self {
        let schedule = Schedule::of(probe);
        let next = Instant::now() + schedule.initial_delay;
        Self { call: Call::of_probe(probe, container), schedule, gauge: Gauge::new(schedule), next }
    }

    async fn next(&mut self, runner: &Runner, target: &Target, kind: &str) -> Option<bool> {
        tokio::time::sleep_until(self.next).await;
        self.next = Instant::now() + self.schedule.period;
        let answer = self.call.ask(target, self.schedule.timeout).await;
        if let Err(error) = &answer {
            runner.tell(Kind::Warning, "Unhealthy", &format!("{kind} probe failed: {error}"));
        }
        self.gauge.observe(answer.is_ok())
    }
}

/// The time a pod's containers have to end.
pub(crate) fn grace_of(pod: &Pod) -> Duration {
    let own = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
    let seconds = pod.metadata.deletion_grace_period_seconds.or(own).unwrap_or(30);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn send(pid: Option<u32>, signal: Signal) {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended in between.
        kill_process(pid, signal).ok();
    }
}

/// A container that failed without leaving a message is explained by the last it said. Kubernetes does so only when the
/// container asks for it; here it costs nothing and tells the reason where people look.
fn ended(
    status: std::process::ExitStatus,
    started: Timestamp,
    termination: &std::path::Path,
    log: &Log,
) -> Ended {
    use std::os::unix::process::ExitStatusExt;
    const MESSAGE: usize = 4096;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255);
    let message = fs::read(termination).ok().filter(|bytes| !bytes.is_empty());
    let message =
        message.map(|bytes| String::from_utf8_lossy(&bytes[..bytes.len().min(MESSAGE)]).into_owned());
    let message = message.or_else(|| (code != 0).then(|| log.last_words()).flatten());
    let unstarted = code == i32::from(crate::container::START_ERROR)
        && message.as_deref().is_some_and(|message| message.starts_with(crate::container::CANNOT_START));
    let reason = match code {
        0 => "Completed",
        _ if unstarted => "StartError",
        _ => "Error",
    };
    Ended { code, reason, message, started, finished: Timestamp::now() }
}
