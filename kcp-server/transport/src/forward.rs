use crate::{Body, Client, ClientError, Peer};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri,
    header::{
        CONNECTION, CONTENT_TYPE, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Passes a request on to `uri` and its response back.
///
/// Bodies stream in both directions, frame by frame, each at the pace of its reader. Headers that concern
/// one hop are removed, the peer's address is added to `X-Forwarded-For`. A request for another protocol
/// is sent on alone; if the server agrees, the two connections are joined byte for byte until either ends
/// or the drain is over. All other headers pass as they are: whoever stamps an identity does it before.
///
/// A server that gives no response makes one: 502, 503 (too many connections) or 504 (no answer in time).
pub async fn forward(
    client: &Client,
    peer: &Peer,
    mut request: Request<Body>,
    uri: Uri,
    stamp: impl FnOnce(&mut HeaderMap),
) -> Response<Body> {
    *request.uri_mut() = uri;
    let protocol = upgrade_of(request.headers());
    strip_hop_by_hop(request.headers_mut());
    append_forwarded_for(request.headers_mut(), peer);
    stamp(request.headers_mut());
    let answer = match protocol {
        None => client.send(request).await,
        Some(protocol) => upgrade(client, peer, request, protocol).await,
    };
    match answer {
        Ok(mut response) => {
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                strip_hop_by_hop(response.headers_mut());
            }
            response
        }
        Err(error) => refuse(&error),
    }
}

/// Removes the headers that concern a single hop, and those that `Connection` names.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    // gRPC and trailers need this one to pass.
    let trailers = headers.get(TE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"trailers"));
    for name in named {
        headers.remove(name);
    }
    for name in [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE]
    {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

async fn upgrade(
    client: &Client,
    peer: &Peer,
    mut request: Request<Body>,
    protocol: HeaderValue,
) -> Result<Response<Body>, ClientError> {
    let ours: OnUpgrade = hyper::upgrade::on(&mut request);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    request.headers_mut().insert(UPGRADE, protocol);
    let mut response = client.send_upgrade(request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let theirs = hyper::upgrade::on(&mut response);
        peer.drain.spawn(async move {
            match tokio::try_join!(ours, theirs) {
                Ok((ours, theirs)) => tunnel(ours, theirs).await,
                Err(error) => tracing::debug!(%error, "upgrade failed"),
            }
        });
        // What comes after the head belongs to the tunnel.
        return Ok(response.map(|_| Body::empty()));
    }
    Ok(response)
}

async fn tunnel(ours: Upgraded, theirs: Upgraded) {
    if let Err(error) = copy_bidirectional(&mut TokioIo::new(ours), &mut TokioIo::new(theirs)).await {
        tracing::debug!(%error, "tunnel broke");
    }
}

/// The protocol that is asked for, if `Connection` says that it is.
fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case("upgrade"));
    if asked { headers.get(UPGRADE).cloned() } else { None }
}

fn append_forwarded_for(headers: &mut HeaderMap, peer: &Peer) {
    let mut hops: Vec<String> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok().map(ToOwned::to_owned))
        .collect();
    hops.push(peer.address.ip().to_canonical().to_string());
    if let Ok(value) = HeaderValue::from_str(&hops.join(", ")) {
        headers.insert(FORWARDED_FOR, value);
    }
}

fn refuse(error: &ClientError) -> Response<Body> {
    let (status, text) = match error {
        ClientError::NoServer(_) | ClientError::Unreachable { .. } | ClientError::Broken { .. } => {
            (StatusCode::BAD_GATEWAY, "bad gateway: the server behind does not answer\n")
        }
        ClientError::Busy(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "service unavailable: too many requests to the server behind\n")
        }
        ClientError::Timeout(_) => {
            (StatusCode::GATEWAY_TIMEOUT, "gateway timeout: the server behind does not answer in time\n")
        }
    };
    tracing::warn!(%error, "request not forwarded");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &[(&'static str, &'static str)], left: &[&str]) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_static(value));
        }
        strip_hop_by_hop(&mut headers);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, left);
    }

    #[test]
    fn headers_of_one_hop_are_removed() {
        check(
            &[("connection", "close, X-Private"), ("x-private", "1"), ("keep-alive", "5"), ("accept", "*/*")],
            &["accept"],
        );
        check(&[("te", "trailers"), ("trailer", "x"), ("transfer-encoding", "chunked")], &["te"]);
        check(&[("te", "gzip"), ("upgrade", "spdy/3.1"), ("proxy-connection", "x")], &[]);
    }
}
