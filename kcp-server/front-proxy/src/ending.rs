//! Ending watches when the proxy goes away.
//!
//! A watch would hold the drain up until its deadline, and then break in the middle of an event. So once
//! draining has begun it ends where an event ends, and its client watches on through another proxy.

use bytes::Bytes;
use http::{Response, header::CONTENT_TYPE};
use http_body::{Body as HttpBody, Frame, SizeHint};
use kcp_transport::{Body, BodyError, Drain};
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tokio_util::sync::WaitForCancellationFutureOwned;

/// Whether a query asks for a watch.
pub(crate) fn is_watch(query: &str) -> bool {
    query.split('&').any(|field| matches!(field, "watch" | "watch=" | "watch=1" | "watch=true"))
}

/// Lets the body of a watch end once `drain` has begun.
pub(crate) fn end_with(response: Response<Body>, drain: &Drain) -> Response<Body> {
    let begun = Box::pin(drain.token().cancelled_owned());
    let kind = response.headers().get(CONTENT_TYPE);
    let lines = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    response.map(|body| Body::stream(Ending { body, begun, lines, between_events: true, over: false }))
}

struct Ending {
    body: Body,
    begun: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Events in JSON are lines; in other encodings servers send each as one frame.
    lines: bool,
    between_events: bool,
    over: bool,
}

impl HttpBody for Ending {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.over |= self.begun.as_mut().poll(context).is_ready();
        if self.over && self.between_events {
            return Poll::Ready(None);
        }
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.between_events = !self.lines || data.ends_with(b"\n");
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_watch_ends_after_a_whole_event() {
        let drain = Drain::new();
        let (sender, body) = Body::channel(4);
        let response = Response::builder().header(CONTENT_TYPE, "application/json").body(body);
        let mut body = end_with(response.expect("response"), &drain).into_body();
        assert!(sender.send("{\"half\":".into()).await);
        assert_eq!(body.chunk().await.expect("chunk").expect("data"), "{\"half\":");
        drain.token().cancel();
        assert!(sender.send("1}\n".into()).await);
        assert_eq!(body.chunk().await.expect("chunk").expect("data"), "1}\n");
        assert!(body.chunk().await.is_none());
    }
}
