//! How the progress of an image's build is reported.

/// A function that is called with a line about what the build is doing.
pub type Progress<'a> = &'a mut dyn FnMut(&str);
