//! The sandbox itself, in its own namespaces: the wiring of all parts.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd,
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api_host::ApiHost,
    flags::Flags,
    install::{self, Outcome},
    net::{Forwarder, Publication},
    node::{LogEndpoint, Node, Published, known::Feed, layout::Layout},
    spaces::{
        door::Door,
        network::{Netlink, SERVICES},
        threshold,
    },
    workloads::{self, Key, Settings},
};

/// The one node's name.
const NODE: &str = "sandbox";

/// The program of the inner process. Its one argument are the flags.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let flags = arguments.first().map(|text| serde_json::from_str::<Flags>(text));
    let Some(Ok(flags)) = flags else {
        crate::say_error("this name is for the sandbox's own use");
        return ExitCode::FAILURE;
    };
    let level = match flags.verbose {
        0 => "error,kube_client=off,kcp_sandbox=warn",
        1 => "warn,kube_client=off,kcp_sandbox=info",
        _ => "info,kcp_sandbox=debug",
    };
    tracing_subscriber::fmt().with_env_filter(level).with_writer(std::io::stderr).init();
    match run(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::say_error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the sandbox until *outside* closes the door.
fn run(flags: &Flags) -> anyhow::Result<()> {
    threshold::settle_in()?;
    let executable = std::fs::read_link("/proc/self/exe").context("looking for this executable")?;
    let door = std::io::stdin().as_fd().try_clone_to_owned().context("taking over the door")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (door, stop) = (Door::new(door)?, CancellationToken::new());
        let closed = {
            let (door, stop) = (door.clone(), stop.clone());
            async move {
                door.run().await;
                stop.cancel();
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = closed => Ok(()),
            result = Box::pin(live(flags, &executable, door, stop)) => result,
        }
    })
}

/// From an empty network to a running installation, and back.
async fn live(flags: &Flags, executable: &Path, door: Door, stop: CancellationToken) -> anyhow::Result<()> {
    let began = Instant::now();
    let layout = Layout::prepare(&flags.data_dir, executable).context("preparing the data directory")?;
    let network = Netlink::open()?;
    network.build_sandbox().await.context("building the sandbox's network")?;
    let (parts, logs) = (TaskTracker::new(), Arc::new(LogEndpoint::default()));
    // The API outlives the pods, so that they can say goodbye.
    let api_stop = CancellationToken::new();
    let host = ApiHost::start(&layout, Arc::clone(&logs) as _, &parts, api_stop.clone()).await?;
    let given = Given { flags, began, layout, door, network };
    let result = Box::pin(with_api(given, &host, &logs, &stop)).await;
    api_stop.cancel();
    parts.close();
    parts.wait().await;
    result
}

/// What the sandbox is started with.
struct Given<'a> {
    flags: &'a Flags,
    began: Instant,
    layout: Layout,
    door: Door,
    network: Netlink,
}

async fn with_api(
    given: Given<'_>,
    host: &ApiHost,
    logs: &LogEndpoint,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let Given { flags, began, layout, door, network } = given;
    host.announce().await?;
    let feed = Feed::new();
    let (publications, published) = watch::channel(Vec::new());
    let (names, known_names) = watch::channel(Published::default());
    let client = host.client.clone();
    let (node, poster) = Node::new(client.clone(), feed.clone(), NODE.to_owned(), layout, known_names)?;
    logs.serve(Arc::clone(&node));
    let api = Publication {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, api_port(flags, &door).await?)),
        service: Key::new("default", "kubernetes"),
        port: 443,
    };
    let kubeconfig = flags.data_dir.join("host.kubeconfig");
    install::write_kubeconfig(&kubeconfig, &host.kubeconfig_at(api.listen.port()))?;
    publications.send_replace(vec![api.clone()]);
    let settings = Settings { node: NODE.to_owned(), services: SERVICES };
    let forwarder = Forwarder::new(feed.clone(), door.clone(), network, published);
    let background = async {
        tokio::join!(feed.follow(&client), forwarder.run(), poster.run());
    };
    let pods = async {
        tokio::join!(node.run(stop.clone()), workloads::run(client.clone(), settings, stop.clone()));
    };
    let installer =
        install::Installer { client: client.clone(), flags: flags.clone(), feed: feed.clone(), began };
    let exposure = install::Exposure { client: client.clone(), api, publications, names };
    let installed = async {
        let result = installer.run(stop.clone()).await;
        if result.is_err() || matches!(result, Ok(Outcome::Stopped)) {
            stop.cancel();
        }
        result
    };
    tokio::select! {
        ((), result) = async { tokio::join!(pods, installed) } => result.map(|_| ()),
        () = background => Ok(()),
        () = exposure.run() => Ok(()),
    }
}

/// The port on the host's loopback: as asked for, else the one of last time, else any.
async fn api_port(flags: &Flags, door: &Door) -> anyhow::Result<u16> {
    let asked = (flags.api_port != 0).then_some(flags.api_port);
    let last = install::port_of(&flags.data_dir.join("host.kubeconfig"));
    let wanted = asked.or(last).unwrap_or(0);
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match door.listen(at(wanted)).await {
        Ok(listener) => Ok(listener.local_addr()?.port()),
        Err(error) if asked.is_none() && error.kind() == ErrorKind::Other => {
            Ok(door.listen(at(0)).await?.local_addr()?.port())
        }
        Err(error) => Err(error).with_context(|| format!("port {wanted} of the host")),
    }
}
