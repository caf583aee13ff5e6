//! `kcp-sandbox`, and every other binary of ours under its own name.

use std::process::ExitCode;

fn main() -> ExitCode {
    kcp_sandbox::main()
}
