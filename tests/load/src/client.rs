//! A client of one server, as a kubeconfig describes it.

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{Method, Request, header};
use kcp_transport::{Body, ClientLimits, ClientTls, KeyPairSource, Roots, Source};
use serde_json::Value;
use std::{path::Path, sync::Arc};

/// Requests to one server with one identity.
#[derive(Clone)]
pub(crate) struct Client {
    inner: Arc<kcp_transport::Client>,
    server: String,
    token: Option<String>,
}

impl Client {
    /// The cluster and user of a context.
    pub(crate) fn from_kubeconfig(path: &Path, context: Option<&str>) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let config: Value = serde_saphyr::from_str(&text)?;
        let named = |list: &str, name: &str, member: &str| -> Value {
            let entries = config[list].as_array().cloned().unwrap_or_default();
            entries
                .into_iter()
                .find(|entry| entry["name"] == name)
                .map(|entry| entry[member].clone())
                .unwrap_or_default()
        };
        let context = context.or(config["current-context"].as_str()).unwrap_or_default();
        let context = named("contexts", context, "context");
        let cluster = named("clusters", context["cluster"].as_str().unwrap_or_default(), "cluster");
        let user = named("users", context["user"].as_str().unwrap_or_default(), "user");
        let source = |value: &Value, name: &str| -> anyhow::Result<Option<Source>> {
            if let Some(data) = value[format!("{name}-data")].as_str() {
                return Ok(Some(Source::Inline(BASE64_STANDARD.decode(data)?)));
            }
            Ok(value[name].as_str().map(|file| Source::File(file.into())))
        };
        let roots = match source(&cluster, "certificate-authority")? {
            Some(bundle) => Roots::Bundle(bundle),
            None if cluster["insecure-skip-tls-verify"] == true => Roots::Unverified,
            None => Roots::System,
        };
        let identity = match (source(&user, "client-certificate")?, source(&user, "client-key")?) {
            (Some(certificate), Some(key)) => Some(KeyPairSource { certificate, key }),
            _ => None,
        };
        let server =
            cluster["server"].as_str().context("the context has no server")?.trim_end_matches('/').to_owned();
        let tls = ClientTls { roots, identity, server_name: None };
        let inner = kcp_transport::Client::new(tls, ClientLimits::default())?;
        Ok(Self { inner, server, token: user["token"].as_str().map(str::to_owned) })
    }

    /// Sends a request and reads the whole answer: its code, and its body.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> anyhow::Result<(u16, Bytes)> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.server));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if !kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let request = request.header(header::ACCEPT, "application/json").body(Body::from(body))?;
        let response = self.inner.send(request).await?;
        let code = response.status().as_u16();
        let body = response.into_body().collect(256 << 20).await?;
        Ok((code, body))
    }

    /// [`Client::send`], with anything but success as an error.
    pub(crate) async fn expect(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> anyhow::Result<Bytes> {
        let (code, body) = self.send(method, path, kind, body).await?;
        if !(200..300).contains(&code) {
            bail!("{path}: {code}: {}", String::from_utf8_lossy(&body[..body.len().min(500)]));
        }
        Ok(body)
    }
}
