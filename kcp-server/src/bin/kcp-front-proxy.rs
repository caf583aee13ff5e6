//! `kcp-front-proxy`: one address for all shards of an installation.

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    kcp_server::front_proxy::main(std::env::args_os())
}
