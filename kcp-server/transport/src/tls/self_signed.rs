use crate::Error;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use std::time::{Duration, SystemTime};

/// As long as upstream's: a year, and an hour back for clocks that differ.
const VALID: Duration = Duration::from_secs(365 * 24 * 3600);
const BACKDATED: Duration = Duration::from_secs(3600);

/// Makes a serving certificate for `localhost`, the loopback addresses, this host's name and `names`.
///
/// Gives the chain (the server's certificate, then the CA made for it, which is kept nowhere else) and
/// the server's key, both PEM. A client that trusts the chain as a bundle trusts the server.
///
/// # Errors
/// A name that no certificate can hold.
pub fn generate_self_signed(names: &[String]) -> Result<(String, String), Error> {
    let wrong = |error: rcgen::Error| Error::Certificate {
        what: "self-signed serving certificate".into(),
        reason: error.to_string(),
    };
    let ca_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(wrong)?;
    let ca = CertifiedIssuer::self_signed(ca_params(), ca_key).map_err(wrong)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(wrong)?;
    let leaf = leaf_params(names).and_then(|params| params.signed_by(&key, &ca)).map_err(wrong)?;
    Ok((format!("{}{}", leaf.pem(), ca.pem()), key.serialize_pem()))
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    valid_from_now(&mut params);
    params.distinguished_name.push(DnType::CommonName, "kcp-self-signed-ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

fn leaf_params(names: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let mut all: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for name in std::iter::once(&host).chain(names) {
        if !name.is_empty() && !all.contains(name) {
            all.push(name.clone());
        }
    }
    let mut params = CertificateParams::new(all)?;
    valid_from_now(&mut params);
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn valid_from_now(params: &mut CertificateParams) {
    let epoch = date_time_ymd(1970, 1, 1);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    params.not_before = epoch + now.saturating_sub(BACKDATED);
    params.not_after = epoch + now + VALID;
}
