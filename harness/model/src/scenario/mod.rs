//! What the user wrote: the validated, pure model of a scenario.
//!
//! A scenario is a folder (`scenarios/NAME/scenario.toml` beside `host/` and `guest/` folders of real
//! systemd-networkd unit files) or a single `.toml` file. [`load`] reads it into the tree of `file`, in which
//! every value knows its place, lays it over the base topology and each variant over that (`overlay`), and
//! `validate` turns the result into a [`Scenario`]: names are unique, references resolve, addresses parse, unit
//! files exist and are in memory. Everything that is wrong comes back at once, as [`ScenarioErrors`].
//! Nothing here touches the machine except to read those files.

pub mod action;
mod beneath;
mod bounds;
mod check;
pub mod check_kind;
pub mod contents;
pub mod declare;
mod dnsmasq;
mod dnsmasq_words;
pub mod error;
mod faults;
pub mod file;
mod find;
mod form;
mod guest;
pub mod instances;
pub mod keys;
mod layers;
mod limits;
mod load;
mod lookup;
mod machine;
pub mod machine_link;
mod macvlan;
mod matrix;
mod matrix_value;
pub mod mutation;
pub mod names;
pub mod needs;
pub mod net;
pub mod nic_kind;
mod one_layer;
mod overlay;
mod overrides;
pub mod parse;
mod port_flag;
pub mod provides;
mod reach;
pub mod read;
mod readme;
mod references;
mod removal;
mod schema;
mod segment;
pub mod step;
mod topology;
pub mod units;
pub mod validate;
mod vantage_point;
pub mod vmm;
mod written;

pub use action::{Action, Change};
pub use beneath::{Beneath, EntryKind, Unread};
pub use bounds::Bounds;
pub use check::{Check, During, Times};
pub use check_kind::CheckKind;
pub use contents::{Container, GuestFile, GuestFileKind};
pub use dnsmasq::{AdvertisedPrefix, DnsFault, Dnsmasq, RouterAdvertisement};
pub use error::{Fault, Gravity, ScenarioErrors, render};
pub use find::{FindError, ScenarioName, find, scenario_names};
pub use form::Scenario;
pub use guest::{Guest, GuestInterface};
pub use instances::{LoadedScenario, UnknownForm};
pub use load::{FILE_NAME, file_of};
pub use load::{load, load_text, load_text_with, load_with};
pub use machine::{HttpServer, Machine, MachineInterface};
pub use machine_link::MachineLink;
pub use macvlan::MacvlanMode;
pub use matrix_value::MatrixValue;
pub use nic_kind::NicKind;
pub use overrides::{Overrides, OverridesError};
pub use port_flag::PortFlag;
pub use readme::{Described, action_kinds, check_kinds, readme};
pub use references::references;
pub use schema::schema;
pub use segment::{Segment, Switch};
pub use step::Step;
pub use topology::{Bridge, BridgePort, HostEnd, KERNEL_PVID, Route, Ruleset, RulesetTool};
pub use vantage_point::VantagePoint;
pub use vmm::{GuestStart, HypervisorKind, MachineType, NicOptions, TapOpen, Transport};
pub use written::{Part, Written, WrittenAt};

pub use crate::networkd::{NETWORKD_CONF, UnitFile};
