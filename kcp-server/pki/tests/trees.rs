//! Trees of certificates: what is issued is what was asked for, and who is believed.

use kcp_pki::{
    Algorithm, Authority, Certificate, CertificateDer, Encoding, Error, Issued, Kind, Parts, PemBundle,
    PrivateKey, PublicKey, Spec, TrustBundle, UnixTime, Usage, Validity, VerifyError,
};
use std::{net::IpAddr, time::Duration};

const DAY: u64 = 24 * 60 * 60;

fn at(day: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(day * DAY))
}

/// From day 10 for some days.
fn days(count: u64) -> Validity {
    Validity::starting(at(10), Duration::from_secs(count * DAY))
}

fn key() -> PrivateKey {
    PrivateKey::generate(Algorithm::EcdsaP256).expect("randomness")
}

fn root(name: &str, valid: u64) -> Authority {
    Authority::self_signed(&Spec::authority(name, days(valid)), key()).expect("a root")
}

fn trusting(issued: &Issued) -> TrustBundle {
    TrustBundle::read(issued.root.to_pem().as_bytes()).expect("a bundle")
}

fn alice(authority: &Authority) -> Issued {
    let spec = Spec::client("alice", &["team", "staff"], days(30));
    authority.issue(&spec, &key().public()).expect("a certificate")
}

