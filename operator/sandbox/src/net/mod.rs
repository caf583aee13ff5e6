//! What kube-proxy does: connections to a Service reach one of its pods.

mod forward;
mod fronts;

pub(crate) use forward::Forwarder;
pub(crate) use fronts::Publication;
