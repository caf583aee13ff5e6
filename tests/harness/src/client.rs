use crate::{Ca, Kcp};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use kcp_transport::{Body, Client, ClientLimits, ClientTls, KeyPairSource, Roots, Source};
use std::{path::Path, sync::Arc};

/// A client that speaks HTTP itself, for what kubectl would never say.
#[derive(Clone)]
pub struct Http {
    client: Arc<Client>,
    url: String,
    headers: Vec<(String, String)>,
    http1: bool,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// All headers but the date.
    pub headers: HeaderMap,
    /// All bytes.
    pub body: Bytes,
}

impl Http {
    /// A client of the server at `url` that believes the certificates of a file.
    ///
    /// # Panics
    /// The file cannot be used.
    #[must_use]
    pub fn new(url: &str, bundle: &Path, identity: Option<KeyPairSource>) -> Self {
        let roots = Roots::Bundle(Source::File(bundle.to_owned()));
        let tls = ClientTls { roots, identity, server_name: None };
        let client = Client::new(tls, ClientLimits::default()).expect("a client");
        Self { client, url: url.to_owned(), headers: Vec::new(), http1: false }
    }

    /// The same with one more header on every request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same as whoever has this token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// The same over HTTP/1.1, a connection for each request.
    #[must_use]
    pub fn http1(mut self) -> Self {
        self.http1 = true;
        self
    }

    /// Sends a request without a body.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Body::empty()).await
    }

    /// Whether there is an answer, and a good one.
    pub async fn answers(&self, path: &str) -> bool {
        let request = Request::get(format!("{}{path}", self.url)).body(Body::empty()).expect("a request");
        self.client.send(request).await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// There is no answer.
    pub async fn send(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        let (head, body) = self.open(method, path, body).await.into_parts();
        let mut headers = head.headers;
        headers.remove(http::header::DATE);
        Answer { status: head.status, headers, body: body.collect(1 << 30).await.expect("a whole body") }
    }

    /// The same for a server that may not be there.
    pub async fn attempt(&self, method: Method, path: &str, body: impl Into<Body>) -> Option<Answer> {
        let answer = self.client.send(self.request(method, path, body)).await.ok()?;
        let (head, body) = answer.into_parts();
        Some(Answer { status: head.status, headers: head.headers, body: body.collect(1 << 30).await.ok()? })
    }

    /// Sends a request and gives the answer as soon as its head is there.
    ///
    /// # Panics
    /// There is no answer.
    pub async fn open(&self, method: Method, path: &str, body: impl Into<Body>) -> http::Response<Body> {
        let request = self.request(method, path, body);
        if self.http1 {
            self.client.send_upgrade(request).await.expect("an answer")
        } else {
            self.client.send(request).await.expect("an answer")
        }
    }
}

impl Http {
    fn request(&self, method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(body.into()).expect("a request")
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// Code, reason and message of a `Status`, for people.
    #[must_use]
    pub fn told(&self) -> String {
        let status = self.json();
        let text = |name: &str| status[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {}", self.status.as_u16(), text("reason"), text("message"))
    }
}

impl Kcp {
    /// A client that is nobody yet.
    #[must_use]
    pub fn http(&self) -> Http {
        Http::new(&self.url(), &self.root().join("apiserver.crt"), None)
    }

    /// A client with a certificate.
    #[must_use]
    pub fn http_as(&self, ca: &Ca, user: &str, groups: &[&str]) -> Http {
        Http::new(&self.url(), &self.root().join("apiserver.crt"), Some(ca.client(user, groups)))
    }
}
