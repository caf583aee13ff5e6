use std::time::Duration;

/// What one client takes from each server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// Open connections to one server.
    pub connections: usize,
    /// Servers that connections are kept for. Beyond, those without a connection are forgotten.
    pub servers: usize,
    /// Requests on one HTTP/2 connection. Servers allow at least 100, as the protocol recommends.
    pub streams: usize,
    /// Time for name lookup, TCP and TLS together.
    pub connect: Duration,
    /// How long a connection is kept that nobody uses.
    pub idle: Duration,
    /// Bytes of a response that arrive before anybody reads them, per HTTP/2 request. A connection gets
    /// this for every stream, so that one slow reader cannot block the others.
    pub stream_window: u32,
    /// Bytes of a request's body that wait for the server, per HTTP/2 request.
    pub send_buffer: usize,
    /// How often a silent HTTP/2 server is asked whether it is there.
    pub ping_interval: Duration,
    /// How long it may take to say so.
    pub ping_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            servers: 1_024,
            streams: 100,
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(90),
            stream_window: 64 * 1024,
            send_buffer: 64 * 1024,
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(15),
        }
    }
}
