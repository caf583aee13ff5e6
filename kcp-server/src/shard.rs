//! How the parts of a shard are joined: the only long list of names.

use crate::{
    bootstrap::Bootstrap,
    config::Config,
    credentials::{Administrators, write_private},
    identity::{Follower, Sources, audiences},
    keys::{SecretTokens, SigningKeys},
    owners::OwnerIndex,
    paths::PathFeed,
    store_backup::LocalBackups,
};
use anyhow::Context;
use kcp_api::bootstrap as content;
use kcp_apimachinery::value;
use kcp_apiserver::{
    ApiServer, Audit, AuditLevel, AuditPolicy, Internal, Limits, Metrics, Parts, PodLogs, Settings,
    StoreReader, StoredPolicies, Tokens,
};
use kcp_authz::Authorizer;
use kcp_controllers::{BindingIndex, Kinds};
use kcp_index::Index;
use kcp_names::ClusterName;
use kcp_reconcile::{Controller, Options as RunnerOptions, Runner};
use kcp_registry::{Registry, built_in_resources};
use kcp_storage::Range;
use kcp_storage_local::{LocalStore, Options as StoreOptions};
use kcp_transport::{KeyPairSource, Listener, MinVersion, Server, ServerTls, ServingCertificate, keep_up};
use std::{fs, net::SocketAddr, sync::Arc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A shard that answers.
#[derive(Clone, Debug)]
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its URL.
    pub url: String,
}

/// What a shard is run with besides its flags.
#[derive(Default)]
pub struct Extras {
    /// Whoever runs pods, where there are any.
    pub pod_logs: Option<Arc<dyn PodLogs>>,
}

/// Runs a shard until `stop`, then drains. `ready` is called once it is ready.
///
/// # Errors
/// It cannot start, or what it starts with cannot be made.
pub async fn run(
    config: Config,
    stop: CancellationToken,
    ready: impl FnOnce(Started) + Send,
) -> anyhow::Result<()> {
    run_with(config, Extras::default(), stop, ready).await
}

/// [`run`] with extras.
///
/// # Errors
/// As [`run`].
pub async fn run_with(
    config: Config,
    extras: Extras,
    stop: CancellationToken,
    ready: impl FnOnce(Started) + Send,
) -> anyhow::Result<()> {
    let listener = Listener::bind(config.address.ip(), config.address.port()).await?;
    let address = listener.address();
    let url =
        config.flags.shard_base_url.clone().unwrap_or_else(|| format!("https://{}", reachable(address)));
    let store = open_store(&config).await?;
    let certificate = serving_certificate(&config)?;
    let authority = certificate.pem().context("serving certificate")?;
    let (server, registry, internal, feed, owners, identity) =
        build(&config, extras, store.clone(), &url, &authority).context("cannot start")?;
    let tasks = TaskTracker::new();
    let pump = registry.clone();
    tasks.spawn(async move { pump.pump().await });
    let min_version = match config.flags.tls_min_version.as_deref() {
        Some("VersionTLS13") => MinVersion::Tls13,
        _ => MinVersion::Tls12,
    };
    let http2 = !config.flags.disable_http2_serving;
    let tls = ServerTls { certificate: certificate.clone(), min_version, http2 };
    let https = Server::new(listener, &tls, transport_limits(&config))?;
    tasks.spawn(keep_up(vec![certificate, identity], stop.clone()));
    let serving = {
        let server = server.clone();
        let service = move |peer, request| {
            let server = server.clone();
            async move { server.serve(peer, request).await }
        };
        let stop = stop.clone();
        tasks.spawn(async move { https.serve(service, stop).await })
    };
    let began =
        begin(&config, &url, &server, &registry, &internal, &feed, &owners, &tasks, &stop, &authority).await;
    if began.is_ok() {
        ready(Started { address, url });
        stop.cancelled().await;
    }
    stop.cancel();
    let _ = serving.await;
    store.close();
    tasks.close();
    tasks.wait().await;
    began
}

fn transport_limits(config: &Config) -> kcp_transport::Limits {
    let limits = kcp_transport::Limits::default();
    match config.flags.http2_max_streams_per_connection {
        0 => limits,
        streams => kcp_transport::Limits { streams, ..limits },
    }
}

async fn open_store(config: &Config) -> anyhow::Result<Arc<LocalStore>> {
    let path = config.store.clone();
    let opened =
        tokio::task::spawn_blocking(move || LocalStore::open(&path, StoreOptions::default())).await?;
    let (store, report) =
        opened.with_context(|| format!("cannot open the store in {}", config.store.display()))?;
    tracing::info!(?report, "store opened");
    Ok(Arc::new(store))
}

