//! Tokens of service accounts: which count, and for whom.

mod world;

use kcp_authn::{
    BoundObject, KeySet, Lifetime, SecretFacts, ServiceAccountFacts, Signer, TokenReview, discovery_document,
    peek_cluster,
};
use kcp_authz::{Reach, is_in_scope};
use kcp_names::ClusterName;
use kcp_pki::{Algorithm, PrivateKey};
use std::sync::Arc;
use world::{
    HOUR, ISSUER, Objects, ROBOT, at, audience, bound, check, forged, headers, key, now, of_accounts, robot,
    signer,
};

#[test]
fn a_bound_token_is_its_account_while_it_lives() {
    for algorithm in [Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Rsa2048] {
        let key = PrivateKey::generate(algorithm).expect("randomness");
        let authenticator = of_accounts(&[&key], Some(Arc::new(Objects::with_robot())));
        let token = bound(&key, "home");
        check(&authenticator, &token, 0, ROBOT);
        check(&authenticator, &token, 3600 + 60, ROBOT);
        check(&authenticator, &token, 3600 + 61, "refused: service account token has expired");
    }
}

#[test]
fn a_token_from_the_future_does_not_count_yet() {
    let key = key();
    let authenticator = of_accounts(&[&key], None);
    let token = signer(&key).bound(&robot("home"), None, &audience(), HOUR, at(100)).expect("a token").token;
    check(&authenticator, &token, 40, ROBOT);
    check(&authenticator, &token, 39, "refused: service account token is not valid yet");
}

#[test]
fn any_of_several_keys_may_have_signed() {
    let (old, new, foreign) = (key(), PrivateKey::generate(Algorithm::Rsa2048).expect("randomness"), key());
    let authenticator = of_accounts(&[&old, &new], None);
    check(&authenticator, &bound(&old, "home"), 0, ROBOT);
    check(&authenticator, &bound(&new, "home"), 0, ROBOT);
    check(&authenticator, &bound(&foreign, "home"), 0, "refused: invalid bearer token");
}

#[test]
fn a_token_of_another_logical_cluster_is_nobody_here() {
    let key = key();
    let authenticator = of_accounts(&[&key], None);
    let mut headers = headers(&[("authorization", &format!("Bearer {}", bound(&key, "away")))]);
    let found = now(authenticator.authenticate(&[], &mut headers, at(0))).expect("a token of ours");
    let cluster = |name| ClusterName::parse(name).expect("a name");
    assert!(is_in_scope(&found.user, Some(&cluster("away"))));
    assert!(!is_in_scope(&found.user, Some(&cluster("home"))));
}

#[test]
fn an_account_is_looked_up_where_it_belongs() {
    let key = key();
    let authenticator = of_accounts(&[&key], Some(Arc::new(Objects::with_robot())));
    // An account of this name exists at home only.
    check(&authenticator, &bound(&key, "away"), 0, "refused: service account token has been invalidated");
}

#[test]
fn a_token_does_not_survive_its_account() {
    let key = key();
    let objects = Arc::new(Objects::with_robot());
    let authenticator = of_accounts(&[&key], Some(Arc::clone(&objects)));
    let token = bound(&key, "home");
    let set = |uid: &str, deleted_at| {
        let facts = ServiceAccountFacts { uid: uid.to_owned(), deleted_at };
        objects.accounts.lock().expect("a lock").insert("home/ns/robot".to_owned(), facts);
    };
    check(&authenticator, &token, 0, ROBOT);
    set("u2", None);
    check(&authenticator, &token, 0, "refused: service account UID (u2) does not match claim (u1)");
    set("u1", Some(at(0)));
    check(&authenticator, &token, 60, ROBOT);
    check(&authenticator, &token, 61, "refused: service account token has been invalidated");
    objects.accounts.lock().expect("a lock").clear();
    check(&authenticator, &token, 0, "refused: service account token has been invalidated");
}

