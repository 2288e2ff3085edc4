//! From what is wrong for each check to few causes.

mod diagnose;
mod group;
mod suspects;
mod unexplained;
mod wire;

pub use diagnose::diagnose;
#[cfg(test)]
mod tests;
