//! Three processes, so that a sandbox needs no root and leaves nothing behind:
//!
//! | process | lives in | does |
//! |---|---|---|
//! | *outside* | the host's namespaces | takes flags and signals; opens sockets of the host for the inside (`door`) |
//! | *threshold* | a user namespace where the caller is root | makes the namespaces, waits for the inside, is one page of state |
//! | *inside* | network, mount, IPC, UTS and process namespaces of its own, as process 1 | everything else |
//!
//! Whatever kills *outside* kills the *threshold* (parent-death signal), which kills the *inside* likewise; with
//! process 1 the kernel ends all that ran in its process namespace, every pod included. No clean-up code has to run.
//!
//! A pod is a set of namespaces held open by file descriptors (`pod`); it needs no process to exist.

pub(crate) mod door;
pub(crate) mod network;
pub(crate) mod outside;
pub(crate) mod pod;
pub(crate) mod threshold;
