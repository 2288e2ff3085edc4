//! What a plan knows of a link that the lab makes: the command that makes it by hand, whose it is, and what the machine must
//! offer for it.

use std::any::Any;
use std::fmt::Debug;

pub use super::link_kinds::{LinkKinds, NicEnd, NicLink, OfMachine, OfNic, kinds, of_kind};
use crate::scenario::names::IfName;
use crate::scenario::net::Mac;

/// A link that the lab makes.
pub trait Link: Any + Debug + Send + Sync {
    /// The `ip` command that makes the same.
    fn by_hand(&self) -> String;

    /// The machine on whose thread it is made.
    fn machine(&self) -> &str;

    /// Its name there, by which it is deleted.
    fn name(&self) -> &str;

    /// The machine that gets it, or its other end, where that may be another.
    fn peer(&self) -> Option<&str>;

    /// Its two ends, each as machine and name, where what one is given the other receives. `None`: it has one end.
    fn wire(&self) -> Option<[(String, String); 2]> {
        None
    }

    /// Whether making it takes more than requests to the kernel, so that nothing else is done at the same time.
    fn alone(&self) -> bool;

    /// What the machine must offer for it beyond what each lab needs, by the names of `host::capability`.
    fn needs(&self) -> Vec<&'static str>;
}

/// One end of a veth pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkEnd {
    /// Machine that holds it.
    pub machine: String,
    /// Interface name there.
    pub name: IfName,
    /// MAC address; the kernel chooses when absent.
    pub mac: Option<Mac>,
    /// MTU in bytes; 1500 when absent.
    pub mtu: Option<u32>,
}

impl LinkEnd {
    /// What `ip link add` is told of it behind its name: ` address MAC mtu MTU`, as far as it is given.
    pub fn options(&self) -> String {
        let mac = self.mac.map(|mac| format!(" address {mac}"));
        let mtu = self.mtu.map(|mtu| format!(" mtu {mtu}"));
        mac.into_iter().chain(mtu).collect()
    }
}
