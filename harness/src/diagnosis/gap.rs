//! What keeps a packet from coming further, as kernels know it: before it is known which line of which file made it so.

use super::code::Code;
use super::finding::Evidence;

/// One thing that is not as a check needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What it is.
    pub code: Code,
    /// The machine, guest or `GUEST/CONTAINER` where it is so.
    pub machine: String,
    /// The link there that it is about.
    pub link: Option<String>,
    /// What is there: an address, a prefix, a MAC address, a VLAN, a value of a sysctl, the text of a rule.
    pub is: Option<String>,
    /// What would have to be there instead, in the same form.
    pub needed: Option<String>,
    /// The key, where it is about one: `net.ipv4.ip_forward`, `Isolated`.
    pub key: Option<String>,
    /// In one sentence.
    pub statement: String,
    /// By what it is known, the most important first.
    pub evidence: Vec<Evidence>,
}
