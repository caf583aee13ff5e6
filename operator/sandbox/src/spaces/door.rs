//! The way from the sandbox's network to the host's: *inside* asks, *outside* opens a socket and passes it in.
//!
//! A socket belongs to the network it was made in, whoever holds it. So a listener on the host's loopback, once passed
//! in, is accepted from inside, and a connection to a server of the host, once passed in, is read inside; no byte is
//! copied between the processes. Requests and answers are one datagram each, JSON of less than [`LIMIT`] bytes, an
//! answer carrying at most one descriptor.

use std::{
    collections::HashMap,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    io::Interest,
    net::{TcpListener, TcpStream, UnixDatagram},
    sync::oneshot,
};

const LIMIT: usize = 4096;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// So many requests may wait for their answers.
const OUTSTANDING: usize = 256;

/// Both ends of a new door: the one for *outside*, the one for *inside*.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// The runtime knows datagram sockets; that ours also tells when the other side is gone does not bother it.
pub(crate) fn socket_of(socket: OwnedFd) -> io::Result<UnixDatagram> {
    let socket = std::os::unix::net::UnixDatagram::from(socket);
    socket.set_nonblocking(true)?;
    UnixDatagram::from_std(socket)
}

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    id: u64,
    want: Want,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Want {
    Listen(SocketAddr),
    Connect(SocketAddr),
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    id: u64,
    error: Option<String>,
}

/// The inner side.
#[derive(Clone)]
pub(crate) struct Door {
    socket: Arc<UnixDatagram>,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    answers: HashMap<u64, oneshot::Sender<io::Result<Option<OwnedFd>>>>,
}

impl Door {
    /// Takes the socket that *outside* handed in. Must be called in a runtime.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        Ok(Self { socket: Arc::new(socket_of(socket)?), waiting: Arc::default() })
    }

    /// A listener on an address of the host.
    pub(crate) async fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let socket = std::net::TcpListener::from(self.ask(Want::Listen(address)).await?);
        socket.set_nonblocking(true)?;
        TcpListener::from_std(socket)
    }

    /// A connection from the host to an address that the host can reach.
    pub(crate) async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = std::net::TcpStream::from(self.ask(Want::Connect(address)).await?);
        socket.set_nonblocking(true)?;
        TcpStream::from_std(socket)
    }

    async fn ask(&self, want: Want) -> io::Result<OwnedFd> {
        let (tell, told) = oneshot::channel();
        let id = {
            let mut waiting = self.waiting.lock();
            if waiting.answers.len() >= OUTSTANDING {
                return Err(io::Error::other("too many connections to the host are being opened"));
            }
            waiting.last += 1;
            let id = waiting.last;
            waiting.answers.insert(id, tell);
            id
        };
        if let Err(error) = send(&self.socket, &Request { id, want }, None).await {
            self.waiting.lock().answers.remove(&id);
            return Err(error);
        }
        let answer = told.await.map_err(|_| io::Error::other("the host side is gone"))?;
        answer?.ok_or_else(|| io::Error::other("the host side sent no socket"))
    }

    /// Hands out answers until *outside* closes the door, which is its way to say that the sandbox should stop.
    pub(crate) async fn run(&self) {
        while let Ok(Some((answer, socket))) = receive::<Answer>(&self.socket).await {
            let waiting = self.waiting.lock().answers.remove(&answer.id);
            let Some(waiting) = waiting else { continue };
            let outcome = answer.error.map_or(Ok(socket), |error| Err(io::Error::other(error)));
            // Whoever asked may have given up; then the socket closes with the answer.
            waiting.send(outcome).ok();
        }
        self.waiting.lock().answers.clear();
    }
}

/// The outer side: opens what is asked for until the inner side is gone.
pub(crate) async fn serve(socket: Arc<UnixDatagram>) {
    let mut opening = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            request = receive::<Request>(&socket) => {
                let Ok(Some((request, _))) = request else { return };
                let socket = Arc::clone(&socket);
                opening.spawn(async move {
                    let opened = open(request.want).await;
                    let error = opened.as_ref().err().map(ToString::to_string);
                    let answer = Answer { id: request.id, error };
                    if let Err(error) = send(&socket, &answer, opened.ok().as_ref()).await {
                        tracing::debug!(%error, "an answer did not reach the inside");
                    }
                });
            }
            Some(_) = opening.join_next() => {}
        }
    }
}

async fn open(want: Want) -> io::Result<OwnedFd> {
    match want {
        Want::Listen(address) => {
            let listener = TcpListener::bind(address).await?;
            Ok(listener.into_std()?.into())
        }
        Want::Connect(address) => {
            let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await??;
            Ok(stream.into_std()?.into())
        }
    }
}

async fn send<T: Serialize>(socket: &UnixDatagram, message: &T, passed: Option<&OwnedFd>) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > LIMIT {
        return Err(io::Error::other("message too long for the door"));
    }
    socket
        .async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            let descriptors = passed.map(AsFd::as_fd);
            if let Some(descriptor) = &descriptors {
                control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(descriptor)));
            }
            let parts = [IoSlice::new(&bytes)];
            rustix::net::sendmsg(socket, &parts, &mut control, SendFlags::NOSIGNAL)?;
            Ok(())
        })
        .await
}

/// The next message, none when the other side is gone.
async fn receive<T: DeserializeOwned>(socket: &UnixDatagram) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let (bytes, passed) = socket
        .async_io(Interest::READABLE, || {
            let mut bytes = vec![0; LIMIT];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut bytes)];
            let got = rustix::net::recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
            if got.flags.contains(ReturnFlags::TRUNC) {
                return Err(io::Error::other("message too long"));
            }
            let mut passed = None;
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                    passed = descriptors.last();
                }
            }
            bytes.truncate(got.bytes);
            Ok((bytes, passed))
        })
        .await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(&bytes)?, passed)))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Both sides of a door in one process.
    fn opened() -> (Door, tokio::task::JoinSet<()>) {
        let (outer, inner) = pair().unwrap();
        let door = Door::new(inner).unwrap();
        let mut sides = tokio::task::JoinSet::new();
        sides.spawn(serve(Arc::new(socket_of(outer).unwrap())));
        let inside = door.clone();
        sides.spawn(async move { inside.run().await });
        (door, sides)
    }

    #[tokio::test]
    async fn listeners_and_connections_pass_through_the_door() {
        let (door, _sides) = opened();
        let listener = door.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let mut caller = door.connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut called, _) = listener.accept().await.unwrap();
        caller.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        called.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_told() {
        let (door, _sides) = opened();
        let first = door.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let again = door.listen(first.local_addr().unwrap()).await.unwrap_err();
        assert!(again.to_string().contains("Address already in use"), "{again}");
    }
}
