//! Who is told how an image is built.

/// Told what an image build is doing.
pub type Progress<'a> = &'a mut dyn FnMut(&str);