#[test]
fn a_token_does_not_survive_the_secret_it_is_bound_to() {
    let key = key();
    let objects = Arc::new(Objects::with_robot());
    let authenticator = of_accounts(&[&key], Some(Arc::clone(&objects)));
    let secret = BoundObject { name: "s".to_owned(), uid: "s1".to_owned() };
    let token =
        signer(&key).bound(&robot("home"), Some(&secret), &audience(), HOUR, at(0)).expect("a token").token;
    check(&authenticator, &token, 0, "refused: service account token has been invalidated");
    let set = |uid: &str| {
        let facts =
            SecretFacts { uid: uid.to_owned(), deleted_at: None, token: Vec::new(), invalid_since: None };
        objects.secrets.lock().expect("a lock").insert("home/ns/s".to_owned(), facts);
    };
    set("s1");
    check(&authenticator, &token, 0, ROBOT);
    set("s2");
    let replaced = "refused: secret UID (s2) does not match service account secret ref claim (s1)";
    check(&authenticator, &token, 0, replaced);
}

#[test]
fn a_legacy_token_is_the_one_in_its_secret() {
    let key = key();
    let objects = Arc::new(Objects::with_robot());
    let authenticator = of_accounts(&[&key], Some(Arc::clone(&objects)));
    let token = signer(&key).legacy(&robot("home"), "s").expect("a token");
    let set = |token: &str, invalid_since: Option<&str>| {
        let facts = SecretFacts {
            uid: "s1".to_owned(),
            deleted_at: None,
            token: token.as_bytes().to_vec(),
            invalid_since: invalid_since.map(str::to_owned),
        };
        objects.secrets.lock().expect("a lock").insert("home/ns/s".to_owned(), facts);
    };
    check(&authenticator, &token, 0, "refused: service account token has been invalidated");
    set(&token, None);
    check(&authenticator, &token, 10_000_000, ROBOT);
    set(&token, Some("2026-01-01"));
    check(&authenticator, &token, 0, "refused: the token in secret ns/s has been marked invalid");
    set("another", None);
    check(&authenticator, &token, 0, "refused: token does not match server's copy");
}

#[test]
fn without_look_up_the_claims_count() {
    let key = key();
    let authenticator = of_accounts(&[&key], None);
    check(&authenticator, &bound(&key, "home"), 0, ROBOT);
    check(&authenticator, &signer(&key).legacy(&robot("home"), "s").expect("a token"), 0, ROBOT);
}

#[test]
fn answers_of_other_shards_are_believed_for_a_while() {
    let key = key();
    let objects = Arc::new(Objects { elsewhere: Some("home"), ..Objects::with_robot() });
    let authenticator = of_accounts(&[&key], Some(Arc::clone(&objects)));
    let token = bound(&key, "home");
    let asked = |seconds, wanted| {
        check(&authenticator, &token, seconds, wanted);
        *objects.asked.lock().expect("a lock")
    };
    assert_eq!([asked(0, ROBOT), asked(59, ROBOT)], [1, 1]);
    objects.accounts.lock().expect("a lock").clear();
    let gone = "refused: service account token has been invalidated";
    assert_eq!([asked(60, gone), asked(69, gone), asked(70, gone)], [2, 2, 3]);
}

#[test]
fn nobody_is_let_in_while_nobody_can_say() {
    let key = key();
    let objects = Arc::new(Objects { broken: true, ..Objects::with_robot() });
    let refused = "refused: cannot look up the service account: no shard answers";
    check(&of_accounts(&[&key], Some(objects)), &bound(&key, "home"), 0, refused);
}

#[test]
fn a_token_for_others_is_not_for_us() {
    let key = key();
    let authenticator = of_accounts(&[&key], None);
    let vault = vec!["vault".to_owned()];
    let token = signer(&key).bound(&robot("home"), None, &vault, HOUR, at(0)).expect("a token").token;
    let refused = r#"refused: token audiences ["vault"] is invalid for the target audiences ["https://kcp.default.svc"]"#;
    check(&authenticator, &token, 0, refused);

    let reach = Reach::Cluster(ClusterName::root());
    let review =
        |audiences: &[String]| now(authenticator.review(&reach, &token, audiences, at(0))).expect("a review");
    let TokenReview::Known(found) = review(&vault) else { panic!("meant for the vault") };
    assert_eq!(found.audiences, vault);
    assert!(matches!(review(&[]), TokenReview::Unknown(_)));
}

