//! Making certificates.
//!
//! rcgen writes them, except for the two names: it knows no subject of several organizations, and
//! would write the issuer's name anew where it has to be the same bytes. So both are put in after
//! it, and the result is signed once.

use crate::{
    Certificate, Error, PemBundle, PrivateKey, PublicKey, Spec, Usage,
    der::{BIT_STRING, OID, SEQUENCE, SET, UTF8_STRING, element, inside, oid},
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm, SigningKey,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use std::time::Duration;

/// A certificate authority: a certificate that may issue others, and its key.
#[derive(Debug)]
pub struct Authority {
    /// Its own certificate first, then those above it, without the root.
    chain: Vec<CertificateDer<'static>>,
    /// The certificate at the top.
    root: CertificateDer<'static>,
    certificate: Certificate,
    key: PrivateKey,
}

/// A new certificate and what clients need beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// `tls.crt`: the certificate, then the intermediates, without the root.
    pub chain: PemBundle,
    /// `ca.crt`: the certificate at the top.
    pub root: PemBundle,
}

impl Authority {
    /// A root that vouches for itself.
    ///
    /// # Errors
    /// The certificate cannot be made as asked.
    pub fn self_signed(spec: &Spec, key: PrivateKey) -> Result<Self, Error> {
        let der = sign(spec, true, &key.public(), None, &key)?;
        Self::assemble(vec![der.clone()], der, key)
    }

    /// An authority from PEM: its certificate, perhaps followed by those above it, its key, and the
    /// root if that is another one (`tls.crt`, `tls.key`, `ca.crt`).
    ///
    /// # Errors
    /// They cannot be read, do not belong together, or are no authority's.
    pub fn from_pem(certificates: &[u8], key: &[u8], root: Option<&[u8]>) -> Result<Self, Error> {
        let chain = PemBundle::read(certificates)?.certificates().to_vec();
        let last =
            chain.last().cloned().ok_or_else(|| Error::Certificate("the text holds none".to_owned()))?;
        let root = match root.map(PemBundle::read).transpose()? {
            Some(bundle) => bundle.certificates().last().cloned().unwrap_or(last),
            None => last,
        };
        let authority = Self::assemble(chain, root, PrivateKey::from_pem(key)?)?;
        if !authority.key.matches(&authority.certificate) {
            return Err(Error::Mismatch(authority.certificate.common_name));
        }
        Ok(authority)
    }

    fn assemble(
        mut chain: Vec<CertificateDer<'static>>,
        root: CertificateDer<'static>,
        key: PrivateKey,
    ) -> Result<Self, Error> {
        let own = chain.first().ok_or_else(|| Error::Certificate("the text holds none".to_owned()))?;
        let certificate = Certificate::from_der(own)?;
        if !certificate.is_ca {
            return Err(Error::NotAnAuthority(certificate.common_name));
        }
        let is_root = |der: &CertificateDer<'_>| {
            Certificate::from_der(der).is_ok_and(|certificate| certificate.is_self_issued())
        };
        chain.retain(|der| !is_root(der));
        Ok(Self { chain, root, certificate, key })
    }

    /// Issues a certificate for a key.
    ///
    /// # Errors
    /// The certificate cannot be made as asked.
    pub fn issue(&self, spec: &Spec, key: &PublicKey) -> Result<Issued, Error> {
        let der = sign(spec, false, key, Some(&self.certificate), &self.key)?;
        Ok(self.issued(der))
    }

    /// Issues the certificate of another authority.
    ///
    /// # Errors
    /// The certificate cannot be made as asked.
    pub fn issue_authority(&self, spec: &Spec, key: PrivateKey) -> Result<Self, Error> {
        let der = sign(spec, true, &key.public(), Some(&self.certificate), &self.key)?;
        let chain = self.issued(der).chain.certificates().to_vec();
        Self::assemble(chain, self.root.clone(), key)
    }

    fn issued(&self, der: CertificateDer<'static>) -> Issued {
        let (mut chain, mut root) = (PemBundle::default(), PemBundle::default());
        chain.add(der);
        self.chain.iter().cloned().for_each(|der| chain.add(der));
        root.add(self.root.clone());
        Issued { chain, root }
    }

    /// What the authority is stored as: its `tls.crt` and `ca.crt`.
    #[must_use]
    pub fn to_issued(&self) -> Issued {
        let (mut chain, mut root) = (PemBundle::default(), PemBundle::default());
        chain.add(self.certificate.der.clone());
        self.chain.iter().cloned().for_each(|der| chain.add(der));
        root.add(self.root.clone());
        Issued { chain, root }
    }

    /// Its own certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }
}

