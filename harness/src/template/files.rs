//! Names of a template's files, and how the progress of its making is reported.

/// Device state, as QEMU saved it.
pub(super) const STATE: &str = "state";

/// Initrd that the template booted with: QEMU wants the same one when it loads the state.
pub(super) const INITRD: &str = "initrd";

/// A function that is called with a line about what the making of a template is doing.
pub type Progress<'a> = &'a mut dyn FnMut(&str);
