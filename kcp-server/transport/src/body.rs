use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use std::{
    any::Any,
    fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};
use tokio::sync::mpsc::{self, error::TrySendError};

/// The bytes of a request or response: known, arriving, or made as the reader takes them.
///
/// A body is pulled. Nothing is buffered beyond the frame that is on its way, so a reader that does not
/// read stops the writer, not the process.
pub struct Body {
    kind: Kind,
    /// Something that must live as long as the body is read; dropped with it.
    guard: Option<Box<dyn Any + Send>>,
}

enum Kind {
    Empty,
    Full(Bytes),
    Incoming(Incoming),
    Stream(Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>),
    Channel(mpsc::Receiver<Bytes>, Arc<OnceLock<String>>),
}

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection that it came over broke.
    #[error("the connection broke: {0}")]
    Connection(#[from] hyper::Error),
    /// It is longer than the reader would take.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    /// Whoever made it gave up.
    #[error("{0}")]
    Aborted(String),
}

impl Body {
    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(Kind::Empty)
    }

    /// Whatever another implementation yields.
    pub fn stream(body: impl HttpBody<Data = Bytes, Error = BodyError> + Send + 'static) -> Self {
        Self::of(Kind::Stream(Box::pin(body)))
    }

    /// A body that is written while it is read. The sender waits once `capacity` chunks (at least one)
    /// are on their way. The body ends when the sender is dropped.
    #[must_use]
    pub fn channel(capacity: usize) -> (BodySender, Self) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let broken = Arc::new(OnceLock::new());
        (
            BodySender { chunks: sender, broken: Arc::clone(&broken) },
            Self::of(Kind::Channel(receiver, broken)),
        )
    }

    /// Keeps `guard` until the body is dropped: a permit, a counter, a span.
    #[must_use]
    pub fn guarded(mut self, guard: impl Any + Send) -> Self {
        self.guard = Some(match self.guard.take() {
            None => Box::new(guard),
            Some(earlier) => Box::new((earlier, guard)),
        });
        self
    }

    /// Reads everything, at most `limit` bytes.
    ///
    /// # Errors
    /// A body that is longer, or that breaks off.
    pub async fn collect(self, limit: usize) -> Result<Bytes, BodyError> {
        if let Kind::Full(bytes) = &self.kind {
            return if bytes.len() > limit { Err(BodyError::TooLarge(limit)) } else { Ok(bytes.clone()) };
        }
        match Limited::new(self, limit).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge(limit)),
            Err(error) => Err(match error.downcast::<BodyError>() {
                Ok(error) => *error,
                Err(other) => BodyError::Aborted(other.to_string()),
            }),
        }
    }

    /// The next chunk of data; trailers are skipped. `None` at the end.
    pub async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        loop {
            match self.frame().await? {
                Ok(frame) => {
                    // An empty one is how some ends are told.
                    if let Some(data) = frame.into_data().ok().filter(|data| !data.is_empty()) {
                        return Some(Ok(data));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn of(kind: Kind) -> Self {
        Self { kind, guard: None }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.kind = Kind::Empty;
                Poll::Ready(if bytes.is_empty() { None } else { Some(Ok(Frame::data(bytes))) })
            }
            Kind::Incoming(body) => {
                Pin::new(body).poll_frame(context).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
            Kind::Stream(body) => body.as_mut().poll_frame(context),
            Kind::Channel(receiver, broken) => receiver.poll_recv(context).map(|chunk| match chunk {
                Some(chunk) => Some(Ok(Frame::data(chunk))),
                None => broken.get().map(|reason| Err(BodyError::Aborted(reason.clone()))),
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Incoming(body) => body.is_end_stream(),
            Kind::Stream(body) => body.is_end_stream(),
            Kind::Channel(..) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Incoming(body) => body.size_hint(),
            Kind::Stream(body) => body.size_hint(),
            Kind::Channel(..) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            Kind::Empty => "Body(empty)",
            Kind::Full(_) => "Body(full)",
            Kind::Incoming(_) => "Body(incoming)",
            Kind::Stream(_) => "Body(stream)",
            Kind::Channel(..) => "Body(channel)",
        })
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::of(Kind::Full(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<Incoming> for Body {
    fn from(body: Incoming) -> Self {
        Self::of(Kind::Incoming(body))
    }
}

/// The writing end of [`Body::channel`].
#[derive(Clone, Debug)]
pub struct BodySender {
    chunks: mpsc::Sender<Bytes>,
    /// Why the body is not complete, if it is not.
    broken: Arc<OnceLock<String>>,
}

impl BodySender {
    /// Hands over a chunk, waiting while the reader is behind. `false` when the reader is gone.
    pub async fn send(&self, chunk: Bytes) -> bool {
        self.chunks.send(chunk).await.is_ok()
    }

    /// Hands over a chunk unless that means waiting. `Err` gives it back: the reader is behind or gone.
    ///
    /// # Errors
    /// The chunk, not sent.
    pub fn try_send(&self, chunk: Bytes) -> Result<(), Bytes> {
        self.chunks.try_send(chunk).map_err(TrySendError::into_inner)
    }

    /// Breaks the body off after what was handed over, so that the reader cannot take it for complete.
    pub fn abort(self, reason: impl Into<String>) {
        // With two reasons, the first is the cause.
        let _ = self.broken.set(reason.into());
    }

    /// Returns when nobody reads any more.
    pub async fn closed(&self) {
        self.chunks.closed().await;
    }

    /// Whether nobody reads any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.chunks.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_collected_up_to_its_limit() {
        for (limit, fits) in [(5, true), (4, false)] {
            let (sender, streamed) = Body::channel(2);
            assert!(sender.send("abc".into()).await && sender.send("de".into()).await);
            drop(sender);
            for body in [streamed, "abcde".into()] {
                let collected = body.collect(limit).await;
                assert_eq!(collected.ok(), fits.then(|| Bytes::from("abcde")));
            }
        }
    }

    #[tokio::test]
    async fn a_writer_waits_for_its_reader() {
        let (sender, mut body) = Body::channel(1);
        assert_eq!(sender.try_send("a".into()), Ok(()));
        assert_eq!(sender.try_send("b".into()), Err("b".into()));
        assert_eq!(body.chunk().await.expect("chunk").expect("data"), "a");
        assert_eq!(sender.try_send("b".into()), Ok(()));
        sender.abort("lost");
        assert_eq!(body.chunk().await.expect("chunk").expect("data"), "b");
        assert!(matches!(body.chunk().await, Some(Err(BodyError::Aborted(reason))) if reason == "lost"));
    }

    #[test]
    fn guards_go_with_the_body() {
        let guard = std::sync::Arc::new(());
        let body = Body::from("x").guarded(guard.clone()).guarded(guard.clone());
        assert_eq!(std::sync::Arc::strong_count(&guard), 3);
        drop(body);
        assert_eq!(std::sync::Arc::strong_count(&guard), 1);
    }
}
