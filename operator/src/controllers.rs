//! Which change wakes which reconcile.
//!
//! ```text
//! RootShard ◄── its Shards, its VirtualWorkspace, what it owns, the Secrets and ConfigMaps it was built from
//! FrontProxy ◄── its RootShard, Shards,           what it owns, …
//! Kubeconfig ◄── its target, its RootShard,       what it owns, …
//! ```
//!
//! Secrets and ConfigMaps are watched for their metadata only and not kept: what an event says is looked
//! up in the record of what each resource was built from. So a cluster full of foreign Secrets costs
//! nothing but the reading of their names.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, future::BoxFuture};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use kcp_operator_api::{CacheServer, FrontProxy, Kubeconfig, RootShard, Shard, Text, VirtualWorkspace};
use kcp_operator_resources::Kind;
use kcp_operator_resources::names::{MANAGED_BY_LABEL, MANAGER};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::controller::{Action, Controller};
use kube::runtime::events::EventType;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher::{Config, watcher};
use kube::{Resource as _, ResourceExt as _};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::unhandled::Unhandled;
use crate::watches::{Guarded, Ours, Scope, but_status, changed, matching, metadata, objects};
use crate::{front_proxy, kubeconfig, metrics::Counted, root_shard, unhandled};

/// Runs all controllers of a scope until `stop`, and returns when they have come to rest.
pub(crate) async fn run(context: Arc<Context>, scope: Scope, stop: CancellationToken) {
    let root_shards = Part::<RootShard>::new(&context, &scope, "RootShard");
    let front_proxies = Part::<FrontProxy>::new(&context, &scope, "FrontProxy");
    let kubeconfigs = Part::<Kubeconfig>::new(&context, &scope, "Kubeconfig");
    let stores = (root_shards.store(), front_proxies.store(), kubeconfigs.store());
    let count = count(context.clone(), stores, stop.clone());
    let running: Vec<BoxFuture<'_, ()>> = vec![
        Box::pin(root_shards.run(&context, &scope, &stop, wake_root_shards, root_shard::reconcile)),
        Box::pin(front_proxies.run(&context, &scope, &stop, wake_front_proxies, front_proxy::reconcile)),
        Box::pin(kubeconfigs.run(&context, &scope, &stop, wake_kubeconfigs, kubeconfig::reconcile)),
        Box::pin(say_unhandled::<Shard>(&context, &scope, &stop)),
        Box::pin(say_unhandled::<CacheServer>(&context, &scope, &stop)),
        Box::pin(say_unhandled::<VirtualWorkspace>(&context, &scope, &stop)),
        Box::pin(count),
    ];
    futures_util::future::join_all(running).await;
}

/// A controller before it runs: its watch, and what it has seen.
struct Part<K: Ours> {
    controller: Controller<Guarded<K>>,
    kind: &'static str,
}

impl<K: Ours> Part<K> {
    fn new(context: &Context, scope: &Scope, kind: &'static str) -> Self {
        let (reader, writer) = reflector::store::<Guarded<K>>();
        let stream = watcher(scope.api::<Guarded<K>>(context), Config::default()).default_backoff();
        let stream = reflector::reflector(writer, stream).touched_objects();
        // What a status says about an object is no reason to look at it again.
        let stream = stream.predicate_filter(but_status, Default::default());
        Self { controller: Controller::for_stream(stream, reader), kind }
    }

    fn store(&self) -> Store<Guarded<K>> {
        self.controller.store()
    }

