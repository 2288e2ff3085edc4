//! A scenario drawn: which machine, guest and container there is, with which links, and what each link is plugged into or put on.
//!
//! It is made of the scenario alone. Where systemd-networkd makes the network, the bridge and the addresses of a link are those of
//! the first `.network` file whose `[Match]` finds it, as networkd chooses; a TAP that no file finds hangs in the air here too.
//!
//! A report draws the ways of packets over it, and where one of them was lost.

mod build;
mod layout;
mod links;
mod mermaid;
mod overlay;
mod parts;
mod svg;

pub use mermaid::mermaid;
pub use overlay::{Lost, Overlay, Stop};
pub use parts::{End, Node, NodeKind, Picture, Port, Wire};
pub use svg::{svg, svg_with};