fn check(
    trusted: &TrustBundle,
    chain: &[CertificateDer<'static>],
    day: u64,
    wanted: Result<&str, VerifyError>,
) {
    let found = trusted.verify_client(chain, at(day)).map(|certificate| certificate.common_name);
    assert_eq!(found.as_deref(), wanted.as_ref().map(|name| &**name));
}

#[test]
fn a_client_certificate_says_who_it_is() {
    let root = root("clients", 100);
    let read = Certificate::from_pem(alice(&root).chain.to_pem().as_bytes()).expect("a certificate");
    assert_eq!(
        (read.common_name.as_str(), &read.organizations[..]),
        ("alice", &["team".to_owned(), "staff".to_owned()][..])
    );
    assert_eq!(read.issuer_common_name, "clients");
    assert_eq!(read.not_before.as_secs(), 10 * DAY - Validity::BACKDATED.as_secs());
    assert_eq!(read.not_after, at(40));
    assert!(!read.is_ca && !read.is_self_issued() && read.dns_names.is_empty());
    assert!((1..=16).contains(&read.serial.len()));
}

#[test]
fn a_server_certificate_says_where_it_is() {
    let spec = Spec::server(&["kcp.example", "*.kcp.example", "10.0.0.1", "::1"], days(1));
    let issued = root("servers", 100).issue(&spec, &key().public()).expect("a certificate");
    let read = Certificate::from_der(&issued.chain.certificates()[0]).expect("a certificate");
    assert_eq!(read.dns_names, ["kcp.example", "*.kcp.example"]);
    assert_eq!(
        read.ip_addresses,
        ["10.0.0.1", "::1"].map(|text| text.parse::<IpAddr>().expect("an address"))
    );
    assert_eq!(read.common_name, "");
}

#[test]
fn clients_of_a_trusted_authority_are_believed_while_they_are_valid() {
    let root = root("clients", 100);
    let trusted = trusting(&root.to_issued());
    let chain = alice(&root).chain;
    check(&trusted, chain.certificates(), 11, Ok("alice"));
    check(&trusted, chain.certificates(), 9, Err(VerifyError::Expired));
    check(&trusted, chain.certificates(), 41, Err(VerifyError::Expired));
    check(&trusted, &[], 11, Err(VerifyError::Missing));
}

#[test]
fn an_authority_that_expired_vouches_for_nobody() {
    let root = root("clients", 5);
    check(
        &trusting(&root.to_issued()),
        alice(&root).chain.certificates(),
        20,
        Err(VerifyError::UnknownIssuer),
    );
}

#[test]
fn foreign_authorities_are_not_believed_even_under_the_same_name() {
    let trusted = trusting(&root("clients", 100).to_issued());
    check(&trusted, alice(&root("clients", 100)).chain.certificates(), 11, Err(VerifyError::UnknownIssuer));
    check(&trusted, alice(&root("others", 100)).chain.certificates(), 11, Err(VerifyError::UnknownIssuer));
}

#[test]
fn what_is_in_the_bundle_is_trusted_root_or_not() {
    let top = root("top", 100);
    let middle = top.issue_authority(&Spec::authority("middle", days(90)), key()).expect("an authority");
    let chain = alice(&middle).chain;
    assert_eq!(chain.certificates().len(), 2, "the root is left out");
    let only_middle = TrustBundle::read(middle.to_issued().chain.to_pem().as_bytes()).expect("a bundle");
    check(&only_middle, &chain.certificates()[..1], 11, Ok("alice"));
    check(&trusting(&top.to_issued()), chain.certificates(), 11, Ok("alice"));
    check(&trusting(&top.to_issued()), &chain.certificates()[..1], 11, Err(VerifyError::UnknownIssuer));
    assert_eq!(alice(&middle).root, top.to_issued().root);
}

#[test]
fn servers_and_ordinary_certificates_cannot_be_clients_or_authorities() {
    let root = root("all", 100);
    let trusted = trusting(&root.to_issued());
    let server = root.issue(&Spec::server(&["x"], days(30)), &key().public()).expect("a certificate");
    assert!(matches!(
        trusted.verify_client(server.chain.certificates(), at(11)),
        Err(VerifyError::Unsuitable(_))
    ));
    // alice's certificate used as if it were an authority's.
    let leaf_key = key();
    let leaf = root.issue(&Spec::client("alice", &[], days(30)), &leaf_key.public()).expect("a certificate");
    let pem = leaf_key.to_pem(Encoding::Pkcs8);
    let refused =
        Authority::from_pem(leaf.chain.to_pem().as_bytes(), pem.as_bytes(), None).expect_err("no authority");
    assert_eq!(refused, Error::NotAnAuthority("alice".to_owned()));
}

#[test]
fn a_certificate_without_usages_may_be_a_client() {
    let root = root("clients", 100);
    let spec = Spec { usages: vec![Usage::DigitalSignature], ..Spec::client("old", &[], days(30)) };
    let issued = root.issue(&spec, &key().public()).expect("a certificate");
    check(&trusting(&root.to_issued()), issued.chain.certificates(), 11, Ok("old"));
}

#[test]
fn certificates_of_others_work_with_serial_one_and_without_names_of_servers() {
    let ca_key = rcgen::KeyPair::generate().expect("randomness");
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.serial_number = Some(1.into());
    let ca_certificate = ca.self_signed(&ca_key).expect("a certificate");
    let mut client = rcgen::CertificateParams::default();
    client.serial_number = Some(1.into());
    client.distinguished_name = rcgen::DistinguishedName::new();
    client.distinguished_name.push(rcgen::DnType::CommonName, "bob");
    let client_key = rcgen::KeyPair::generate().expect("randomness");
    let issued = client.signed_by(&client_key, &rcgen::Issuer::new(ca, ca_key)).expect("a certificate");
    let trusted = TrustBundle::read(ca_certificate.pem().as_bytes()).expect("a bundle");
    check(&trusted, &[issued.der().clone()], 3000, Ok("bob"));
}

#[test]
fn every_kind_of_key_signs_for_every_other() {
    for algorithm in [Algorithm::EcdsaP384, Algorithm::Rsa2048, Algorithm::Ed25519] {
        let signer = PrivateKey::generate(algorithm).expect("randomness");
        let root = Authority::self_signed(&Spec::authority("r", days(100)), signer).expect("a root");
        for algorithm in [Algorithm::EcdsaP256, Algorithm::Rsa2048, Algorithm::Ed25519] {
            let key = PrivateKey::generate(algorithm).expect("randomness");
            let spec = Spec::client("alice", &[], days(30));
            let issued = root.issue(&spec, &key.public()).expect("a certificate");
            check(&trusting(&issued), issued.chain.certificates(), 11, Ok("alice"));
        }
    }
}

#[test]
fn an_authority_comes_back_from_its_files() {
    let top = root("top", 100);
    let made = top.issue_authority(&Spec::authority("middle", days(90)), key()).expect("an authority");
    let files = made.to_issued();
    for encoding in [Encoding::Pkcs8, Encoding::Traditional] {
        let key = made.key().to_pem(encoding);
        let root = files.root.to_pem();
        let back =
            Authority::from_pem(files.chain.to_pem().as_bytes(), key.as_bytes(), Some(root.as_bytes()))
                .expect("files");
        assert_eq!(back.to_issued(), files);
        check(&trusting(&top.to_issued()), alice(&back).chain.certificates(), 11, Ok("alice"));
    }
    let other = key().to_pem(Encoding::Pkcs8);
    let refused = Authority::from_pem(files.chain.to_pem().as_bytes(), other.as_bytes(), None)
        .expect_err("another key");
    assert_eq!(refused, Error::Mismatch("middle".to_owned()));
}

#[test]
fn a_bundle_holds_each_certificate_once() {
    let (a, b) = (root("a", 1).to_issued().root.to_pem(), root("b", 1).to_issued().root.to_pem());
    let mut bundle = PemBundle::read(format!("{a}\nsome words\n{b}{a}").as_bytes()).expect("PEM");
    bundle.add_pem(b.as_bytes()).expect("PEM");
    assert_eq!(bundle.to_pem(), format!("{a}{b}"));
}

#[test]
fn bundles_that_hold_nothing_are_refused() {
    for bad in [
        "",
        "words",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!",
    ] {
        assert!(TrustBundle::read(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn public_keys_come_from_keys_and_certificates() {
    let key = PrivateKey::generate(Algorithm::Rsa2048).expect("randomness");
    let root = Authority::self_signed(
        &Spec::authority("r", days(1)),
        PrivateKey::generate(Algorithm::EcdsaP384).expect("randomness"),
    )
    .expect("a root");
    let pem = [
        key.public().to_pem(),
        key.to_pem(Encoding::Traditional),
        key.to_pem(Encoding::Pkcs8),
        root.to_issued().chain.to_pem(),
    ];
    let found = PublicKey::read_all(pem.concat().as_bytes()).expect("four keys");
    assert_eq!(found, [key.public(), key.public(), key.public(), root.key().public()]);
    let Some(Parts::Rsa { modulus, exponent }) = found[0].parts() else { panic!("an RSA key") };
    assert_eq!((modulus.len(), &exponent[..]), (256, &[1, 0, 1][..]));
    let Some(Parts::Ec { curve, x, y }) = found[3].parts() else { panic!("an EC key") };
    assert_eq!((curve, x.len(), y.len()), (Kind::EcdsaP384, 48, 48));
    assert!(PublicKey::read_all(b"nothing").is_err());
}

#[test]
fn what_cannot_be_written_is_refused() {
    let root = root("r", 1);
    let refused = |spec: &Spec| root.issue(spec, &key().public()).expect_err("refused").to_string();
    assert!(refused(&Spec::server(&["kcp.exämple"], days(1))).contains("cannot be a DNS name"));
    let forever = Validity::starting(at(10), Duration::MAX);
    assert_eq!(
        refused(&Spec::client("a", &[], forever)),
        "cannot issue a certificate: certificates end with the year 9999"
    );
}
