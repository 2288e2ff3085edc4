//! What builds labs: namespaces, and in [`guests`] real MicroVMs. Each test says *skipped: because* where this host cannot do
//! it, and fails there under `BRIDGELAB_STRICT=1`.
//!
//! - [`namespaces`]: without an image and QEMU, by root or by whoever has user namespaces and subordinate ids.
//! - [`guests`]: with MicroVMs, under KVM or translated.
//! - [`soak`]: runs that are disturbed at any moment; `.ci/soak` goes on for as many as wanted.
//!
//! Each scenario's own forms are the tests of the binary `scenarios`.

mod guests;
mod looks;
mod namespaces;
mod soak;
