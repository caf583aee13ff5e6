//! What a kubelet does, for pods that run as processes of this machine.
//!
//! ```text
//! watches ─► known (Feed) ─┬─► agent: one worker per pod of this node
//!                          │      pod: volumes, network, init containers, containers
//!                          │        runner: start, probe, stop, start again ─► board ─► status ─► API
//!                          └─► volumes and names of running pods follow their objects
//! ```
//! What a container is told (`describe`, `env`, `volumes`, `hosts`), when probes turn (`probe`), how long it waits
//! (`backoff`) and what is reported (`status`) are functions; processes are started by `spaces::pod` alone.

mod addresses;
mod agent;
mod backoff;
mod board;
mod describe;
mod env;
mod events;
mod fields;
mod handler;
mod hosts;
pub(crate) mod known;
pub(crate) mod layout;
mod log_endpoint;
mod logs;
mod pod;
mod probe;
mod quantity;
mod runner;
mod status;
mod stop;
mod swap;
mod tokens;
mod volumes;

pub(crate) use agent::Node;
pub(crate) use hosts::Published;
pub(crate) use log_endpoint::LogEndpoint;
pub use logs::{LogError, LogOptions};
