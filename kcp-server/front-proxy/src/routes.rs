//! Where a URL goes: the mapping file and the directory, applied to one path.

use crate::{
    directory::Directory,
    mapping::{Mapping, MappingError, Mappings},
};
use arc_swap::ArcSwap;
use kcp_index::Resolved;
use kcp_names::{ClusterName, WorkspacePath};
use kcp_transport::{Client, ClientLimits, Upkeep};
use std::{path::PathBuf, sync::Arc};

/// The mapping file and the clients that it asks for, made anew when the file changes.
#[derive(Debug)]
pub(crate) struct Routes {
    file: PathBuf,
    current: ArcSwap<Table>,
}

/// One reading of the file.
#[derive(Debug)]
pub(crate) struct Table {
    mappings: Mappings,
    /// One for the shards, then one for each other mapping, in their order.
    shards: Option<Arc<Route>>,
    others: Vec<Arc<Route>>,
}

/// A mapping and how to connect for it.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) mapping: Mapping,
    pub(crate) client: Arc<Client>,
}

/// Why there are no routes.
#[derive(Debug, thiserror::Error)]
pub enum RoutesError {
    /// The file.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A certificate that it names.
    #[error("mapping {path:?}: {source}")]
    Client {
        /// The path of the mapping.
        path: String,
        /// What is wrong.
        source: kcp_transport::Error,
    },
}

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Place {
    /// To this URL, which has no query.
    To(Arc<Route>, String),
    /// Into a workspace that nobody knows yet.
    Unknown(WorkspacePath),
    /// Into something that cannot be a workspace, or is one to nobody.
    Refused,
    /// Into a workspace that is there and closed.
    Unavailable,
    /// The mapping file does not say.
    Nowhere,
}

impl Routes {
    pub(crate) fn read(file: PathBuf) -> Result<Arc<Self>, RoutesError> {
        let current = ArcSwap::from_pointee(Table::new(Mappings::read(&file)?)?);
        Ok(Arc::new(Self { file, current }))
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        self.current.load_full()
    }

    fn reload(&self) -> Result<bool, RoutesError> {
        let mappings = Mappings::read(&self.file)?;
        if mappings == self.current.load().mappings {
            return Ok(false);
        }
        self.current.store(Arc::new(Table::new(mappings)?));
        Ok(true)
    }
}

impl Upkeep for Routes {
    fn upkeep(&self) {
        match self.reload() {
            Ok(false) => {}
            Ok(true) => tracing::info!("mapping file reloaded"),
            Err(error) => tracing::error!(%error, "new mapping file not usable; keeping the old one"),
        }
        let table = self.table();
        for route in table.shards.iter().chain(&table.others) {
            route.client.upkeep();
        }
    }
}

impl Table {
    fn new(mappings: Mappings) -> Result<Self, RoutesError> {
        let route = |mapping: &Mapping| {
            let client = Client::new(mapping.tls.clone(), ClientLimits::default())
                .map_err(|source| RoutesError::Client { path: mapping.path.clone(), source })?;
            Ok::<_, RoutesError>(Arc::new(Route { mapping: mapping.clone(), client }))
        };
        let shards = mappings.shards.as_ref().map(route).transpose()?;
        let others = mappings.others.iter().map(route).collect::<Result<_, _>>()?;
        Ok(Self { mappings, shards, others })
    }

    /// Whether `/clusters/…` is served at all.
    pub(crate) fn has_shards(&self) -> bool {
        self.shards.is_some()
    }

    /// Finds where a path goes. It stays as it is written, percent-encoding and all; only its logical
    /// cluster is replaced.
    pub(crate) fn find(&self, directory: &Directory, path: &str) -> Place {
        if let (Some(shards), Some(below)) = (&self.shards, path.strip_prefix("/clusters/")) {
            let (segment, rest) = below.split_at(below.find('/').unwrap_or(below.len()));
            return match workspace(segment) {
                Some(workspace) => self.in_workspace(directory, shards, workspace, rest),
                None => Place::Refused,
            };
        }
        let Some((route, cluster)) = self.other(path) else { return Place::Nowhere };
        let place = Place::To(Arc::clone(route), format!("{}{path}", route.mapping.backend));
        match cluster.or_else(|| named_in(path)).filter(|cluster| !cluster.is_empty() && cluster != "*") {
            // Nobody is sent on into a workspace that does not exist.
            Some(cluster) if self.has_shards() => check(directory, &cluster, place),
            _ => place,
        }
    }

