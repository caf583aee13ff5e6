//! What a certificate shall say.

use rustls_pki_types::UnixTime;
use std::{net::IpAddr, time::Duration};

/// The span in which a certificate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: UnixTime,
    /// The last second.
    pub not_after: UnixTime,
}

impl Validity {
    /// How long before its making a certificate begins to count: clocks differ.
    pub const BACKDATED: Duration = Duration::from_secs(5 * 60);

    /// From a few minutes before `now` until `duration` after it.
    #[must_use]
    pub fn starting(now: UnixTime, duration: Duration) -> Self {
        let now = Duration::from_secs(now.as_secs());
        Self {
            not_before: UnixTime::since_unix_epoch(now.saturating_sub(Self::BACKDATED)),
            not_after: UnixTime::since_unix_epoch(now.saturating_add(duration)),
        }
    }
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// TLS servers.
    ServerAuth,
    /// TLS clients.
    ClientAuth,
    /// Signing handshakes and tokens.
    DigitalSignature,
    /// RSA key transport of old TLS.
    KeyEncipherment,
}

/// What a certificate shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Name of a user or an authority; none if empty.
    pub common_name: String,
    /// Groups of a user.
    pub organizations: Vec<String>,
    /// Names of a server.
    pub dns_names: Vec<String>,
    /// Addresses of a server.
    pub ip_addresses: Vec<IpAddr>,
    /// What it may be used for; an authority's may always sign certificates.
    pub usages: Vec<Usage>,
    /// When it counts.
    pub validity: Validity,
}

impl Spec {
    /// A certificate authority.
    #[must_use]
    pub fn authority(common_name: &str, validity: Validity) -> Self {
        Self {
            common_name: common_name.to_owned(),
            organizations: Vec::new(),
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            usages: Vec::new(),
            validity,
        }
    }

    /// A client: a user and its groups.
    #[must_use]
    pub fn client(user: &str, groups: &[&str], validity: Validity) -> Self {
        Self {
            organizations: groups.iter().map(|&group| group.to_owned()).collect(),
            usages: vec![Usage::ClientAuth],
            ..Self::authority(user, validity)
        }
    }

    /// A server and the hosts it goes by, names and addresses mixed.
    #[must_use]
    pub fn server(hosts: &[&str], validity: Validity) -> Self {
        let usages = vec![Usage::ServerAuth, Usage::KeyEncipherment, Usage::DigitalSignature];
        let mut spec = Self { usages, ..Self::authority("", validity) };
        for host in hosts {
            match host.parse() {
                Ok(address) => spec.ip_addresses.push(address),
                Err(_) => spec.dns_names.push((*host).to_owned()),
            }
        }
        spec
    }
}