fn serving_certificate(config: &Config) -> anyhow::Result<Arc<ServingCertificate>> {
    if let (Some(certificate), Some(key)) = (&config.flags.tls_cert_file, &config.flags.tls_private_key_file)
    {
        return ServingCertificate::load(KeyPairSource::files(certificate.clone(), key.clone()))
            .context("--tls-cert-file");
    }
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !config.address.ip().is_unspecified() {
        names.push(config.address.ip().to_string());
    }
    for url in [&config.flags.shard_base_url, &config.flags.shard_external_url].into_iter().flatten() {
        let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next());
        names.extend(host.map(str::to_owned));
    }
    names.sort();
    names.dedup();
    Ok(ServingCertificate::load_or_generate(&config.certificates, "apiserver", &names)?)
}

/// Tokens of administrators, and the kubeconfig that holds them; nothing is made, and nothing written, unless that
/// battery is on.
fn local_administrators(
    config: &Config,
    url: &str,
    authority: &[u8],
) -> anyhow::Result<Option<kcp_authn::AdminTokens>> {
    if !config.batteries.has(content::Battery::Admin) {
        return Ok(None);
    }
    let user = config.batteries.has(content::Battery::User);
    let (administrators, tokens) = Administrators::prepare(&config.admin_token, &config.kubeconfig, user)?;
    // Before anybody can be answered, so that whoever waits for the file can use it.
    write_private(&config.kubeconfig, administrators.kubeconfig(url, authority).as_bytes())?;
    Ok(Some(tokens))
}

/// An address that a client on this machine can use.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::new([127, 0, 0, 1].into(), address.port())
    } else {
        address
    }
}

type Built = (Arc<ApiServer>, Arc<Registry>, Arc<Internal>, Arc<PathFeed>, Arc<OwnerIndex>, Arc<Follower>);

