//! Reading manifests of the repository.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    dead_code,
    reason = "shared by tests, each of which uses its part"
)]

use std::path::{Path, PathBuf};

use clap::Parser as _;
use kcp_operator::{Flags, Options};
use serde_json::Value;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All objects of a text.
pub fn documents(text: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}"));
    all.into_iter().filter(|document| !document.is_null()).collect()
}

/// The first of a kind.
pub fn document(path: &str, kind: &str) -> Value {
    let found = documents(&read(path)).into_iter().find(|document| document["kind"] == kind);
    found.unwrap_or_else(|| panic!("{path} has no {kind}"))
}

/// The arguments of a Deployment's first container, as the program reads them.
pub fn options(deployment: &Value) -> Options {
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["command"][0], "/manager");
    let args = container["args"].as_array().expect("a container with arguments");
    let args = args.iter().map(|arg| arg.as_str().expect("an argument is text"));
    let flags = Flags::try_parse_from(std::iter::once("manager").chain(args));
    Options::try_from(flags.unwrap_or_else(|error| panic!("{error}")))
        .unwrap_or_else(|error| panic!("{error}"))
}
