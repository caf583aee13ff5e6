//! Which credential wins, and what does not count.

mod world;

use http::HeaderValue;
use kcp_authn::{
    AdminTokens, Authenticator, ClientCertificates, Config, HeaderNames, RequestHeader, TokenFile,
    Unrepresentable,
};
use kcp_authz::User;
use kcp_pki::{Authority, CertificateDer};
use world::{at, authenticate, authority, certificate, headers, now, show, trust};

fn check_with(
    authenticator: &Authenticator,
    certificates: &[CertificateDer<'static>],
    given: &[(&str, &str)],
    wanted: &str,
) {
    assert_eq!(authenticate(authenticator, certificates, given), wanted, "{given:?}");
}

struct Authorities {
    clients: Authority,
    proxies: Authority,
}

fn authorities() -> Authorities {
    Authorities { clients: authority("clients"), proxies: authority("proxies") }
}

/// Certificates of `clients`, proxies of `proxies` called `proxy`, and a token file.
fn authenticator(authorities: &Authorities) -> Authenticator {
    let names = vec!["proxy".to_owned()];
    Authenticator::new(Config {
        admin_tokens: Some(AdminTokens::new().kcp_admin("admin-token")),
        request_header: Some(RequestHeader::new(trust(&authorities.proxies), names, HeaderNames::default())),
        client_certificates: Some(ClientCertificates::new(trust(&authorities.clients))),
        token_file: Some(TokenFile::read("token-1,alice,7,team\n").expect("a file")),
        service_accounts: None,
        anonymous: true,
        api_audiences: vec!["https://kcp.default.svc".to_owned()],
    })
}

const ANONYMOUS: &str = "system:anonymous [system:unauthenticated]";
const ALICE: &str = "alice 7[team,system:authenticated]";
const BOB: &str = "bob [dev,ops,system:authenticated]";

#[test]
fn each_credential_names_its_user() {
    let authorities = authorities();
    let authenticator = authenticator(&authorities);
    let bob = certificate(&authorities.clients, "bob", &["dev", "ops"]);
    check_with(&authenticator, &[], &[], ANONYMOUS);
    check_with(&authenticator, &[], &[("authorization", "Bearer token-1")], ALICE);
    check_with(&authenticator, &bob, &[], BOB);
    check_with(&authenticator, &bob, &[("authorization", "Bearer token-1")], BOB);
    let admin = authenticate(&authenticator, &bob, &[("authorization", "Bearer admin-token")]);
    assert!(
        admin.starts_with("kcp-admin ") && admin.ends_with("[system:kcp:admin,system:authenticated]"),
        "{admin}"
    );
}

#[test]
fn what_is_presented_must_be_right() {
    let authorities = authorities();
    let authenticator = authenticator(&authorities);
    check_with(&authenticator, &[], &[("authorization", "Bearer nonsense")], "refused: invalid bearer token");
    check_with(
        &authenticator,
        &[],
        &[("authorization", "Bearer token-1"), ("authorization", "Bearer token-1")],
        "refused: more than one Authorization header",
    );
    let long = format!("Bearer {}", "x".repeat(70_000));
    check_with(&authenticator, &[], &[("authorization", &long)], "refused: bearer token is too long");
    let jwt = format!("Bearer {}", "eyJhIjoxfQ.".repeat(5_000));
    check_with(&authenticator, &[], &[("authorization", &jwt)], "refused: invalid bearer token");
    check_with(&authenticator, &[], &[("authorization", "Basic YTpi")], ANONYMOUS);
}

#[test]
fn without_anonymous_requests_one_must_present_something() {
    let authenticator = Authenticator::new(Config::default());
    check_with(&authenticator, &[], &[], "refused: Unauthorized");
}

#[test]
fn certificates_of_foreign_or_expired_authorities_do_not_count() {
    let authorities = authorities();
    let authenticator = authenticator(&authorities);
    let foreign = certificate(&authority("clients"), "bob", &["system:masters"]);
    let refused = "refused: [x509: certificate signed by unknown authority, x509: certificate signed by unknown authority]";
    check_with(&authenticator, &foreign, &[], refused);
    check_with(&authenticator, &foreign, &[("authorization", "Bearer token-1")], ALICE);

    let bob = certificate(&authorities.clients, "bob", &["dev", "ops"]);
    let at_time = |seconds| {
        let found = now(authenticator.authenticate(&bob, &mut headers(&[]), at(seconds)));
        show(&found).split(':').next().expect("words").to_owned()
    };
    assert_eq!(at_time(0), "bob [dev,ops,system");
    assert_eq!(at_time(world::DAY + 1), "refused");
    assert_eq!(at_time(20 * world::DAY), "refused");
}

#[test]
fn a_remembered_certificate_still_expires() {
    let authorities = authorities();
    let authenticator = authenticator(&authorities);
    let bob = certificate(&authorities.clients, "bob", &[]);
    let last = world::DAY;
    let ok = |seconds| now(authenticator.authenticate(&bob, &mut headers(&[]), at(seconds))).is_ok();
    assert!(ok(last - 10) && ok(last));
    assert!(!ok(last + 1));
}

const INJECTED: [(&str, &str); 5] = [
    ("x-remote-user", "root"),
    ("x-remote-group", "system:masters"),
    ("x-remote-uid", "0"),
    ("x-remote-extra-a%2fb", "1"),
    ("X-Remote-Extra-Other", "2"),
];

#[test]
fn identity_headers_of_others_than_proxies_are_removed_unread() {
    let authorities = authorities();
    let authenticator = authenticator(&authorities);
    let bob = certificate(&authorities.clients, "bob", &["dev", "ops"]);
    // A client's own CA must not make proxies, nor the proxies' CA users.
    let false_proxy = certificate(&authorities.clients, "proxy", &[]);
    let unlisted = certificate(&authorities.proxies, "stranger", &[]);
    check_with(&authenticator, &[], &INJECTED, ANONYMOUS);
    check_with(&authenticator, &bob, &INJECTED, BOB);
    check_with(&authenticator, &false_proxy, &INJECTED, "proxy [system:authenticated]");
    check_with(
        &authenticator,
        &unlisted,
        &INJECTED,
        "refused: [x509: subject with cn=stranger is not in the allowed list, x509: certificate signed by unknown authority]",
    );
    for certificates in [&bob, &false_proxy, &unlisted, &Vec::new()] {
        let mut given = headers(&INJECTED);
        let _ = now(authenticator.authenticate(certificates, &mut given, at(0)));
        assert!(given.is_empty(), "{given:?}");
    }
}

#[test]
fn a_proxy_names_the_user() {
    let authorities = authorities();
    let authenticator = authenticator(&authorities);
    let proxy = certificate(&authorities.proxies, "proxy", &[]);
    let given = [
        ("x-remote-user", "zoë"),
        ("x-remote-user", "second"),
        ("x-remote-uid", "0"),
        ("x-remote-group", "a,b"),
        ("x-remote-group", ""),
        ("x-remote-group", "c"),
        ("x-remote-extra-authentication.kcp.io%2Fscopes", "cluster:a"),
        ("x-remote-extra-authentication.kcp.io%2fscopes", "cluster:b"),
        ("x-remote-extra-bad%zz", "1"),
    ];
    check_with(
        &authenticator,
        &proxy,
        &given,
        "zoë [a,b,c,system:authenticated] authentication.kcp.io/scopes=cluster:a|cluster:b bad%zz=1",
    );
    let anonymous = [("x-remote-user", "system:anonymous"), ("x-remote-group", "system:unauthenticated")];
    check_with(&authenticator, &proxy, &anonymous, ANONYMOUS);
    check_with(&authenticator, &proxy, &[], "refused: x509: certificate signed by unknown authority");
    check_with(&authenticator, &proxy, &[("authorization", "Bearer token-1")], ALICE);
    let mut binary = headers(&[]);
    binary.insert("x-remote-user", HeaderValue::from_bytes(&[0xff]).expect("a value"));
    let refused = show(&now(authenticator.authenticate(&proxy, &mut binary, at(0))));
    assert!(refused.contains("an identity header is not UTF-8"), "{refused}");
}

#[test]
fn an_accepted_credential_goes_no_further() {
    let authorities = authorities();
    let authenticator = authenticator(&authorities);
    let mut given = headers(&[("authorization", "Bearer token-1"), ("accept", "*/*")]);
    assert!(now(authenticator.authenticate(&[], &mut given, at(0))).is_ok());
    assert_eq!(given.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["accept"]);
}

#[test]
fn a_proxy_replaces_whatever_came_in() {
    let names = HeaderNames::default();
    let mut user = User::new("alice", &["a", "b"]);
    user.extra.insert("acme.com/größe".to_owned(), vec!["1".to_owned(), "2".to_owned()]);
    let mut forwarded = headers(&INJECTED);
    names.stamp(&mut forwarded, Some(&user)).expect("plain text");
    let authorities = authorities();
    let proxy = certificate(&authorities.proxies, "proxy", &[]);
    let arrived = now(authenticator(&authorities).authenticate(&proxy, &mut forwarded, at(0)));
    assert_eq!(show(&arrived), "alice [a,b,system:authenticated] acme.com/größe=1|2");
    let mut cleared = headers(&INJECTED);
    names.stamp(&mut cleared, None).expect("nothing to write");
    assert!(cleared.is_empty());
    let mut injected = headers(&INJECTED);
    assert_eq!(
        names.stamp(&mut injected, Some(&User::new("a\r\nx-remote-group: b", &[]))),
        Err(Unrepresentable)
    );
    assert!(injected.is_empty());
}
