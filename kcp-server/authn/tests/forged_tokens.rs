//! Tokens that look like ours: none of them counts.

mod world;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use kcp_pki::{Algorithm, PrivateKey};
use world::{ISSUER, ROBOT, at, bound, check, forged, key, of_accounts};

#[test]
fn the_algorithm_is_the_keys_and_not_the_tokens() {
    let rsa = PrivateKey::generate(Algorithm::Rsa2048).expect("randomness");
    let authenticator = of_accounts(&[&rsa, &key()], None);
    let token = bound(&rsa, "home");
    let claims = BASE64.decode(token.split('.').nth(1).expect("claims")).expect("base64");
    let claims = String::from_utf8(claims).expect("text");
    let refused = |token: &str| check(&authenticator, token, 0, "refused: invalid bearer token");

    refused(&forged(r#"{"alg":"none"}"#, &claims, b""));
    refused(&forged(r#"{"alg":"None","typ":"JWT"}"#, &claims, b"x"));
    // The public key as the secret of an HMAC.
    for secret in [rsa.public().to_pem().into_bytes(), rsa.public().spki_der().to_vec()] {
        let message = format!("{}.{}", BASE64.encode(r#"{"alg":"HS256"}"#), BASE64.encode(&claims));
        let key = jsonwebtoken::EncodingKey::from_secret(&secret);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256);
        refused(&format!("{message}.{}", signature.expect("a signature")));
    }
    for algorithm in ["RS384", "PS256", "ES256"] {
        let signature = BASE64.decode(token.split('.').nth(2).expect("a signature")).expect("base64");
        refused(&forged(&format!(r#"{{"alg":"{algorithm}"}}"#), &claims, &signature));
    }
}

#[test]
fn a_changed_token_does_not_count() {
    let key = key();
    let authenticator = of_accounts(&[&key], None);
    let token = bound(&key, "home");
    let parts: Vec<&str> = token.split('.').collect();
    let claims = String::from_utf8(BASE64.decode(parts[1]).expect("base64")).expect("text");
    let other = BASE64.encode(claims.replace("home", "root"));
    let refused = "refused: invalid bearer token";
    check(&authenticator, &format!("{}.{other}.{}", parts[0], parts[2]), 0, refused);
    check(&authenticator, &format!("{token}="), 0, refused);
    check(&authenticator, &format!("{}.{}.", parts[0], parts[1]), 0, refused);
    check(&authenticator, &format!("{}.{}", parts[0], parts[1]), 0, refused);
    check(&authenticator, &format!("{token}.x"), 0, refused);
    check(&authenticator, "..", 0, refused);
    check(&authenticator, &token, 0, ROBOT);
}

#[test]
fn an_extension_that_must_be_understood_is_not() {
    let key = key();
    let authenticator = of_accounts(&[&key], None);
    let token = bound(&key, "home");
    let claims = token.split('.').nth(1).expect("claims");
    let message = format!("{}.{claims}", BASE64.encode(r#"{"alg":"ES256","crit":["x"]}"#));
    let signing = jsonwebtoken::EncodingKey::from_ec_der(key.pkcs8_der());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &signing, jsonwebtoken::Algorithm::ES256);
    check(
        &authenticator,
        &format!("{message}.{}", signature.expect("a signature")),
        0,
        "refused: invalid bearer token",
    );
}

#[test]
fn claims_must_be_there_and_agree() {
    let key = key();
    let authenticator = of_accounts(&[&key], None);
    let signing = jsonwebtoken::EncodingKey::from_ec_der(key.pkcs8_der());
    let refused = |claims: serde_json::Value, wanted: &str| {
        let mut claims = claims;
        if claims.get("iss").is_none() {
            claims["iss"] = ISSUER.into();
        }
        let message =
            format!("{}.{}", BASE64.encode(r#"{"alg":"ES256"}"#), BASE64.encode(claims.to_string()));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &signing, jsonwebtoken::Algorithm::ES256);
        check(
            &authenticator,
            &format!("{message}.{}", signature.expect("a signature")),
            0,
            &format!("refused: {wanted}"),
        );
    };
    let exp = at(60).as_secs();
    let good = serde_json::json!({"clusterName": "home", "namespace": "ns", "serviceaccount": {"name": "robot", "uid": "u1"}});
    let sub = "system:serviceaccount:ns:robot";
    let without = |field: &str| {
        let mut bound = good.clone();
        bound.as_object_mut().expect("an object").remove(field);
        serde_json::json!({"exp": exp, "sub": sub, "kubernetes.io": bound})
    };
    refused(serde_json::json!({"sub": sub, "kubernetes.io": good}), "service account token has expired");
    refused(serde_json::json!({"exp": exp, "sub": sub}), "kubernetes.io claim is missing");
    refused(without("clusterName"), "clusterName claim is missing");
    refused(without("namespace"), "namespace claim is missing");
    refused(without("serviceaccount"), "serviceAccountName claim is missing");
    refused(serde_json::json!({"exp": exp, "kubernetes.io": good}), "sub claim is missing");
    let other =
        serde_json::json!({"exp": exp, "sub": "system:serviceaccount:ns:admin", "kubernetes.io": good});
    refused(other, "sub claim is invalid");
    refused(serde_json::json!({"exp": "soon", "sub": sub}), "invalid bearer token");
    refused(serde_json::json!({"iss": "https://elsewhere", "exp": exp}), "invalid bearer token");
    let mut path = good.clone();
    path["clusterName"] = "root:org".into();
    refused(
        serde_json::json!({"exp": exp, "sub": sub, "kubernetes.io": path}),
        "clusterName claim is invalid",
    );
    refused(
        serde_json::json!({"iss": "kubernetes/serviceaccount", "sub": sub}),
        "namespace claim is missing",
    );
}
