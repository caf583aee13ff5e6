//! The entries around the RBAC chain, and the flags that choose them.

mod world;

use kcp_authz::{Authorizer, InvalidOptions, Options, User};
use std::sync::Arc;
use world::{World, asks, authorize};

fn check_options(options: &Options, wanted: &[&str]) {
    let wrong = Authorizer::new(options, Arc::new(World::new())).err().unwrap_or_default();
    assert_eq!(wrong.iter().map(InvalidOptions::to_string).collect::<Vec<_>>(), wanted);
}

#[test]
fn wrong_flags_are_named() {
    let strings = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
    check_options(&Options::default(), &[]);
    check_options(
        &Options { order: strings(&["RBAC", "ABAC"]), ..Options::default() },
        &[r#"invalid authorizer: "ABAC""#],
    );
    check_options(
        &Options { always_allow_paths: strings(&["/a*b"]), ..Options::default() },
        &[r#"only trailing * allowed in "/a*b""#],
    );
    check_options(
        &Options { webhook_config_file: Some("f".to_owned()), ..Options::default() },
        &["--authorization-webhook-config-file is not implemented: webhook authorization is not available"],
    );
}

#[test]
fn allowed_paths_match_whole_or_by_prefix() {
    let options =
        Options { always_allow_paths: vec!["/open/*".to_owned(), "/x".to_owned()], ..Options::default() };
    let authorizer = Authorizer::new(&options, Arc::new(World::new())).expect("good options");
    let allowed = |path: &str| {
        authorize(&authorizer, &asks(User::anonymous(), "-", &format!("get {path}"))).is_allowed()
    };
    assert!(allowed("/open/a/b") && allowed("/x"));
    assert!(!allowed("/open") && !allowed("/x/y") && !allowed("/healthz"));
}

#[test]
fn the_order_of_the_union_is_the_flags() {
    let order = |names: &[&str]| Options {
        order: names.iter().map(|&name| name.to_owned()).collect(),
        ..Options::default()
    };
    let asked = || asks(User::anonymous(), "-", "get /livez");
    assert!(authorize(&World::new().authorizer(), &asked()).is_allowed());
    let without = Authorizer::new(&order(&["RBAC"]), Arc::new(World::new())).expect("good options");
    assert!(!authorize(&without, &asked()).is_allowed());
    let nothing = Authorizer::new(&order(&[]), Arc::new(World::new())).expect("good options");
    assert_eq!(authorize(&nothing, &asked()).reason, "");
}
