use crate::Error;
use kcp_pki::{Algorithm, Authority, Encoding, PrivateKey, Spec, UnixTime, Validity};
use std::time::Duration;

/// As long as upstream's: a year.
const VALID: Duration = Duration::from_secs(365 * 24 * 3600);

/// Makes a serving certificate for `localhost`, the loopback addresses, this host's name and `names`
/// (DNS names and IP addresses), with ECDSA P-256 keys.
///
/// Gives the chain (the server's certificate, then the CA made for it, whose key is kept nowhere) and
/// the server's key, both PEM. A client that trusts the chain as a bundle trusts the server.
///
/// # Errors
/// A name that no certificate can hold.
pub fn generate_self_signed(names: &[String]) -> Result<(String, String), Error> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    make(&all_names(&host, names))
        .map_err(|error| Error::Certificate { what: "self-signed".into(), reason: error.to_string() })
}

fn make(names: &[&str]) -> Result<(String, String), kcp_pki::Error> {
    let validity = Validity::starting(UnixTime::now(), VALID);
    let ca_key = PrivateKey::generate(Algorithm::default())?;
    let ca = Authority::self_signed(&Spec::authority("kcp-self-signed-ca", validity), ca_key)?;
    let key = PrivateKey::generate(Algorithm::default())?;
    let issued = ca.issue(&Spec::server(names, validity), &key.public())?;
    Ok((issued.chain.to_pem() + &issued.root.to_pem(), key.to_pem(Encoding::default())))
}

fn all_names<'a>(host: &'a str, extra: &'a [String]) -> Vec<&'a str> {
    let mut all = vec!["localhost", "127.0.0.1", "::1"];
    for name in std::iter::once(host).chain(extra.iter().map(String::as_str)) {
        if !name.is_empty() && !all.contains(&name) {
            all.push(name);
        }
    }
    all
}
