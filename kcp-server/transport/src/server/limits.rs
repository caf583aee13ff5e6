use std::time::Duration;

/// What one server gives to its clients, all of them and each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections. More wait in the system's backlog.
    pub connections: usize,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Bytes of a request's line and headers, which may hold long tokens.
    pub header_bytes: u32,
    /// Header fields of a request: a user may be in many groups, each a field.
    pub header_fields: usize,
    /// Time in which an HTTP/1.1 client must send the headers of its first or next request.
    pub header_read: Duration,
    /// Requests that one HTTP/2 connection may have open.
    pub streams: u32,
    /// Bytes of a response that wait for a slow HTTP/2 reader, per request.
    pub send_buffer: usize,
    /// Bytes of a request's body that arrive before anybody reads them, per HTTP/2 request. A connection
    /// gets this for every stream, so that one unread body cannot block the others.
    pub stream_window: u32,
    /// How often a silent HTTP/2 peer is asked whether it is there.
    pub ping_interval: Duration,
    /// How long it may take to say so.
    pub ping_timeout: Duration,
    /// How long a connection may have no request before it is closed.
    pub idle: Duration,
    /// How long requests may go on after the server has begun to shut down.
    pub drain_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            handshake: Duration::from_secs(10),
            header_bytes: 128 * 1024,
            header_fields: 1_000,
            header_read: Duration::from_secs(90),
            streams: 250,
            send_buffer: 64 * 1024,
            stream_window: 64 * 1024,
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(20),
            idle: Duration::from_secs(180),
            drain_deadline: Duration::from_secs(60),
        }
    }
}
