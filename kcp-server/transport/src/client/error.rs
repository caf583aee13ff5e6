/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URI names no server.
    #[error("{0:?} names no server")]
    NoServer(String),
    /// No connection could be made.
    #[error("cannot connect to {server}: {reason}")]
    Unreachable {
        /// `host:port`.
        server: String,
        /// What the system or TLS said.
        reason: String,
    },
    /// No connection was made in time.
    #[error("cannot connect to {0}: it does not answer in time")]
    Timeout(String),
    /// All connections that are allowed are in use.
    #[error("too many connections to {0}")]
    Busy(String),
    /// The server broke the connection off before it responded.
    #[error("{server} broke the connection off: {reason}")]
    Broken {
        /// `host:port`.
        server: String,
        /// What HTTP or TLS said.
        reason: String,
    },
}
