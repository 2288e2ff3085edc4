//! Files of a template, and who is told how one is made.

/// Device state, as QEMU saved it.
pub(super) const STATE: &str = "state";

/// Initrd that the template booted with: QEMU wants the same one when it loads the state.
pub(super) const INITRD: &str = "initrd";

/// Told what the making of a template is doing.
pub type Progress<'a> = &'a mut dyn FnMut(&str);
