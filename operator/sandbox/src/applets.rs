//! One executable, many names: which program it is follows from the name it was called by.

use std::{path::Path, process::ExitCode};

use crate::{container, inside, outside, spaces::threshold};

/// The process that makes the namespaces.
pub(crate) const THRESHOLD: &str = "kcp-sandbox-threshold";
/// The process that runs the sandbox, in its namespaces.
pub(crate) const INSIDE: &str = "kcp-sandbox-inside";
/// The process that becomes a container.
pub(crate) const CONTAINER_INIT: &str = "kcp-sandbox-container";

/// Runs the program that the first argument names, with all arguments.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let called = arguments.first().map(String::as_str).unwrap_or_default();
    let name = Path::new(called).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let rest = arguments.get(1..).unwrap_or_default();
    match name {
        CONTAINER_INIT => {
            container::init::run(Path::new(rest.first().map(String::as_str).unwrap_or_default()))
        }
        THRESHOLD => threshold::run(rest),
        INSIDE => inside::main(rest),
        "kcp" => kcp_server::kcp::main(arguments.iter().map(Into::into)),
        "manager" => kcp_operator::main(arguments.iter().map(Into::into)),
        "kcp-front-proxy" => kcp_server::front_proxy::main(arguments.iter().map(Into::into)),
        _ => outside::main(arguments),
    }
}
