//! A request from socket to store: the pipeline, discovery, reads, writes and watches of one shard.
//!
//! [`ApiServer`] is handed its parts by the wiring; it opens no file and no socket.

mod admit;
mod audit;
mod backup;
mod clock;
mod compress;
mod deactivation;
mod discovery;
mod documents;
mod error;
mod flight;
mod forward;
mod internal;
mod lifecycle;
mod metrics;
mod paths;
mod pipeline;
mod pods;
mod policies;
mod read;
pub mod request;
mod resource;
mod respond;
mod select;
mod special;
mod status;
mod table;
mod tokens;
mod watch;
mod write;

pub use audit::{Audit, AuditError, Level as AuditLevel, Policy as AuditPolicy};
pub use backup::{Backup, Backups};
pub use error::Error;
pub use flight::{Flight, Full, Limits};
pub use internal::{Internal, Owners, StoreReader};
pub use metrics::Metrics;
pub use pods::PodLogs;
pub use policies::StoredPolicies;
pub use status::status;
pub use tokens::Tokens;

use arc_swap::ArcSwap;
use kcp_admission::Plugin;
use kcp_authn::{Authenticator, KeySet};
use kcp_authz::Authorizer;
use kcp_index::Index;
use kcp_registry::Registry;
use kcp_transport::Cors;
use std::{sync::Arc, time::Duration};

/// One shard's API server.
pub struct ApiServer {
    registry: Arc<Registry>,
    index: Arc<Index>,
    identity: ArcSwap<Identity>,
    authz: Arc<Authorizer>,
    policies: Arc<StoredPolicies>,
    tokens: Tokens,
    admission: Vec<Arc<dyn Plugin>>,
    flight: Flight,
    audit: Audit,
    metrics: Arc<Metrics>,
    documents: documents::Documents,
    deactivations: Arc<deactivation::Deactivations>,
    pod_logs: Option<Arc<dyn PodLogs>>,
    cors: Cors,
    backups: Option<backup::BackupDesk>,
    settings: Settings,
}

/// What the wiring decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long events are kept.
    pub event_ttl: Duration,
    /// URL under which clients reach the shard or what is in front of it.
    pub external_url: String,
    /// `--version`
    pub version: String,
    /// Audiences that service account tokens are for by default.
    pub audiences: Vec<String>,
    /// Whether `~` is answered.
    pub home_workspaces: bool,
    /// Whether there are pods.
    pub workloads: bool,
}

/// The parts an [`ApiServer`] is made of.
pub struct Parts {
    /// Objects.
    pub registry: Arc<Registry>,
    /// Workspace paths.
    pub index: Arc<Index>,
    /// Whose credentials count.
    pub identity: Identity,
    /// Who may.
    pub authz: Arc<Authorizer>,
    /// What that depends on.
    pub policies: Arc<StoredPolicies>,
    /// Service account tokens.
    pub tokens: Tokens,
    /// What else a write has to pass.
    pub admission: Vec<Arc<dyn Plugin>>,
    /// How much at a time.
    pub limits: Limits,
    /// What is written down.
    pub audit: Audit,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whoever runs pods, if there are any.
    pub pod_logs: Option<Arc<dyn PodLogs>>,
    /// Whose scripts browsers let in.
    pub cors: Cors,
    /// Whoever can back up the store, if it can be.
    pub backups: Option<Arc<dyn Backups>>,
    /// The rest.
    pub settings: Settings,
}

/// Whose credentials count. Replaced as a whole, while requests are served.
pub struct Identity {
    /// Says who makes a request.
    pub authn: Authenticator,
    /// The keys that sign service account tokens, as they are published.
    pub keys: KeySet,
}

impl ApiServer {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let deactivations = Arc::new(deactivation::Deactivations::default());
        parts.registry.on_change(deactivations.clone());
        Arc::new(Self {
            registry: parts.registry,
            index: parts.index,
            identity: ArcSwap::from_pointee(parts.identity),
            authz: parts.authz,
            policies: parts.policies,
            tokens: parts.tokens,
            admission: parts.admission,
            flight: Flight::new(parts.limits),
            audit: parts.audit,
            metrics: parts.metrics,
            documents: documents::Documents::default(),
            deactivations,
            pod_logs: parts.pod_logs,
            cors: parts.cors,
            backups: parts.backups.map(backup::BackupDesk::new),
            settings: parts.settings,
        })
    }

    /// From now on these credentials count. Requests that are being answered are not asked again.
    pub fn replace_identity(&self, identity: Identity) {
        self.identity.store(Arc::new(identity));
    }

    /// What it counts and checks.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Workspace paths as it knows them.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }
}
