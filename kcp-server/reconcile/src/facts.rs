use kcp_apimachinery::{Value, value};
use kcp_names::{ClusterName, Revision, WorkspacePath};
use kcp_storage::{BoxFuture, Error, Key, Namespace, Range, ResourceKey};
use std::{cell::RefCell, collections::HashMap, sync::Arc};

/// A stored object as facts show it: complete, with `resourceVersion` and the cluster annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Where it lives.
    pub key: Key,
    /// What it is.
    pub value: Arc<Value>,
    /// Revision of its creation.
    pub created: Revision,
    /// Its resource version.
    pub modified: Revision,
}

/// What is known of something that may live on another shard.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact<T> {
    /// Nobody could say. Never to be taken for absence.
    Unknown,
    /// It does not exist.
    Absent,
    /// It is this.
    Is(T),
}

impl<T> Fact<T> {
    /// The thing, if it is known to exist.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Is(thing) => Some(thing),
            Self::Unknown | Self::Absent => None,
        }
    }
}

/// Something a plan asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// One object.
    Get(Key),
    /// All objects of a range, at most this many.
    List(Range, usize),
    /// Objects of a range behind one (from the first, if `None`), at most this many.
    Page(Range, Option<Key>, usize),
    /// The keys of a range, at most this many.
    Keys(Range, usize),
    /// The keys of everything that refers to an owner by uid, in its logical cluster.
    Dependents(ClusterName, String),
    /// Keys of all kinds in a logical cluster behind one (from the first, if `None`), at most this many.
    Contents(ClusterName, Option<Key>, usize),
    /// Keys of all kinds in one namespace of a logical cluster, at most this many.
    NamespaceContents(ClusterName, Namespace, usize),
    /// The logical cluster that a workspace path means here.
    Path(WorkspacePath),
    /// The resource that a logical cluster serves as this group and kind.
    Kind(ClusterName, String, String),
}

/// A resource as a logical cluster serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Where its objects are stored.
    pub resource: ResourceKey,
    /// Whether they live in namespaces.
    pub namespaced: bool,
}

/// The answer to a [`Query`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To `Get`.
    Object(Fact<Object>),
    /// To `List` and `Page`: the objects, and whether there are more.
    Objects(Vec<Object>, bool),
    /// To `Keys`, `Dependents`, `Contents` and `NamespaceContents`.
    Keys(Vec<Key>),
    /// To `Path`.
    Cluster(Fact<ClusterName>),
    /// To `Kind`.
    Served(Fact<Served>),
}

/// A fact that a plan needs has not been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing;

/// Where facts are read.
pub trait Reader: Send + Sync + 'static {
    /// Answers one query with what is there now.
    fn read<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Answer, Error>>;
}

/// What one plan may look at. All of it is given; asking changes nothing outside.
pub struct Facts {
    now: i64,
    seed: u64,
    known: HashMap<Query, Answer>,
    missing: RefCell<Vec<Query>>,
    refused: Vec<(Key, String)>,
    cursor: Option<Key>,
}

impl Facts {
    /// Facts at a moment (seconds since 1970), with randomness from `seed`, and nothing read yet.
    #[must_use]
    pub fn new(now: i64, seed: u64) -> Self {
        Self {
            now,
            seed,
            known: HashMap::new(),
            missing: RefCell::default(),
            refused: Vec::new(),
            cursor: None,
        }
    }

    /// Adds an answer. For executors and tests.
    pub fn learn(&mut self, query: Query, answer: Answer) {
        self.known.insert(query, answer);
    }

    /// For tests: an object that exists, under its own key.
    #[must_use]
    pub fn with(mut self, key: Key, value: Value) -> Self {
        let object =
            Object { key: key.clone(), value: Arc::new(value), created: Revision(1), modified: Revision(1) };
        self.learn(Query::Get(key), Answer::Object(Fact::Is(object)));
        self
    }

    /// Tells what the changes of the step before were refused with. For executors and tests.
    #[must_use]
    pub fn after_refusals(mut self, refused: Vec<(Key, String)>) -> Self {
        self.refused = refused;
        self
    }

    /// Tells how far the walk of the steps before has come. For executors and tests.
    #[must_use]
    pub fn behind(mut self, cursor: Option<Key>) -> Self {
        self.cursor = cursor;
        self
    }

    /// How far the walk of the steps before has come; nothing if none is under way.
    #[must_use]
    pub fn cursor(&self) -> Option<&Key> {
        self.cursor.as_ref()
    }

    /// The changes of a [`Step::Each`](crate::Step::Each) just before that were refused, and why.
    #[must_use]
    pub fn refused(&self) -> &[(Key, String)] {
        &self.refused
    }

    /// What was asked for and not known since the last call.
    pub fn take_missing(&self) -> Vec<Query> {
        std::mem::take(&mut self.missing.borrow_mut())
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// A number nobody can guess, the same for all planning rounds of one step.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    fn ask(&self, query: Query) -> Result<&Answer, Missing> {
        if let Some(answer) = self.known.get(&query) {
            return Ok(answer);
        }
        self.missing.borrow_mut().push(query);
        Err(Missing)
    }