    /// Who refuses a request into a workspace that nobody knows: the shard of its nearest ancestor, else the one
    /// that has `root`. Only requests that are for the shards are refused by one.
    pub(crate) fn judge(
        &self,
        directory: &Directory,
        workspace: &WorkspacePath,
        path: &str,
    ) -> Option<(Arc<Route>, String)> {
        let shards = self.shards.as_ref().filter(|_| path.starts_with("/clusters/"))?;
        let index = directory.index();
        let nearest = index.frontier(workspace).map(|frontier| frontier.shard);
        let nearest = nearest.or_else(|| index.shard_of(&ClusterName::root()));
        let shard = nearest.and_then(|name| directory.shard(&name));
        let base = shard.map_or_else(|| directory.root().base(), |shard| shard.base.clone());
        Some((Arc::clone(shards), format!("{base}{path}")))
    }

    fn other(&self, path: &str) -> Option<(&Arc<Route>, Option<String>)> {
        let (mapping, cluster) = self.mappings.find(path)?;
        let route = self.others.iter().find(|route| route.mapping.path == mapping.path)?;
        Some((route, cluster))
    }

    fn in_workspace(
        &self,
        directory: &Directory,
        shards: &Arc<Route>,
        path: WorkspacePath,
        rest: &str,
    ) -> Place {
        match directory.resolve(&path) {
            Resolved::Here { .. } | Resolved::Unknown => Place::Unknown(path),
            Resolved::Unavailable => Place::Unavailable,
            Resolved::Elsewhere { shard, cluster, .. } => match directory.shard(&shard) {
                Some(shard) => {
                    Place::To(Arc::clone(shards), format!("{}/clusters/{cluster}{rest}", shard.base))
                }
                None => Place::Unknown(path),
            },
            Resolved::Mount { url, rest: names } => self.mounted(shards, &url, &names, rest),
        }
    }

    /// Below a mount. Its URL may be of another server, or of one that the mapping file knows.
    fn mounted(&self, shards: &Arc<Route>, url: &str, names: &[Arc<str>], rest: &str) -> Place {
        let mut url = url.trim_end_matches('/').to_owned();
        let Some(at) = url.strip_prefix("https://").and_then(|rest| rest.find('/')) else {
            return Place::Refused;
        };
        if !names.is_empty() {
            // Workspaces below the mount have paths below its own, if it has one.
            let last_two: Vec<&str> = url.rsplitn(3, '/').collect();
            if last_two.get(1) != Some(&"clusters") {
                return Place::Refused;
            }
            for name in names {
                url.push(':');
                url.push_str(name);
            }
        }
        let (server, path) = url.split_at("https://".len() + at);
        match self.other(path).filter(|(route, _)| route.mapping.path != "/") {
            Some((route, _)) => {
                Place::To(Arc::clone(route), format!("{}{path}{rest}", route.mapping.backend))
            }
            None => Place::To(Arc::clone(shards), format!("{server}{path}{rest}")),
        }
    }
}

fn check(directory: &Directory, cluster: &str, place: Place) -> Place {
    let Some(path) = workspace(cluster) else { return Place::Refused };
    match directory.resolve(&path) {
        Resolved::Unknown => Place::Unknown(path),
        Resolved::Unavailable => Place::Unavailable,
        Resolved::Here { .. } | Resolved::Elsewhere { .. } | Resolved::Mount { .. } => place,
    }
}

/// A path segment as a workspace path. Only the colon is ever written percent-encoded.
fn workspace(segment: &str) -> Option<WorkspacePath> {
    WorkspacePath::parse(&segment.replace("%3A", ":").replace("%3a", ":")).ok()
}

/// What follows the first `/clusters/` in a path.
fn named_in(path: &str) -> Option<String> {
    let (_, below) = path.split_once("/clusters/")?;
    Some(below.split('/').next().unwrap_or_default().to_owned())
}

/// Whether a path could be another one to somebody who tidies paths up.
pub(crate) fn is_ambiguous(path: &str) -> bool {
    path.split('/').any(|segment| {
        let plain = segment.replace("%2e", ".").replace("%2E", ".");
        plain == "." || plain == ".."
    })
}