#[test]
fn a_review_says_who_a_token_is() {
    let key = key();
    let authenticator = of_accounts(&[&key], None);
    let reach = Reach::Cluster(ClusterName::root());
    let review =
        |token: &str| now(authenticator.review(&reach, token, &[], at(0))).map(|review| review.to_value());
    let status = review(&bound(&key, "home")).expect("a review");
    assert_eq!(status.str_at(&["user", "username"]), Some("system:serviceaccount:ns:robot"));
    assert_eq!(status.get("authenticated").and_then(kcp_apimachinery::Value::as_bool), Some(true));
    for wrong in ["x", " x", "a b", "x\n"] {
        let status = review(wrong).expect("a review");
        assert_eq!(status.str_at(&["error"]), Some("invalid bearer token"), "{wrong:?}");
        assert_eq!(status.get("authenticated"), None);
    }
    let error = review("").expect_err("no token").to_string();
    assert_eq!(error, "token is required for TokenReview in authentication");
    assert!(now(authenticator.review(&Reach::EveryCluster, "x", &[], at(0))).is_err());
}

#[test]
fn a_token_tells_where_its_request_goes() {
    let key = key();
    let peek = |value: &str| peek_cluster(&headers(&[("authorization", value)])).map(|name| name.to_string());
    let home = Some("home".to_owned());
    assert_eq!(peek(&format!("Bearer {}", bound(&key, "home"))), home);
    assert_eq!(peek(&format!("Bearer {}", signer(&key).legacy(&robot("home"), "s").expect("a token"))), home);
    assert_eq!(peek(&format!("bearer {}", bound(&key, "home"))), None);
    for other in ["Bearer x", "Bearer a.b.c", "Bearer e30.e30.x", "Basic x", ""] {
        assert_eq!(peek(other), None, "{other}");
    }
    let path = forged(r#"{"alg":"none"}"#, r#"{"kubernetes.io":{"clusterName":"root:a/../b"}}"#, b"");
    assert_eq!(peek(&format!("Bearer {path}")), None);
}

#[test]
fn lifetimes_are_bounded_and_one_is_magic() {
    assert!(Lifetime::requested(599, true).is_err() && Lifetime::requested(-1, true).is_err());
    assert!(Lifetime::requested((1 << 32) + 1, true).is_err());
    assert_eq!(Lifetime::requested(3600, true), Ok(HOUR));
    let magic = Lifetime { seconds: 31_536_000, warn_after: Some(3607) };
    assert_eq!(Lifetime::requested(3607, true), Ok(magic));
    assert_eq!(Lifetime::requested(3607, false), Ok(Lifetime { seconds: 3607, warn_after: None }));
    let issued = signer(&key()).bound(&robot("home"), None, &audience(), magic, at(0)).expect("a token");
    assert_eq!(issued.expires_at, at(3607));
    assert_eq!(format!("{issued:?}"), format!("BoundToken {{ id: {:?}, .. }}", issued.id));
}

#[test]
fn others_find_our_keys() {
    let (rsa, ec) = (PrivateKey::generate(Algorithm::Rsa2048).expect("randomness"), key());
    let keys = KeySet::new([rsa.public(), ec.public(), rsa.public()]).expect("usable keys");
    let jwks = keys.jwks();
    let listed = jwks.get("keys").and_then(kcp_apimachinery::Value::as_array).expect("keys");
    assert_eq!(listed.len(), 2);
    assert_eq!((listed[0].str_at(&["kty"]), listed[0].str_at(&["e"])), (Some("RSA"), Some("AQAB")));
    assert_eq!((listed[1].str_at(&["kty"]), listed[1].str_at(&["crv"])), (Some("EC"), Some("P-256")));
    let document = discovery_document(ISSUER, "https://kcp/openid/v1/jwks", &keys);
    let json = kcp_apimachinery::value::encode(&document);
    assert_eq!(
        String::from_utf8(json).expect("text"),
        r#"{"id_token_signing_alg_values_supported":["ES256","RS256"],"issuer":"https://kcp.default.svc","jwks_uri":"https://kcp/openid/v1/jwks","response_types_supported":["id_token"],"subject_types_supported":["public"]}"#
    );
    let ed = PrivateKey::generate(Algorithm::Ed25519).expect("randomness");
    assert!(KeySet::new([ed.public()]).is_err() && Signer::new(ISSUER, &ed).is_err());
}
