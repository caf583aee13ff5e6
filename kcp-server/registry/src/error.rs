use crate::Token;
use kcp_names::Revision;

/// Why the registry did not do what it was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// No such object.
    #[error("{resource} {name:?} not found")]
    NotFound {
        /// `<plural>.<group>`
        resource: String,
        /// Its name.
        name: String,
    },
    /// There is one already.
    #[error("{resource} {name:?} already exists")]
    AlreadyExists {
        /// `<plural>.<group>`
        resource: String,
        /// Its name.
        name: String,
    },
    /// The object changed meanwhile, or a precondition did not hold.
    #[error("Operation cannot be fulfilled on {resource} {name:?}: {why}")]
    Conflict {
        /// `<plural>.<group>`
        resource: String,
        /// Its name.
        name: String,
        /// Why, for people.
        why: String,
    },
    /// The logical cluster is gone or being emptied.
    #[error("logical cluster {0} takes no new objects")]
    ClusterClosed(String),
    /// The namespace is gone or being emptied.
    #[error("unable to create new content in namespace {0} because it is being terminated")]
    NamespaceClosed(String),
    /// A page token that cannot be read.
    #[error("continue key is not valid: {0}")]
    BadToken(String),
    /// History was compacted.
    #[error("{0}")]
    Expired(String),
    /// History was compacted while a client went from page to page. It may go on with what there is now.
    #[error(
        "The provided continue parameter is too old to display a consistent list result. You can start a new \
         list without the continue parameter, or use the continue token in this response to retrieve the \
         remainder of the results. Continuing with the provided token results in an inconsistent list - \
         objects that were created, modified, or deleted between the time the first chunk was returned and now \
         may show up in the list."
    )]
    PageExpired {
        /// Goes on behind the last key, without a revision.
        fresh: Box<Token>,
    },
    /// A revision of the future.
    #[error("Too large resource version: {asked}, current: {newest}")]
    TooLarge {
        /// What was asked for.
        asked: Revision,
        /// What there is.
        newest: Revision,
    },
    /// A definition that is stored cannot be used.
    #[error("{0} is currently unavailable")]
    Unavailable(String),
    /// The store failed.
    #[error(transparent)]
    Storage(kcp_storage::Error),
    /// A stored value is damaged.
    #[error(transparent)]
    Record(#[from] kcp_storage::RecordError),
}

impl From<kcp_storage::Error> for Error {
    fn from(error: kcp_storage::Error) -> Self {
        match error {
            kcp_storage::Error::Compacted { .. } => {
                Self::Expired("The resourceVersion for the provided list is too old.".to_owned())
            }
            kcp_storage::Error::Future { asked, newest } => Self::TooLarge { asked, newest },
            kcp_storage::Error::TooLarge { .. }
            | kcp_storage::Error::Busy
            | kcp_storage::Error::Full(_)
            | kcp_storage::Error::ReadOnly(_)
            | kcp_storage::Error::Unknown(_)
            | kcp_storage::Error::BadTransaction(_)
            | kcp_storage::Error::Read(_)
            | kcp_storage::Error::Closed => Self::Storage(error),
        }
    }
}
