//! The API that the operator and everything on this host talk to: our own server, with the kinds of a cluster that runs
//! something. One logical cluster of it, `root`, is the host.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use k8s_openapi::api::{core::v1::Service, discovery::v1::EndpointSlice};
use kcp_apiserver::PodLogs;
use kcp_server::{
    config::Config as ServerConfig,
    flags,
    shard::{self, Extras},
};
use kube::{
    Api, Client, Config,
    api::{Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    MANAGER,
    node::layout::Layout,
    spaces::network::{GATEWAY, SERVICES},
};

/// Where it listens in the sandbox's network.
const PORT: u16 = 6443;
/// The logical cluster that is the host.
const CLUSTER: &str = "/clusters/root";
/// Its user who may do everything, and the same after a restart.
const USER: &str = "shard-admin";
/// How long it may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running API.
pub(crate) struct ApiHost {
    /// With all rights.
    pub(crate) client: Client,
    kubeconfig: Kubeconfig,
}

impl ApiHost {
    /// Starts it and waits until it answers. It drains when `stop` says so, as one of `parts`.
    ///
    /// # Errors
    /// When it does not start, with its reason.
    pub(crate) async fn start(
        layout: &Layout,
        logs: Arc<dyn PodLogs>,
        parts: &TaskTracker,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let directory = layout.api_host();
        let config = server_config(&directory)?;
        let (tell, told) = tokio::sync::oneshot::channel();
        let extras = Extras { pod_logs: Some(logs) };
        let mut server = parts.spawn(shard::run_with(config, extras, stop, |started| {
            // Nobody hears it when the start was given up.
            tell.send(started).ok();
        }));
        tokio::select! {
            ended = &mut server => match ended? {
                Ok(()) => bail!("the API host ended before it was ready"),
                Err(error) => return Err(error.context("starting the API host")),
            },
            Ok(_) = told => {}
            () = tokio::time::sleep(PATIENCE) => bail!("the API host was not ready after {PATIENCE:?}"),
        }
        parts.spawn(async move {
            if let Ok(Err(error)) = server.await {
                tracing::error!(%error, "the API host ended");
            }
        });
        let kubeconfig = kubeconfig(&directory)?;
        let client = client(&kubeconfig, &format!("https://{GATEWAY}:{PORT}{CLUSTER}")).await?;
        Ok(Self { client, kubeconfig })
    }

    /// A kubeconfig for the host, where the API is at that port of the loopback.
    pub(crate) fn kubeconfig_at(&self, port: u16) -> Kubeconfig {
        at(&self.kubeconfig, &format!("https://{}:{port}{CLUSTER}", Ipv4Addr::LOCALHOST))
    }

    /// Makes it known to pods as the Service `kubernetes`.
    ///
    /// # Errors
    /// When the API refuses.
    pub(crate) async fn announce(&self) -> anyhow::Result<()> {
        let params = PatchParams::apply(MANAGER).force();
        let services: Api<Service> = Api::namespaced(self.client.clone(), "default");
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": "kubernetes" },
            "spec": { "clusterIP": address(), "ports": [{ "name": "https", "port": 443, "targetPort": PORT }] },
        });
        services.patch("kubernetes", &params, &Patch::Apply(service)).await.context("Service kubernetes")?;
        let slices: Api<EndpointSlice> = Api::namespaced(self.client.clone(), "default");
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": { "name": "kubernetes", "labels": { "kubernetes.io/service-name": "kubernetes" } },
            "endpoints": [{ "addresses": [GATEWAY], "conditions": { "ready": true } }],
            "ports": [{ "name": "https", "port": PORT, "protocol": "TCP" }],
        });
        slices
            .patch("kubernetes", &params, &Patch::Apply(slice))
            .await
            .context("EndpointSlice kubernetes")?;
        Ok(())
    }
}

/// The first address of the Services' range, as everywhere.
fn address() -> Ipv4Addr {
    SERVICES.at(1).unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// The names in its certificate are those of its URLs: the pods' way by name and by address, and the loopback.
fn server_config(directory: &Path) -> anyhow::Result<ServerConfig> {
    let arguments = [
        "start".to_owned(),
        format!("--root-directory={}", directory.display()),
        format!("--bind-address={GATEWAY}"),
        format!("--secure-port={PORT}"),
        "--shard-base-url=https://kubernetes.default.svc".to_owned(),
        format!("--shard-external-url=https://{}", address()),
    ];
    let matches = flags::start_command().try_get_matches_from(arguments)?;
    let mut config = ServerConfig::try_from(flags::read(&matches)?)?;
    config.workloads = true;
    Ok(config)
}

fn kubeconfig(directory: &Path) -> anyhow::Result<Kubeconfig> {
    let path: PathBuf = directory.join("admin.kubeconfig");
    let mut kubeconfig =
        Kubeconfig::read_from(&path).with_context(|| format!("reading {}", path.display()))?;
    kubeconfig.auth_infos.retain(|user| user.name == USER);
    kubeconfig.clusters.truncate(1);
    Ok(kubeconfig)
}

/// The same with one cluster, at this URL, and one context.
fn at(kubeconfig: &Kubeconfig, url: &str) -> Kubeconfig {
    const NAME: &str = "host";
    let mut here = kubeconfig.clone();
    for cluster in &mut here.clusters {
        NAME.clone_into(&mut cluster.name);
        if let Some(cluster) = &mut cluster.cluster {
            cluster.server = Some(url.to_owned());
        }
    }
    here.contexts = vec![kube::config::NamedContext {
        name: NAME.to_owned(),
        context: Some(kube::config::Context {
            cluster: NAME.to_owned(),
            user: Some(USER.to_owned()),
            ..kube::config::Context::default()
        }),
        other: std::collections::BTreeMap::default(),
    }];
    here.current_context = Some(NAME.to_owned());
    here
}

async fn client(kubeconfig: &Kubeconfig, url: &str) -> anyhow::Result<Client> {
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(at(kubeconfig, url), &options).await?;
    Ok(Client::try_from(config)?)
}
