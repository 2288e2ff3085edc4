//! What keeps a check from holding, by what it asks for and the state that was found.
//!
//! A family of kinds is a file here, and a kind is a row of the table.

mod address;
mod adverts;
mod at;
mod carrier;
mod containers;
mod dns;
mod flows;
mod leases;
mod link;
mod managed;
mod missing;
mod networkd;
mod packet;
mod ports;
mod programs;
mod ra;
mod roots;
mod route;
mod sent;
mod sysctl;
mod table;

pub(super) use at::At;
pub(super) use table::explain;
