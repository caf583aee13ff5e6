//! `kcp`: a shard; alone it is a complete installation.

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    kcp_server::kcp::main(std::env::args_os())
}
