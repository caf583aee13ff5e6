//! The operator: RootShard, FrontProxy and Kubeconfig objects become running installations of kcp.
//!
//! A reconcile is five steps, each its own module, and data flows through them one way:
//!
//! ```text
//! fetch ─► validate ─► build ─► apply ─► report
//!   │      (resources: pure)      │         └ conditions, phase, events
//!   └ what the spec names         └ certificates first, then server-side apply, then prune
//! ```
//!
//! What an object wants is a function in `kcp-operator-resources`; here is what touches the world: the
//! API server, the clock, randomness for keys, and kcp itself for the roles of a Kubeconfig. Nothing is
//! kept between reconciles but the names of what each object was built from ([`controllers`]).

mod apply;
mod context;
mod controllers;
mod endpoints;
mod error;
mod fetch;
mod flags;
mod front_proxy;
mod inherit;
mod kubeconfig;
mod leader;
mod metrics;
mod pki;
mod process;
mod realize;
mod report;
mod roles;
mod root_shard;
#[cfg(test)]
mod scenarios;
mod unhandled;
mod watches;

use std::sync::Arc;

use anyhow::Context as _;
use kube::Client;
use tokio_util::sync::CancellationToken;

pub use error::Error;
pub use flags::{DEFAULT_IMAGE, FlagError, Flags, Options};
pub use process::main;

use context::Context;
use metrics::Metrics;
use watches::Scope;

/// Runs the operator until `shutdown`, and returns when everything has come to rest.
///
/// # Errors
/// A port is taken, or the lease was lost.
pub async fn run(options: Options, client: Client, shutdown: CancellationToken) -> anyhow::Result<()> {
    let context = Arc::new(Context::new(client.clone(), options.images.clone(), Metrics::new()));
    let stop = shutdown.child_token();
    let endpoints = endpoints(&options, &context, &stop).await?;
    let work = work(&options, client, context, stop.clone());
    let (outcome, ()) = tokio::join!(
        async {
            let outcome = work.await;
            stop.cancel();
            outcome
        },
        endpoints,
    );
    outcome
}

async fn work(
    options: &Options,
    client: Client,
    context: Arc<Context>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let scopes = match options.namespaces.as_slice() {
        [] => vec![Scope::Everywhere],
        names => names.iter().cloned().map(Scope::Namespace).collect(),
    };
    let controllers = |stop: CancellationToken| async move {
        let all = scopes.into_iter().map(|scope| controllers::run(context.clone(), scope, stop.clone()));
        futures_util::future::join_all(all).await;
    };
    match &options.lease_namespace {
        Some(namespace) => Ok(leader::lead(client, namespace, stop, controllers).await?),
        None => {
            controllers(stop).await;
            Ok(())
        }
    }
}

/// Opens the ports, and returns what serves on them.
async fn endpoints(
    options: &Options,
    context: &Arc<Context>,
    stop: &CancellationToken,
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let mut serving: Vec<futures_util::future::BoxFuture<'static, ()>> = Vec::new();
    if let Some(address) = options.health {
        let listener =
            endpoints::listen(address).await.with_context(|| format!("cannot serve health on {address}"))?;
        serving.push(Box::pin(endpoints::health(listener, stop.clone())));
    }
    if let Some(address) = options.metrics {
        let listener = endpoints::listen(address).await;
        let listener = listener.with_context(|| format!("cannot serve metrics on {address}"))?;
        let tls = options.metrics_secure.then(endpoints::self_signed).transpose();
        let tls = tls.map_err(anyhow::Error::msg).context("cannot serve metrics over TLS")?;
        serving.push(Box::pin(endpoints::metrics(listener, tls, context.clone(), stop.clone())));
    }
    Ok(async move {
        futures_util::future::join_all(serving).await;
    })
}