    async fn run<F, W>(
        self,
        context: &Arc<Context>,
        scope: &Scope,
        stop: &CancellationToken,
        wake: W,
        reconcile: impl Fn(Arc<K>, Arc<Context>) -> F + Clone + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<Action>> + Send + 'static,
        W: FnOnce(Controller<Guarded<K>>, &Arc<Context>, &Scope, Store<Guarded<K>>) -> Controller<Guarded<K>>,
    {
        let (kind, store) = (self.kind, self.store());
        let controller = owned(self.controller, context, scope);
        let controller = sources::<K, Secret>(controller, context, scope, kind, Kind::Secret);
        let controller = sources::<K, ConfigMap>(controller, context, scope, kind, Kind::ConfigMap);
        let controller = wake(controller, context, scope, store);
        drive(controller, context.clone(), stop, kind, reconcile).await;
    }
}

async fn say_unhandled<K: Unhandled>(context: &Arc<Context>, scope: &Scope, stop: &CancellationToken) {
    let part = Part::<K>::new(context, scope, "Unhandled");
    drive(part.controller, context.clone(), stop, "Unhandled", unhandled::reconcile::<K>).await;
}

/// Runs a controller. Each reconcile is timed, and a failed one comes again.
async fn drive<K: Ours, F>(
    controller: Controller<Guarded<K>>,
    context: Arc<Context>,
    stop: &CancellationToken,
    kind: &'static str,
    reconcile: impl Fn(Arc<K>, Arc<Context>) -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Result<Action>> + Send + 'static,
{
    let reconcile = move |guarded: Arc<Guarded<K>>, context: Arc<Context>| {
        let reconcile = reconcile.clone();
        async move {
            let start = Instant::now();
            let answer = match &guarded.0 {
                Ok(object) => reconcile(Arc::new(object.clone()), context.clone()).await,
                Err(invalid) => unreadable::<K>(&context, &invalid.metadata, &invalid.error).await,
            };
            context.metrics.reconciled(kind, start.elapsed(), answer.as_ref().err().map(Error::kind));
            answer
        }
    };
    let retry = |guarded: Arc<Guarded<K>>, error: &Error, _: Arc<Context>| {
        tracing::warn!(kind = %K::kind(&()), name = guarded.name_any(), %error, "reconcile failed");
        Action::requeue(delay(error))
    };
    let stopped = stop.clone();
    controller
        .graceful_shutdown_on(async move { stopped.cancelled().await })
        .run(reconcile, retry, context)
        .for_each(|_| std::future::ready(()))
        .await;
}

/// How long to wait before trying again.
fn delay(error: &Error) -> Duration {
    match error {
        Error::Api { source, .. } if matches!(&**source, kube::Error::Api(status) if status.code == 409) => {
            Duration::from_millis(200)
        }
        Error::Kcp { .. } => Duration::from_secs(2),
        Error::Api { .. } | Error::Internal(_) => Duration::from_secs(5),
        Error::Refused(_) | Error::Foreign { .. } | Error::Unreadable(_) => Duration::from_secs(60),
    }
}

/// A stored object that does not fit the types, for instance one without a spec.
async fn unreadable<K: Ours>(
    context: &Context,
    metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
    error: &str,
) -> Result<Action> {
    let about =
        PartialObjectMeta::<K> { types: None, metadata: metadata.clone(), _phantom: Default::default() };
    context.event(&about.object_ref(&()), EventType::Warning, "InvalidObject", error).await;
    Ok(Action::await_change())
}

/// Wakes the owner of whatever the operator made.
fn owned<K: Ours>(
    controller: Controller<Guarded<K>>,
    context: &Context,
    scope: &Scope,
) -> Controller<Guarded<K>> {
    let ours = || Config::default().labels(&format!("{MANAGED_BY_LABEL}={MANAGER}"));
    controller.owns_stream(metadata::<Deployment>(context, scope, ours())).owns_stream(metadata::<Service>(
        context,
        scope,
        ours(),
    ))
}

/// Wakes whatever was built from a Secret or ConfigMap.
fn sources<K: Ours, S: Ours>(
    controller: Controller<Guarded<K>>,
    context: &Arc<Context>,
    scope: &Scope,
    kind: &'static str,
    object: Kind,
) -> Controller<Guarded<K>> {
    let recorded = context.clone();
    controller.watches_stream(metadata::<S>(context, scope, Config::default()), move |source| {
        let namespace = source.namespace().unwrap_or_default();
        let names = recorded.references.to(kind, &namespace, object, &source.name_any());
        names.into_iter().map(move |name| ObjectRef::new(&name).within(&namespace)).collect::<Vec<_>>()
    })
}

fn wake_root_shards(
    controller: Controller<Guarded<RootShard>>,
    context: &Arc<Context>,
    scope: &Scope,
    store: Store<Guarded<RootShard>>,
) -> Controller<Guarded<RootShard>> {
    let by_shard = objects::<Shard>(context, scope).try_filter_map(|shard| {
        let namespace = shard.namespace().unwrap_or_default();
        let name = shard.spec.root_shard.reference.text();
        std::future::ready(Ok(name.map(|name| ObjectRef::new(name).within(&namespace))))
    });
    let virtual_workspaces = metadata::<VirtualWorkspace>(context, scope, Config::default());
    controller.reconcile_on(by_shard.filter_map(|found| std::future::ready(found.ok()))).watches_stream(
        virtual_workspaces,
        move |found| {
            let (namespace, name) = (found.namespace(), found.name_any());
            matching(&store, &namespace, |root_shard| {
                root_shard.spec.common.kcp_virtual_workspace.text() == Some(name.as_str())
            })
        },
    )
}

fn wake_front_proxies(
    controller: Controller<Guarded<FrontProxy>>,
    context: &Arc<Context>,
    scope: &Scope,
    store: Store<Guarded<FrontProxy>>,
) -> Controller<Guarded<FrontProxy>> {
    let by_shard = store.clone();
    controller
        .watches_stream(changed::<RootShard>(context, scope), move |root_shard| {
            let (namespace, name) = (root_shard.namespace(), root_shard.name_any());
            matching(&store, &namespace, |proxy| {
                proxy.spec.root_shard.reference.text() == Some(name.as_str())
            })
        })
        // One more shard means one more key that signs tokens.
        .watches_stream(changed::<Shard>(context, scope), move |shard| {
            matching(&by_shard, &shard.namespace(), |_| true)
        })
}

fn wake_kubeconfigs(
    controller: Controller<Guarded<Kubeconfig>>,
    context: &Arc<Context>,
    scope: &Scope,
    store: Store<Guarded<Kubeconfig>>,
) -> Controller<Guarded<Kubeconfig>> {
    let (by_proxy, by_shard) = (store.clone(), store.clone());
    controller
        // Whatever a Kubeconfig points at, its RootShard's address and authorities are in it.
        .watches_stream(changed::<RootShard>(context, scope), move |root_shard| {
            matching(&store, &root_shard.namespace(), |_| true)
        })
        .watches_stream(changed::<FrontProxy>(context, scope), move |proxy| {
            let (namespace, name) = (proxy.namespace(), proxy.name_any());
            matching(&by_proxy, &namespace, |found| {
                found.spec.target.front_proxy_ref.text() == Some(name.as_str())
            })
        })
        .watches_stream(changed::<Shard>(context, scope), move |shard| {
            let (namespace, name) = (shard.namespace(), shard.name_any());
            matching(&by_shard, &namespace, |found| found.spec.target.shard_ref.text() == Some(name.as_str()))
        })
}

type Stores = (Store<Guarded<RootShard>>, Store<Guarded<FrontProxy>>, Store<Guarded<Kubeconfig>>);

/// Counts what there is every 30 seconds, and forgets what there is not.
async fn count(context: Arc<Context>, stores: Stores, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(Duration::from_secs(30))).await.is_some() {
        let (root_shards, front_proxies, kubeconfigs) = (&stores.0, &stores.1, &stores.2);
        context.metrics.count(
            &root_shards
                .state()
                .iter()
                .filter_map(|o| o.0.as_ref().ok())
                .map(Counted::from)
                .collect::<Vec<_>>(),
            &front_proxies
                .state()
                .iter()
                .filter_map(|o| o.0.as_ref().ok())
                .map(Counted::from)
                .collect::<Vec<_>>(),
            &kubeconfigs
                .state()
                .iter()
                .filter_map(|o| o.0.as_ref().ok())
                .map(Counted::from)
                .collect::<Vec<_>>(),
        );
        let there = |kind: &str, namespace: &str, name: &str| match kind {
            "RootShard" => root_shards.get(&ObjectRef::new(name).within(namespace)).is_some(),
            "FrontProxy" => front_proxies.get(&ObjectRef::new(name).within(namespace)).is_some(),
            _ => kubeconfigs.get(&ObjectRef::new(name).within(namespace)).is_some(),
        };
        context.references.retain(|referrer| there(referrer.kind, &referrer.namespace, &referrer.name));
    }
}
