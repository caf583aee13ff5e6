//! The operator.

fn main() -> std::process::ExitCode {
    kcp_operator::main(std::env::args_os())
}
