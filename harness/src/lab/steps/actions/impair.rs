//! Steps that make a link lose, delay or throttle frames, with netem.

use std::time::Duration;

use super::{ByHand, CarryOut, Doing, LINK, ON_MACHINE};
use crate::check::Vantage;
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::host::capability::Capability;
use crate::host::finding::Unmet;
use crate::lab::run::Run;
use crate::lab::steps::by_hand::words;
use crate::lab::topology::Lab;
use crate::plan::{FABRIC, GuestKind};
use crate::scenario::declare::{
    Asked, Bad, Change, Declared, KeyType, TableKeys, bad, code, duration, may, must, table_keys,
};
use crate::scenario::names::{IfName, MachineName};
use crate::scenario::{Scenario, Step, VantagePoint};

/// Tries netem on the loopback interface of the switches' namespace, which nothing else uses.
const TRY_NETEM: &str = "tc qdisc add dev lo root netem delay 1ms && tc qdisc delete dev lo root";

/// Exit status of a shell whose command was ended by a signal, less the signal's number.
const BY_SIGNAL: i32 = 128;

/// `tc qdisc replace dev INTERFACE root netem ...`: impairs the frames that leave the link (tc-netem(8)).
#[derive(Debug)]
pub(super) struct Impair {
    on: MachineName,
    interface: IfName,
    /// Frames lost, in percent.
    loss: Option<u8>,
    /// Time by which each frame is delayed.
    delay: Option<Duration>,
    /// Highest rate, in kilobits a second.
    rate: Option<u32>,
}

impl Declared for Impair {
    const KEYS: TableKeys = table_keys(
        "impair",
        "`tc qdisc replace dev INTERFACE root netem ...`: what leaves the link suffers; at least one of `loss`, `delay`, `rate`",
        &[
            must("on", KeyType::Text, ON_MACHINE),
            must("interface", KeyType::INTERFACE, "link"),
            may("loss", KeyType::Integer(1, 100), "none", "percent"),
            may("delay", KeyType::TIME, "none", "of each frame"),
            may("rate", KeyType::Integer(8, 100_000_000), "none", "kbit/s"),
        ],
    );
    const REMARK: &'static str = "Needs netem, and the run is skipped where the kernel has none";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.machine();
        let interface = asked.link_of(on.as_ref());
        let reader = asked.reader;
        let loss = reader.number::<u8>("loss");
        let delay = reader.word("delay", delay_of);
        let rate = reader.number::<u32>("rate");
        let keys = ["loss", "delay", "rate"];
        if keys.iter().all(|key| reader.entry(key).is_none()) {
            let message = "`impair` needs `loss`, `delay` or `rate`";
            let label = "nothing that the link suffers";
            asked.fault(reader.place, code::MISSING_KEY, message, label);
            return None;
        }
        Some(Self {
            on: on?.value,
            interface: interface?,
            loss,
            delay: delay.map(|delay| delay.value),
            rate,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        Vec::new()
    }

    fn needs(&self) -> Vec<&'static str> {
        vec![Capability::Netem.name()]
    }
}

impl CarryOut for Impair {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        ByHand::Commands(VantagePoint::Machine(self.on.clone()), vec![self.command()])
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let on = VantagePoint::Machine(self.on.clone());
            run.places().run_commands(&on, &[self.command()], by).await
        })
    }
}

impl Impair {
    fn command(&self) -> Vec<String> {
        let mut line = format!("tc qdisc replace dev {} root netem", self.interface);
        if let Some(delay) = self.delay {
            line += &format!(" delay {}ms", delay.as_millis());
        }
        if let Some(loss) = self.loss {
            line += &format!(" loss {loss}%");
        }
        if let Some(rate) = self.rate {
            line += &format!(" rate {rate}kbit");
        }
        words(&line)
    }
}

/// Reads the time by which netem delays a frame.
fn delay_of(text: &str) -> Result<Duration, Bad> {
    let delay = duration(text)?;
    if delay < Duration::from_millis(1) || delay > Duration::from_secs(60) {
        let message = format!("`{text}` is not a delay of a link");
        return Err(bad(message, "must be between `1ms` and `1m`"));
    }
    Ok(delay)
}

/// `tc qdisc delete dev INTERFACE root`: ends what netem does to the link.
#[derive(Debug)]
pub(super) struct Unimpair {
    on: MachineName,
    interface: IfName,
}

impl Declared for Unimpair {
    const KEYS: TableKeys = table_keys("unimpair", "`tc qdisc delete dev INTERFACE root`", LINK);
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.machine();
        let interface = asked.link_of(on.as_ref());
        Some(Self {
            on: on?.value,
            interface: interface?,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        Vec::new()
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Unimpair {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        ByHand::Commands(VantagePoint::Machine(self.on.clone()), vec![self.command()])
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let on = VantagePoint::Machine(self.on.clone());
            run.places().run_commands(&on, &[self.command()], by).await
        })
    }
}

impl Unimpair {
    fn command(&self) -> Vec<String> {
        words(&format!("tc qdisc delete dev {} root", self.interface))
    }
}

/// Why the run must be skipped: one of the steps needs netem, and this kernel has none.
pub(in crate::lab) async fn needs_of(lab: &Lab, steps: &[Step]) -> Result<(), Unmet> {
    let mut actions = steps.iter().filter_map(|step| step.action.as_ref());
    if !actions.any(|action| action.needs().contains(&Capability::Netem.name())) {
        return Ok(());
    }
    let Ok(fabric) = lab.machine(FABRIC) else {
        return Ok(());
    };
    let place = Vantage::Machine(fabric.clone());
    let by = Deadline::after(Duration::from_secs(15));
    let (reason, unanswered) = match place.exec(&["sh", "-c", TRY_NETEM], by).await {
        Ok(output) if output.success() => return Ok(()),
        Ok(output) if output.status.is_none_or(|status| status > BY_SIGNAL) => {
            (format!("`{TRY_NETEM}` was ended by a signal"), true)
        }
        Ok(output) => (output.stderr.trim().to_owned(), false),
        Err(error) => (Diagnostic::new(&error).to_string(), true),
    };
    Err(Unmet {
        capability: Capability::Netem,
        reason,
        remedy: Some("load the module: `modprobe sch_netem` as root".to_owned()),
        unanswered,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_of_milliseconds_up_to_a_minute() {
        assert!(delay_of("100ms").is_ok());
        assert!(delay_of("1us").is_err() && delay_of("2m").is_err());
    }
}
