//! Tests that build labs: of namespaces, and in [`guests`] of real MicroVMs. A test says *skipped: because* where this host
//! cannot build its lab, and fails there under `BRIDGELAB_STRICT=1`.
//!
//! - [`namespaces`]: need neither image nor QEMU; run by root, or by a user with user namespaces and subordinate ids.
//! - [`guests`]: with MicroVMs, under KVM or translated.
//! - [`soak`]: runs that are disturbed at any moment; `.ci/soak` goes on for as many as wanted.
//!
//! Every instance of every scenario is a test of the binary `scenarios`.

mod guests;
mod looks;
mod namespaces;
mod soak;
