use crate::Error;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};

/// An address that is listened on.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens on `host:port`. Port 0 takes any that is free.
    ///
    /// # Errors
    /// An address that is taken, is not ours, or needs rights that the process lacks.
    pub async fn bind(host: IpAddr, port: u16) -> Result<Self, Error> {
        let address = SocketAddr::new(host, port);
        let failed = |source: io::Error| {
            if source.kind() == io::ErrorKind::AddrInUse {
                Error::AddressInUse(address)
            } else {
                Error::Listen { address, source }
            }
        };
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address })
    }

    /// The address, with the port that was found for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection. What goes wrong with single connections is waited out here.
    pub(crate) async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => {
                    if let Err(error) = tune(&stream) {
                        tracing::debug!(%peer, %error, "socket options not set");
                    }
                    return (stream, peer);
                }
                Err(error) => {
                    // Out of file descriptors, most likely: others must end first.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// Lets the system notice peers that vanished without a word, and small frames leave at once.
pub(crate) fn tune(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(30))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(10))?;
    sockopt::set_tcp_keepcnt(stream, 3)?;
    // Unacknowledged data for a minute: the peer is gone.
    sockopt::set_tcp_user_timeout(stream, 60_000)?;
    Ok(())
}
