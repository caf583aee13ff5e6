//! A host without a cluster: what a Kubernetes cluster does for the operator and kcp, on one machine.

pub mod workloads;
