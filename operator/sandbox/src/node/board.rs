//! What is going on in one pod: its containers write it down here, the pod's status is made from it.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// How one run of a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) reason: &'static str,
    pub(crate) message: Option<String>,
    pub(crate) started: Timestamp,
    pub(crate) finished: Timestamp,
}

/// What a container is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Waiting { reason: &'static str, message: Option<String> },
    Running { since: Timestamp },
    Ended(Ended),
}

/// One container, as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) state: State,
    pub(crate) last: Option<Ended>,
    pub(crate) restarts: i32,
    pub(crate) ready: bool,
    pub(crate) started: bool,
}

/// Which of a pod's two lists of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Init,
    Main,
}

/// Everything about the pod that is not in its spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notes {
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) init: Vec<View>,
    pub(crate) main: Vec<View>,
    /// All init containers are done.
    pub(crate) initialized: bool,
    /// Nothing will start again.
    pub(crate) over: bool,
}

/// Notes shared by all who work on a pod.
#[derive(Debug)]
pub(crate) struct Board {
    notes: Mutex<Notes>,
    changed: Notify,
}

impl Board {
    /// Continues what an earlier life of the sandbox reported of the same pod.
    pub(crate) fn new(pod: &Pod) -> Self {
        let spec = pod.spec.clone().unwrap_or_default();
        let status = pod.status.clone().unwrap_or_default();
        let views = |containers: &[Container], before: Option<Vec<ContainerStatus>>| {
            let before = before.unwrap_or_default();
            let of = |name: &str| before.iter().find(|status| status.name == name).cloned();
            containers.iter().map(|container| view(container, of(&container.name))).collect()
        };
        let notes = Notes {
            address: None,
            init: views(spec.init_containers.as_deref().unwrap_or_default(), status.init_container_statuses),
            main: views(&spec.containers, status.container_statuses),
            initialized: false,
            over: false,
        };
        Self { notes: Mutex::new(notes), changed: Notify::new() }
    }

    pub(crate) fn notes(&self) -> Notes {
        self.notes.lock().clone()
    }

    pub(crate) fn note(&self, change: impl FnOnce(&mut Notes)) {
        change(&mut self.notes.lock());
        self.changed.notify_one();
    }

    /// Changes what is known of one container.
    pub(crate) fn note_container(&self, list: List, index: usize, change: impl FnOnce(&mut View)) {
        self.note(|notes| {
            let views = match list {
                List::Init => &mut notes.init,
                List::Main => &mut notes.main,
            };
            if let Some(view) = views.get_mut(index) {
                change(view);
            }
        });
    }

    /// Returns when something changed since the last time this returned.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

fn view(container: &Container, before: Option<ContainerStatus>) -> View {
    let waiting = State::Waiting { reason: "ContainerCreating", message: None };
    let mut view = View {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        state: waiting,
        last: None,
        restarts: 0,
        ready: false,
        started: false,
    };
    if let Some(before) = before {
        let state = before.state.unwrap_or_default();
        let ran = state.running.is_some() || state.terminated.is_some();
        view.restarts = before.restart_count.saturating_add(i32::from(ran));
        let lost = |started: Timestamp| Ended {
            code: 137,
            reason: "ContainerStatusUnknown",
            message: Some("The sandbox was not running when the container ended".to_owned()),
            started,
            finished: Timestamp::now(),
        };
        view.last =
            state.running.map(|running| lost(running.started_at.map_or(Timestamp::UNIX_EPOCH, |t| t.0)));
    }
    view
}
