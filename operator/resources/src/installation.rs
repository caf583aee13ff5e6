//! What everything of an installation must know of its RootShard.

use kcp_operator_api::{ExternalConfig, ObjectReference, RootShard, Text};
use kube::ResourceExt as _;
use url::Url;

use crate::names::Ca;
use crate::{IssuedBy, Refusal};

/// An installation: what its RootShard says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Name of the RootShard.
    pub name: String,
    /// Namespace of everything that belongs to it.
    pub namespace: String,
    /// DNS suffix of Services.
    pub domain: String,
    /// URL of the root shard, without a slash at its end.
    pub base_url: String,
    /// Host in that URL.
    pub base_host: String,
    /// Where clients from outside find a front-proxy.
    pub external: Address,
    /// Where pods of the installation find one.
    pub internal: Address,
    /// Where certificates come from.
    pub issuing: Issuing,
    /// Name of the Secret with further CAs of the front-proxy.
    pub ca_bundle: Option<String>,
    /// Name of the Secret with further CAs of clients.
    pub client_ca_bundle: Option<String>,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// DNS name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Address {
    /// The address as a URL.
    pub fn url(&self) -> String {
        format!("https://{}:{}", self.host, self.port)
    }

    /// The public part of an [`ExternalConfig`] at `field`.
    pub(crate) fn of(external: &ExternalConfig, field: &str) -> Result<Self, Refusal> {
        Ok(Self {
            host: host(&external.hostname, &format!("{field}.hostname"))?,
            port: port(external.port, &format!("{field}.port"))?,
        })
    }
}

/// Where the certificates of an installation come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuing {
    /// The operator makes a root and signs.
    Own,
    /// The operator signs below the CA in this Secret.
    Given(String),
    /// cert-manager signs; the root is requested from this issuer.
    CertManager(ObjectReference),
}

impl Installation {
    /// Checks what concerns the whole installation.
    ///
    /// # Errors
    /// A field that has no meaning, or two that contradict each other.
    pub fn of(root_shard: &RootShard) -> Result<Self, Refusal> {
        let spec = &root_shard.spec;
        let name = name(&root_shard.name_any(), "RootShard", "-proxy")?;
        let namespace = root_shard.namespace().unwrap_or_default();
        let domain = spec.common.cluster_domain.text().unwrap_or("cluster.local").to_owned();
        let (base_url, base_host) = match spec.common.shard_base_url.text() {
            Some(url) => base_url(url)?,
            None => {
                let host = format!("{name}-kcp.{namespace}.svc.{domain}");
                (format!("https://{host}:6443"), host)
            }
        };
        let external = Address::of(&spec.external, "external")?;
        let internal = internal(&spec.external, external.port, &name, &namespace, &domain)?;
        Ok(Self {
            issuing: issuing(root_shard)?,
            ca_bundle: spec.common.ca_bundle_secret_ref.text().map(str::to_owned),
            client_ca_bundle: spec.common.client_ca_bundle_ref.text().map(str::to_owned),
            name,
            namespace,
            domain,
            base_url,
            base_host,
            external,
            internal,
        })
    }

    /// Who signs with one of its authorities.
    pub(crate) fn issued_by(&self, ca: Ca) -> IssuedBy {
        match &self.issuing {
            Issuing::Given(secret) if ca == Ca::Root => IssuedBy::Ca(secret.clone()),
            Issuing::Own | Issuing::Given(_) => IssuedBy::Ca(ca.of(&self.name)),
            Issuing::CertManager(_) => IssuedBy::CertManager(ObjectReference {
                name: ca.of(&self.name),
                kind: Some("Issuer".to_owned()),
                group: Some("cert-manager.io".to_owned()),
            }),
        }
    }

    /// DNS name of a Service of the installation.
    pub(crate) fn service_host(&self, service: &str) -> String {
        format!("{service}.{}.svc.{}", self.namespace, self.domain)
    }
}

/// Where pods call a front-proxy. Without a private name it is the internal proxy's Service: the public
/// name may not even resolve inside, and the way through the outside may be closed.
fn internal(
    external: &ExternalConfig,
    public_port: u16,
    name: &str,
    namespace: &str,
    domain: &str,
) -> Result<Address, Refusal> {
    match external.private_hostname.text() {
        Some(hostname) => Ok(Address {
            host: host(hostname, "external.privateHostname")?,
            port: match external.private_port.filter(|port| *port != 0) {
                Some(private) => port(private, "external.privatePort")?,
                None => public_port,
            },
        }),
        None => Ok(Address { host: format!("{name}-proxy.{namespace}.svc.{domain}"), port: 6443 }),
    }
}

fn issuing(root_shard: &RootShard) -> Result<Issuing, Refusal> {
    let certificates = &root_shard.spec.certificates;
    match (&certificates.issuer_ref, certificates.ca_secret_ref.text()) {
        (Some(_), Some(_)) => Err(Refusal::conflict(
            "certificates.issuerRef and certificates.caSecretRef are both set; remove one of them",
        )),
        (Some(issuer), None) if issuer.name.is_empty() => {
            Err(Refusal::invalid("certificates.issuerRef.name is empty"))
        }
        (Some(issuer), None) => Ok(Issuing::CertManager(issuer.clone())),
        (None, Some(secret)) => Ok(Issuing::Given(secret.to_owned())),
        (None, None) => Ok(Issuing::Own),
    }
}

/// A name that Services can be derived from.
pub(crate) fn name(name: &str, kind: &str, longest_suffix: &str) -> Result<String, Refusal> {
    let room = 63 - longest_suffix.len();
    let is_label =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if name.len() > room || !is_label {
        return Err(Refusal::invalid(format!(
            "{kind} {name:?} cannot name a Service: at most {room} characters a-z, 0-9 and - are possible"
        )));
    }
    Ok(name.to_owned())
}

fn base_url(text: &str) -> Result<(String, String), Refusal> {
    let refused = || Refusal::invalid(format!("shardBaseURL {text:?} is no URL like https://host:6443"));
    let url = Url::parse(text).map_err(|_| refused())?;
    let host = url.host_str().filter(|_| url.scheme() == "https").ok_or_else(refused)?;
    Ok((text.trim_end_matches('/').to_owned(), host.trim_matches(['[', ']']).to_owned()))
}

/// A DNS name or IP address, without a port.
pub(crate) fn host(text: &str, field: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        return Err(Refusal::invalid(format!("{field} is empty")));
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<std::net::IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let is_host = text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        });
    if is_host {
        Ok(text.to_owned())
    } else {
        Err(Refusal::invalid(format!("{field} {text:?} is no DNS name")))
    }
}

/// A TCP port.
pub(crate) fn port(number: i32, field: &str) -> Result<u16, Refusal> {
    u16::try_from(number)
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| Refusal::invalid(format!("{field} {number} is no port; 1 to 65535 are")))
}
