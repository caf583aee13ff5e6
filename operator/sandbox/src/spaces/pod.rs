//! A pod's namespaces, held open by descriptors, and how processes are started in them.
//!
//! Namespaces are a property of threads, and a child starts where the thread that made it is. So each step that enters
//! one runs on a thread of its own, which ends right after; the agent's other threads never leave the sandbox.

use std::{fs::File, io, net::Ipv4Addr, os::fd::AsFd, process::Stdio, sync::Arc};

use nix::sched::{CloneFlags, setns, unshare};
use tokio::process::{Child, Command};

use super::network::Netlink;

/// A network of its own on the sandbox's bridge, a host name, and an IPC namespace.
#[derive(Debug)]
pub(crate) struct PodSpaces {
    net: File,
    ipc: File,
    uts: File,
}

impl PodSpaces {
    /// Makes the namespaces and plugs them in under `address`. They live as long as this value or a process in them.
    pub(crate) async fn create(hostname: String, address: Ipv4Addr) -> io::Result<Arc<Self>> {
        on_own_thread(move || build(&hostname, address)).await.map(Arc::new)
    }

    /// Starts the container that the description at `description` tells of, in mount and process namespaces of its
    /// own: it is process 1 there.
    pub(crate) async fn start(
        self: &Arc<Self>,
        executable: std::path::PathBuf,
        description: std::path::PathBuf,
    ) -> io::Result<Child> {
        let spaces = Arc::clone(self);
        let runtime = tokio::runtime::Handle::current();
        on_own_thread(move || {
            spaces.enter()?;
            unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID)?;
            let _entered = runtime.enter();
            Command::new(executable)
                .arg0(crate::applets::CONTAINER_INIT)
                .arg(description)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
        })
        .await
    }

    fn enter(&self) -> io::Result<()> {
        setns(&self.net, CloneFlags::CLONE_NEWNET)?;
        setns(&self.ipc, CloneFlags::CLONE_NEWIPC)?;
        setns(&self.uts, CloneFlags::CLONE_NEWUTS)?;
        Ok(())
    }
}

/// What is to run beside a container.
pub(crate) struct Exec {
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) working_dir: String,
}

/// Starts another process in all namespaces of the container whose process 1 is `pid` here.
pub(crate) async fn exec(pid: u32, exec: Exec) -> io::Result<Child> {
    let runtime = tokio::runtime::Handle::current();
    on_own_thread(move || {
        let open = |kind: &str| File::open(format!("/proc/{pid}/ns/{kind}"));
        let (net, ipc, uts) = (open("net")?, open("ipc")?, open("uts")?);
        let (processes, mounts) = (open("pid")?, open("mnt")?);
        // A thread that shares its root with others cannot change its mounts.
        unshare(CloneFlags::CLONE_FS)?;
        setns(net, CloneFlags::CLONE_NEWNET)?;
        setns(ipc, CloneFlags::CLONE_NEWIPC)?;
        setns(uts, CloneFlags::CLONE_NEWUTS)?;
        setns(processes, CloneFlags::CLONE_NEWPID)?;
        setns(mounts, CloneFlags::CLONE_NEWNS)?;
        let (program, arguments) =
            exec.argv.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let _entered = runtime.enter();
        Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(exec.env)
            .current_dir(exec.working_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    })
    .await
}

fn build(hostname: &str, address: Ipv4Addr) -> io::Result<PodSpaces> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let outer = runtime.block_on(async { Netlink::open() })?;
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS)?;
    rustix::system::sethostname(hostname.as_bytes())?;
    let own = |kind: &str| File::open(format!("/proc/thread-self/ns/{kind}"));
    let spaces = PodSpaces { net: own("net")?, ipc: own("ipc")?, uts: own("uts")? };
    runtime.block_on(async {
        outer.plug(address, spaces.net.as_fd()).await?;
        Netlink::open()?.configure_pod(address).await
    })?;
    Ok(spaces)
}

/// Runs `work` on a thread that nobody else uses before or after.
async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("namespaces".to_owned()).stack_size(512 << 10);
    thread.spawn(move || {
        // The one who asked may be gone; then what was made ends here.
        tell.send(work()).ok();
    })?;
    told.await.map_err(|_| io::Error::other("a thread for namespaces ended early"))?
}
