//! What machines, guests and containers are like, read from what they answered.
//!
//! A question that was not answered is an empty table. A row that cannot be read is left out: one odd row must not hide the others.

mod fdb;
mod link;
mod listener;
mod lookup;
mod machine;
mod networkd;
mod route;
mod rows;
mod sysctl;

pub(super) use fdb::{Neighbour, PortVlan};
pub(super) use link::{Address, Link};
pub(super) use lookup::Lookup;
pub(super) use machine::{State, links, managed};
pub(super) use networkd::Managed;
pub(super) use route::Route;
