//! A value that a form of a scenario has of its own: by the matrix, or by the command line.

use std::fmt;

use super::names::{IfName, MachineName};

/// One value of the matrix: a key of guests or machines or of their interfaces, and what it is in this form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatrixValue {
    /// The guest or machine that it is about; `None`: every guest.
    pub owner: Option<MachineName>,
    /// The interface of the owner that it is about; `None`: the owner itself, or every interface of it.
    pub interface: Option<IfName>,
    /// The key, for example `vcpu`.
    pub key: String,
    /// The value as text.
    pub value: String,
}

/// `vcpu=2`, `test1.vcpu=2`, `test1.vm-test1.queues=2`.
impl fmt::Display for MatrixValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(owner) = &self.owner {
            write!(f, "{owner}.")?;
        }
        if let Some(interface) = &self.interface {
            write!(f, "{interface}.")?;
        }
        write!(f, "{}={}", self.key, self.value)
    }
}