fn build(
    config: &Config,
    extras: Extras,
    store: Arc<LocalStore>,
    url: &str,
    authority: &[u8],
) -> anyhow::Result<Built> {
    let flags = &config.flags;
    let backups = Arc::new(LocalBackups(store.clone()));
    let registry = Registry::new(store, built_in_resources(config.workloads));
    let index = Arc::new(Index::of_shard(config.shard.clone()));
    let feed = PathFeed::new(index.clone(), config.shard.clone());
    let owners = Arc::new(OwnerIndex::default());
    registry.on_change(feed.clone());
    registry.on_change(owners.clone());
    let policies = StoredPolicies::new(registry.clone(), index.clone());
    let options = kcp_authz::Options {
        order: flags.authorization_order.clone(),
        always_allow_paths: flags.authorization_always_allow_paths.clone(),
        ..kcp_authz::Options::default()
    };
    let authz = Authorizer::new(&options, policies.clone()).map_err(|errors| {
        anyhow::anyhow!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let authz = Arc::new(authz);
    let admin_tokens = local_administrators(config, url, authority)?;
    let sources = Sources::new(config, admin_tokens, &registry);
    let (identity, seen) = sources.read()?;
    let issuer = flags.service_account_issuer.first().cloned().unwrap_or_default();
    let server = ApiServer::new(Parts {
        registry: registry.clone(),
        index: index.clone(),
        identity,
        authz: authz.clone(),
        policies,
        tokens: Tokens { signer: SigningKeys::load(config)?.signer, issuer },
        admission: kcp_admission::all(kcp_admission::World { registry: registry.clone(), index, authz }),
        limits: Limits { places: flags.max_requests_inflight.max(1), ..Limits::default() },
        audit: audit(config)?,
        metrics: Arc::new(Metrics::default()),
        pod_logs: extras.pod_logs,
        cors: config.cors.clone(),
        backups: Some(backups),
        settings: Settings {
            event_ttl: config.event_ttl,
            external_url: flags.shard_external_url.clone().unwrap_or_else(|| url.to_owned()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            audiences: audiences(config),
            home_workspaces: flags.enable_home_workspaces,
            workloads: config.workloads,
        },
    });
    let internal = Internal::new(server.clone());
    let follower = Follower::new(sources, server.clone(), seen);
    Ok((server, registry, internal, feed, owners, follower))
}

/// Makes what the shard starts with, starts the controllers, and says that it is ready.
#[allow(clippy::too_many_arguments, reason = "each is one part of the shard")]
async fn begin(
    config: &Config,
    url: &str,
    server: &Arc<ApiServer>,
    registry: &Arc<Registry>,
    internal: &Arc<Internal>,
    feed: &Arc<PathFeed>,
    owners: &Arc<OwnerIndex>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
    authority: &[u8],
) -> anyhow::Result<()> {
    let ready = server.metrics().check("poststarthook/kcp-start-controllers", false);
    let bootstrapped = server.metrics().check("poststarthook/kcp-bootstrap-policy", false);
    let bootstrap = Bootstrap::new(registry.clone(), internal.clone());
    bootstrap.system().await?;
    let identities = bootstrap.root(config.gate("CacheAPIs")).await?;
    let identity = |export: &str| -> Arc<str> {
        identities
            .iter()
            .find(|(name, _)| name == export)
            .map(|(_, hash)| hash.as_str())
            .unwrap_or_default()
            .into()
    };
    let kinds = Kinds {
        tenancy: identity("tenancy.kcp.io"),
        topology: identity("topology.kcp.io"),
        shards: identity("shards.core.kcp.io"),
    };
    feed.begin(registry, kinds.workspaces()).await?;
    registry.load(&Range::everything(), |key, record| owners.update(key, record)).await?;
    let start_controllers = async || -> anyhow::Result<()> {
        if !config.flags.run_controllers {
            return Ok(());
        }
        let bindings = Arc::new(BindingIndex::default());
        bindings.load(&**registry.store()).await?;
        let reader = StoreReader::new(registry.clone(), server.index().clone(), owners.clone());
        for controller in controllers(config, &kinds, authority, bindings)? {
            let options = RunnerOptions::default();
            let runner =
                Runner::new(controller, registry.store().clone(), reader.clone(), internal.clone(), options);
            tasks.spawn(runner.run(stop.clone()));
        }
        Ok(())
    };
    let root = ClusterName::root();
    // What root serves is theirs to make. Once it is there, they look through everything when the shard
    // is ready, and not before.
    let catalog = registry.catalog(&root).await?;
    let made = catalog.find("core.kcp.io", "shards").is_some()
        && catalog.find("tenancy.kcp.io", "workspacetypes").is_some();
    if !made {
        start_controllers().await?;
    }
    bootstrap.served(&root, "core.kcp.io", "shards").await?;
    bootstrap.served(&root, "tenancy.kcp.io", "workspacetypes").await?;
    let external = config.flags.shard_external_url.clone().unwrap_or_else(|| url.to_owned());
    let virtual_url = config.flags.shard_virtual_workspace_url.clone().unwrap_or_else(|| url.to_owned());
    let shard = value!({
        "apiVersion": "core.kcp.io/v1alpha1", "kind": "Shard",
        "metadata": {"name": (config.shard.as_str()), "labels": {"name": (config.shard.as_str())}},
        "spec": {"baseURL": (url), "externalURL": (external), "virtualWorkspaceURL": (virtual_url)},
    });
    bootstrap.apply(&root, [shard]).await?;
    let groups = &config.flags.home_workspaces_home_creator_groups;
    bootstrap.apply(&root, content::root_phase1(&config.batteries, groups)).await?;
    if made {
        start_controllers().await?;
    }
    bootstrapped.store(true, std::sync::atomic::Ordering::Relaxed);
    ready.store(true, std::sync::atomic::Ordering::Relaxed);
    tracing::info!(url, kubeconfig = %config.kubeconfig.display(), "ready");
    Ok(())
}

fn controllers(
    config: &Config,
    kinds: &Kinds,
    authority: &[u8],
    bindings: Arc<BindingIndex>,
) -> anyhow::Result<Vec<Arc<dyn Controller>>> {
    let parts = kcp_controllers::Parts {
        kinds: kinds.clone(),
        shard: config.shard.to_string(),
        universal: content::universal(),
        root_ca: root_ca(config, authority)?,
        tokens: Arc::new(SecretTokens(SigningKeys::load(config)?.signer)),
        bindings,
    };
    Ok(kcp_controllers::all(parts))
}

/// What clients inside verify this server by.
fn root_ca(config: &Config, authority: &[u8]) -> anyhow::Result<String> {
    match &config.flags.root_ca_file {
        Some(path) => fs::read_to_string(path).with_context(|| format!("--root-ca-file {}", path.display())),
        None => Ok(String::from_utf8_lossy(authority).into_owned()),
    }
}

fn audit(config: &Config) -> anyhow::Result<Audit> {
    let flags = &config.flags;
    let Some(path) = &flags.audit_log_path else { return Ok(Audit::default()) };
    let policy = match &flags.audit_policy_file {
        None => AuditPolicy::everything(AuditLevel::Metadata),
        Some(file) => {
            let bytes = fs::read(file).with_context(|| format!("--audit-policy-file {}", file.display()))?;
            let value = kcp_apimachinery::yaml::decode(&bytes).context("--audit-policy-file")?;
            AuditPolicy::read(&value)?
        }
    };
    let audit = Audit::to_file(path, policy, flags.audit_log_maxsize, flags.audit_log_maxbackup);
    audit.with_context(|| format!("--audit-log-path {}", path.display()))
}