/// The subject: organizations first, as Go writes them.
fn subject(spec: &Spec) -> Vec<u8> {
    let attribute = |id: &[u8], value: &str| {
        let pair = [element(OID, &[id]), element(UTF8_STRING, &[value.as_bytes()])].concat();
        element(SET, &[&element(SEQUENCE, &[&pair])])
    };
    let mut names: Vec<u8> =
        spec.organizations.iter().flat_map(|name| attribute(oid::ORGANIZATION, name)).collect();
    if !spec.common_name.is_empty() {
        names.extend(attribute(oid::COMMON_NAME, &spec.common_name));
    }
    element(SEQUENCE, &[&names])
}

/// `issuer` is `None` for a certificate that vouches for itself.
fn sign(
    spec: &Spec,
    is_ca: bool,
    key: &PublicKey,
    issuer: Option<&Certificate>,
    signer: &PrivateKey,
) -> Result<CertificateDer<'static>, Error> {
    let failed = |error: rcgen::Error| Error::Issue(error.to_string());
    let params = params(spec, is_ca, issuer)?;
    let key = rcgen::SubjectPublicKeyInfo::from_der(key.spki_der()).map_err(failed)?;
    // OpenSSL compares the issuer's key id with the one in the issuer's own certificate.
    let mut of_issuer = CertificateParams::default();
    if let Some(id) = issuer.and_then(|issuer| issuer.key_id.clone()) {
        of_issuer.key_identifier_method = KeyIdMethod::PreSpecified(id);
    }
    let unsigned = params.signed_by(&key, &Issuer::new(of_issuer, Unsigned(signer))).map_err(failed)?;
    let subject = subject(spec);
    let issuer = issuer.map_or(&subject, |issuer| &issuer.subject_der);
    let named = rename(unsigned.der(), issuer, &subject)
        .ok_or_else(|| Error::Issue("the certificate was not written as expected".to_owned()))?;
    let signature = signer.pair.sign(&named.to_be_signed).map_err(failed)?;
    let signature = element(BIT_STRING, &[&[0], &signature]);
    Ok(element(SEQUENCE, &[&named.to_be_signed, &named.algorithm, &signature]).into())
}

/// The key's algorithm without its signature, which would be one of the wrong names.
struct Unsigned<'a>(&'a PrivateKey);

impl PublicKeyData for Unsigned<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.pair.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.pair.algorithm()
    }
}

impl SigningKey for Unsigned<'_> {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

struct Named {
    to_be_signed: Vec<u8>,
    algorithm: Vec<u8>,
}

/// Version, serial number, algorithm, issuer, validity, subject, and the rest as it is.
fn rename(unsigned: &[u8], issuer: &[u8], subject: &[u8]) -> Option<Named> {
    let [to_be_signed, algorithm, _signature] = inside(unsigned, SEQUENCE)?[..] else { return None };
    let mut parts: Vec<&[u8]> = inside(to_be_signed.whole, SEQUENCE)?.iter().map(|part| part.whole).collect();
    *parts.get_mut(3)? = issuer;
    *parts.get_mut(5)? = subject;
    Some(Named { to_be_signed: element(SEQUENCE, &parts), algorithm: algorithm.whole.to_vec() })
}

fn params(spec: &Spec, is_ca: bool, issuer: Option<&Certificate>) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(serial());
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + seconds(spec.validity.not_before)?;
    params.not_after = epoch + seconds(spec.validity.not_after)?;
    params.is_ca = if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    params.use_authority_key_identifier_extension = issuer.is_some_and(|issuer| issuer.key_id.is_some());
    for name in &spec.dns_names {
        let name = name
            .as_str()
            .try_into()
            .map_err(|error: rcgen::Error| Error::Issue(format!("{name:?} cannot be a DNS name: {error}")))?;
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    params.subject_alt_names.extend(spec.ip_addresses.iter().map(|&address| SanType::IpAddress(address)));
    if is_ca {
        params.key_usages.extend([
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ]);
    }
    for usage in &spec.usages {
        match usage {
            Usage::ServerAuth => params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth),
            Usage::ClientAuth => params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth),
            Usage::DigitalSignature => params.key_usages.push(KeyUsagePurpose::DigitalSignature),
            Usage::KeyEncipherment => params.key_usages.push(KeyUsagePurpose::KeyEncipherment),
        }
    }
    Ok(params)
}

/// 127 random bits, never zero.
fn serial() -> SerialNumber {
    let number = rand::random::<u128>() >> 1 | 1;
    SerialNumber::from_slice(&number.to_be_bytes())
}

/// Seconds since 1970, until the end of the year 9999: certificates know no later time.
fn seconds(time: UnixTime) -> Result<Duration, Error> {
    const LATEST: u64 = 253_402_300_799;
    let seconds = time.as_secs();
    if seconds > LATEST {
        return Err(Error::Issue("certificates end with the year 9999".to_owned()));
    }
    Ok(Duration::from_secs(seconds))
}
