//! The operators, a file for each layer.

pub(super) mod address;
pub(super) mod autoconf;
pub(super) mod bridge;
pub(super) mod docker;
pub(super) mod file;
pub(super) mod firewall;
pub(super) mod link;
pub(super) mod matching;
pub(super) mod nic;
pub(super) mod service;
pub(super) mod sysctl;
