//! What a certificate says.

use crate::{Error, PublicKey};
use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject as _};
use std::{net::IpAddr, time::Duration};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    parse_x509_certificate,
    x509::X509Name,
};

/// A certificate, read. Reading says nothing about trust; see [`crate::TrustBundle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate itself.
    pub der: CertificateDer<'static>,
    /// The subject's common name: the name of a user. Empty if there is none; the last of several,
    /// as Go has it.
    pub common_name: String,
    /// The subject's organizations: the groups of a user.
    pub organizations: Vec<String>,
    /// Names that a server goes by.
    pub dns_names: Vec<String>,
    /// Addresses that a server goes by.
    pub ip_addresses: Vec<IpAddr>,
    /// From when it counts.
    pub not_before: UnixTime,
    /// The last second in which it counts.
    pub not_after: UnixTime,
    /// Whether it may issue others.
    pub is_ca: bool,
    /// Common name of the issuer.
    pub issuer_common_name: String,
    /// Big-endian.
    pub serial: Vec<u8>,
    /// The key that it is about.
    pub public_key: PublicKey,
    pub(crate) key_id: Option<Vec<u8>>,
    pub(crate) subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// The bytes are none.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let wrong = |error: &dyn ToString| Error::Certificate(error.to_string());
        let (rest, read) = parse_x509_certificate(der).map_err(|error| wrong(&error))?;
        if !rest.is_empty() {
            return Err(wrong(&"bytes after its end"));
        }
        let basic = read.basic_constraints().map_err(|error| wrong(&error))?;
        let (mut dns_names, mut ip_addresses) = (Vec::new(), Vec::new());
        for name in read
            .subject_alternative_name()
            .map_err(|error| wrong(&error))?
            .iter()
            .flat_map(|names| &names.value.general_names)
        {
            if let GeneralName::DNSName(name) = name {
                dns_names.push((*name).to_owned());
            } else if let GeneralName::IPAddress(bytes) = name {
                ip_addresses.extend(address(bytes));
            }
        }
        Ok(Self {
            der: CertificateDer::from(der.to_vec()),
            common_name: common_name(read.subject()),
            organizations: organizations(read.subject()),
            dns_names,
            ip_addresses,
            not_before: time(read.validity().not_before.timestamp()),
            not_after: time(read.validity().not_after.timestamp()),
            is_ca: basic.is_some_and(|basic| basic.value.ca),
            issuer_common_name: common_name(read.issuer()),
            serial: read.tbs_certificate.serial.to_bytes_be(),
            public_key: PublicKey::from_spki(read.public_key().raw.to_vec()),
            key_id: key_id(&read),
            subject_der: read.subject().as_raw().to_vec(),
            issuer_der: read.issuer().as_raw().to_vec(),
        })
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// There is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let der =
            CertificateDer::from_pem_slice(pem).map_err(|error| Error::Certificate(error.to_string()))?;
        Self::from_der(&der)
    }

    /// Whether it names itself as its issuer.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }

    /// Whether `now` lies in its validity.
    #[must_use]
    pub fn is_valid_at(&self, now: UnixTime) -> bool {
        self.not_before <= now && now <= self.not_after
    }
}

fn key_id(read: &X509Certificate<'_>) -> Option<Vec<u8>> {
    read.iter_extensions().find_map(|extension| {
        let ParsedExtension::SubjectKeyIdentifier(id) = extension.parsed_extension() else { return None };
        Some(id.0.to_vec())
    })
}

fn common_name(name: &X509Name<'_>) -> String {
    name.iter_common_name().last().and_then(|name| name.as_str().ok()).unwrap_or_default().to_owned()
}

fn organizations(name: &X509Name<'_>) -> Vec<String> {
    name.iter_organization().filter_map(|name| name.as_str().ok()).map(str::to_owned).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from);
    v4().or_else(v6)
}

/// Times before 1970 are 1970.
fn time(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds.try_into().unwrap_or(0)))
}
