//! Long answers made short for clients that ask for it: `Accept-Encoding: gzip`, as Kubernetes does.
//!
//! A body is shrunk while it is sent, piece by piece at the pace of its reader, so that neither a long list nor
//! its short form is ever held as a whole. Short answers are not worth it, and watches must not wait until a
//! block of the compressor is full.

use bytes::{Buf, Bytes};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::{Body as HttpBody, Frame};
use kcp_transport::{Body, BodyError};
use std::{
    io::Write,
    pin::Pin,
    task::{Context, Poll},
};

/// Answers that are not longer than this, in bytes, stay as they are.
const SHORT: u64 = 128 * 1024;
/// Bytes that are shrunk at a time: others on this thread wait so long.
const PIECE: usize = 64 * 1024;

/// Marks an answer that is made while it is sent and is long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Long;

/// Whether a client takes gzip.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|clause| {
        let mut parts = clause.split(';').map(str::trim);
        let gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        // A weight of zero means: not this one.
        gzip && !parts.any(|part| {
            part.strip_prefix("q=").is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|q| q <= 0.0))
        })
    })
}

/// Shrinks an answer if that is worth it.
pub(crate) fn compress(response: Response<Body>) -> Response<Body> {
    let long = response.extensions().get::<Long>().is_some()
        || response.body().size_hint().exact().is_some_and(|length| length > SHORT);
    let plain = !response.headers().contains_key(header::CONTENT_ENCODING);
    if !(long && plain && response.status() == StatusCode::OK) {
        return response;
    }
    let mut response = response.map(|body| {
        Body::stream(Shrinking {
            body,
            rest: Bytes::new(),
            encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())),
        })
    });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.remove(header::CONTENT_LENGTH);
    response
}

struct Shrinking {
    body: Body,
    /// What has come of the body and is not shrunk yet.
    rest: Bytes,
    /// Gone when the body has ended.
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl Shrinking {
    /// Shrinks one piece of the rest. Gives what came out of it, which may be nothing yet.
    fn piece(&mut self) -> Vec<u8> {
        let Some(encoder) = &mut self.encoder else { return Vec::new() };
        let length = self.rest.len().min(PIECE);
        // Writing to memory cannot fail.
        let _ = encoder.write_all(&self.rest[..length]);
        self.rest.advance(length);
        std::mem::take(encoder.get_mut())
    }
}

impl HttpBody for Shrinking {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if self.encoder.is_none() {
                return Poll::Ready(None);
            }
            if !self.rest.is_empty() {
                let shrunk = self.piece();
                if shrunk.is_empty() {
                    continue;
                }
                return Poll::Ready(Some(Ok(Frame::data(shrunk.into()))));
            }
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => self.rest = frame.into_data().unwrap_or_default(),
                Poll::Ready(Some(Err(error))) => {
                    self.encoder = None;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => {
                    let end = self.encoder.take().map(GzEncoder::finish);
                    return Poll::Ready(match end {
                        Some(Ok(end)) => Some(Ok(Frame::data(end.into()))),
                        Some(Err(error)) => Some(Err(BodyError::Aborted(error.to_string()))),
                        None => None,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn wanted(accept: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
        is_wanted(&headers)
    }

    #[test]
    fn gzip_is_for_those_who_name_it() {
        for accept in ["gzip", "deflate, gzip;q=0.5", "br,GZIP"] {
            assert!(wanted(accept), "{accept}");
        }
        for accept in ["", "identity", "gzip;q=0", "gzip; q=0.0", "x-gzip"] {
            assert!(!wanted(accept), "{accept}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }

    async fn unpacked(response: Response<Body>) -> String {
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        let bytes = response.into_body().collect(1 << 20).await.expect("body");
        let mut text = String::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzip");
        text
    }

    #[tokio::test]
    async fn long_answers_are_shrunk_and_short_ones_are_not() {
        let long = "a long answer ".repeat(20_000);
        assert_eq!(unpacked(compress(Response::new(long.clone().into()))).await, long);
        let short = "s".repeat(128 * 1024);
        let response = compress(Response::new(short.clone().into()));
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        assert_eq!(response.into_body().collect(1 << 20).await.expect("body"), short);
    }

    #[tokio::test]
    async fn a_stream_is_shrunk_as_it_comes() {
        let (sender, body) = Body::channel(1);
        let mut response = Response::new(body);
        response.extensions_mut().insert(Long);
        let mut shrunk = compress(response).into_body();
        // Bytes that do not shrink: the compressor cannot hold them back for ever.
        let noise: Vec<u8> = (0..PIECE).map(|at| (at * at / 7 % 251) as u8).collect();
        assert!(sender.send(noise.into()).await);
        assert!(!shrunk.chunk().await.expect("chunk").expect("data").is_empty());
        sender.abort("lost");
        while let Some(chunk) = shrunk.chunk().await {
            if let Err(error) = chunk {
                assert_eq!(error.to_string(), "lost");
                return;
            }
        }
        panic!("a broken stream looks whole");
    }

    #[tokio::test]
    async fn streams_that_are_not_marked_pass_at_once() {
        let (sender, body) = Body::channel(1);
        let mut watch = compress(Response::new(body)).into_body();
        assert!(sender.send("event\n".into()).await);
        assert_eq!(watch.chunk().await.expect("chunk").expect("data"), "event\n");
    }
}