    /// One object.
    ///
    /// # Errors
    /// Not read yet.
    pub fn get(&self, key: &Key) -> Result<Fact<Object>, Missing> {
        match self.ask(Query::Get(key.clone()))? {
            Answer::Object(fact) => Ok(fact.clone()),
            Answer::Objects(..) | Answer::Keys(_) | Answer::Cluster(_) | Answer::Served(_) => Err(Missing),
        }
    }

    /// Several objects, read together.
    ///
    /// # Errors
    /// Some are not read yet.
    pub fn get_all<'k>(&self, keys: impl IntoIterator<Item = &'k Key>) -> Result<Vec<Fact<Object>>, Missing> {
        // All are asked for before the first miss is told, so that one round reads them.
        let found: Vec<_> = keys.into_iter().map(|key| self.get(key)).collect();
        found.into_iter().collect()
    }

    /// The objects of a range, up to `limit`, and whether there are more.
    ///
    /// # Errors
    /// Not read yet.
    pub fn list(&self, range: &Range, limit: usize) -> Result<(&[Object], bool), Missing> {
        match self.ask(Query::List(range.clone(), limit))? {
            Answer::Objects(objects, more) => Ok((objects, *more)),
            Answer::Object(_) | Answer::Keys(_) | Answer::Cluster(_) | Answer::Served(_) => Err(Missing),
        }
    }

    /// Objects of a range behind `after`, up to `limit`, and whether there are more.
    ///
    /// # Errors
    /// Not read yet.
    pub fn page(
        &self,
        range: &Range,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<(&[Object], bool), Missing> {
        match self.ask(Query::Page(range.clone(), after.cloned(), limit))? {
            Answer::Objects(objects, more) => Ok((objects, *more)),
            Answer::Object(_) | Answer::Keys(_) | Answer::Cluster(_) | Answer::Served(_) => Err(Missing),
        }
    }

    /// The keys of a range, up to `limit`.
    ///
    /// # Errors
    /// Not read yet.
    pub fn keys_of(&self, range: &Range, limit: usize) -> Result<&[Key], Missing> {
        self.keys(Query::Keys(range.clone(), limit))
    }

    /// Keys of what refers to an owner.
    ///
    /// # Errors
    /// Not read yet.
    pub fn dependents(&self, cluster: &ClusterName, uid: &str) -> Result<&[Key], Missing> {
        self.keys(Query::Dependents(cluster.clone(), uid.to_owned()))
    }

    /// Keys of all kinds in a logical cluster in their order, behind `after`, up to `limit`.
    ///
    /// # Errors
    /// Not read yet.
    pub fn contents(
        &self,
        cluster: &ClusterName,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<&[Key], Missing> {
        self.keys(Query::Contents(cluster.clone(), after.cloned(), limit))
    }

    /// Keys of all kinds in one namespace, up to `limit`.
    ///
    /// # Errors
    /// Not read yet.
    pub fn namespace_contents(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        limit: usize,
    ) -> Result<&[Key], Missing> {
        self.keys(Query::NamespaceContents(cluster.clone(), namespace.clone(), limit))
    }

    fn keys(&self, query: Query) -> Result<&[Key], Missing> {
        match self.ask(query)? {
            Answer::Keys(keys) => Ok(keys),
            Answer::Object(_) | Answer::Objects(..) | Answer::Cluster(_) | Answer::Served(_) => Err(Missing),
        }
    }

    /// The logical cluster of a workspace path.
    ///
    /// # Errors
    /// Not read yet.
    pub fn path(&self, path: &WorkspacePath) -> Result<Fact<ClusterName>, Missing> {
        match self.ask(Query::Path(path.clone()))? {
            Answer::Cluster(fact) => Ok(fact.clone()),
            Answer::Object(_) | Answer::Objects(..) | Answer::Keys(_) | Answer::Served(_) => Err(Missing),
        }
    }

    /// The resource that a logical cluster serves as this group and kind.
    ///
    /// # Errors
    /// Not read yet.
    pub fn kind(&self, cluster: &ClusterName, group: &str, kind: &str) -> Result<Fact<Served>, Missing> {
        match self.ask(Query::Kind(cluster.clone(), group.to_owned(), kind.to_owned()))? {
            Answer::Served(fact) => Ok(fact.clone()),
            Answer::Object(_) | Answer::Objects(..) | Answer::Keys(_) | Answer::Cluster(_) => Err(Missing),
        }
    }
}

impl Object {
    /// The uid, empty if there is none.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.value.str_at(&["metadata", "uid"]).unwrap_or_default()
    }

    /// Seconds since it was made, as far as its own clock says.
    #[must_use]
    pub fn age(&self, now: i64) -> i64 {
        self.value.meta().creation_timestamp().map_or(0, |made| now - made.unix())
    }

    /// Whether it is being deleted.
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        self.value.at(&["metadata", "deletionTimestamp"]).is_some()
    }

    /// `{"metadata": {"uid": …, "resourceVersion": …}}`: the start of a patch that fits only this version.
    #[must_use]
    pub fn precondition(&self) -> Value {
        value!({"metadata": {"uid": (self.uid()), "resourceVersion": (self.modified.to_string())}})
    }
}
