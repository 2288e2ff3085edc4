//! A step's table of an action, and what the action may ask about the scenario while it reads it.

use super::timeline::State;
use crate::scenario::VantagePoint;
use crate::scenario::check_kind::interface_at;
use crate::scenario::error::code;
use crate::scenario::file::Place;
use crate::scenario::names::{IfName, MachineName, StepId};
use crate::scenario::provides::Provides;
use crate::scenario::read::{At, Reader};
use crate::scenario::validate::check::vantage;
use crate::scenario::validate::{Context, From};

/// Which places an action takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Machines.
    Machine,
    /// Machines and guests.
    Link,
    /// Those with networkd.
    Networkd,
    /// Containers too.
    Any,
}

/// A table of an action.
pub struct Asked<'r, 'a> {
    /// What is known of the rest of the scenario.
    pub context: &'r Context<'a>,
    /// The table.
    pub reader: &'r Reader<'a>,
    /// What runs when the step is done.
    pub state: &'r mut State,
    /// The step's id, where it has a good one.
    pub step: Option<&'r StepId>,
}

impl<'a> Asked<'_, 'a> {
    /// Adds a fault that has no help.
    pub fn fault(&self, place: &Place, code: &'static str, message: &str, label: &str) {
        self.context.faults.report(place, code, message, label);
    }

    /// Where it is done.
    pub fn on(&self, takes: Takes) -> Option<At<'a, VantagePoint>> {
        let text = self.reader.need("on", self.reader.text("on"))?;
        let on = vantage(self.context, &text)?;
        let fault = |message: &str, label: &str| {
            self.fault(text.place, code::CONFLICT, message, label);
        };
        let refused = match (&on, takes) {
            (_, Takes::Any) | (VantagePoint::Machine(_), Takes::Machine | Takes::Link) => None,
            (VantagePoint::Guest(_), Takes::Link) => None,
            (VantagePoint::Machine(name), Takes::Networkd) => {
                let known = self.context.known.machines.get(name.as_str());
                known
                    .is_none_or(|known| !known.networkd)
                    .then_some("the machine has no `networkd`")
            }
            (VantagePoint::Guest(name), Takes::Networkd) => {
                (!self.provides(name).networkd).then_some("its image has no networkd")
            }
            (VantagePoint::Guest(_), Takes::Machine) => Some("a guest"),
            (VantagePoint::Container(..), _) => Some("a container"),
        };
        if let Some(label) = refused {
            let where_to = match takes {
                Takes::Machine => "on a machine",
                Takes::Link | Takes::Any => "on a machine or in a guest",
                Takes::Networkd => "where networkd runs",
            };
            let action = self.reader.table_keys.what;
            fault(&format!("`{action}` is done {where_to}"), label);
            return None;
        }
        let on = At {
            value: on,
            place: text.place,
        };
        self.runs(&on);
        Some(on)
    }

    /// Where it is done, where only a machine will do.
    pub fn machine(&self) -> Option<At<'a, MachineName>> {
        let on = self.on(Takes::Machine)?;
        match on.value {
            VantagePoint::Machine(value) => Some(At {
                value,
                place: on.place,
            }),
            VantagePoint::Guest(_) | VantagePoint::Container(..) => None,
        }
    }

    /// From where it looks.
    pub fn looks_from(&self) -> Option<At<'a, VantagePoint>> {
        let text = self.reader.need("from", self.reader.text("from"))?;
        let from = At {
            value: vantage(self.context, &text)?,
            place: text.place,
        };
        self.runs(&from);
        Some(from)
    }

    /// Reports a guest that does not run then.
    fn runs(&self, place: &At<'_, VantagePoint>) {
        if let VantagePoint::Guest(guest) | VantagePoint::Container(guest, _) = &place.value
            && !self.state.runs(guest.as_str())
        {
            let message = format!("guest `{guest}` does not run");
            let label = "at this point of the steps";
            self.fault(place.place, code::CONFLICT, &message, label);
        }
    }

    /// What a guest's image has in it.
    pub fn provides(&self, guest: &MachineName) -> &'static Provides {
        let known = self.context.known.guests.get(guest.as_str());
        Provides::of(known.and_then(|guest| guest.image).unwrap_or("debian"))
    }

    /// A guest of the scenario.
    pub fn guest(&self) -> Option<At<'a, &'a str>> {
        let guest = self.reader.need("guest", self.reader.text("guest"))?;
        self.context.is_guest(&guest).then_some(guest)
    }

    /// An interface of the place where it is done, which need not be named.
    pub fn interface_at(&self, key: &str, on: From<'_, '_>) -> Option<IfName> {
        interface_at(self.context, self.reader, key, on)
    }

    /// The interface of the place where it is done.
    pub fn interface(&self, on: From<'_, '_>) -> Option<IfName> {
        self.reader
            .need("interface", self.interface_at("interface", on))
    }

    /// The interface of the machine where it is done.
    pub fn link_of(&self, on: Option<&At<'_, MachineName>>) -> Option<IfName> {
        let on = on.map(|on| At {
            value: VantagePoint::Machine(on.value.clone()),
            place: on.place,
        });
        self.interface(on.as_ref())
    }
}
