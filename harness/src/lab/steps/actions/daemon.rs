//! Steps that start, stop and reload daemons.

use std::io;

use super::{ByHand, CarryOut, Doing, ON};
use crate::check::{no_docker, no_server};
use crate::deadline::Deadline;
use crate::lab::assignment::Assignment;
use crate::lab::daemon_times::GRACE;
use crate::lab::error::LabError;
use crate::lab::run::Run;
use crate::lab::steps::NotDone;
use crate::lab::steps::by_hand::{in_guest, words};
use crate::lab::topology::Lab;
use crate::plan::GuestKind;
use crate::scenario::declare::{
    Asked, At, Change, Declared, Key, KeyType, TableKeys, Takes, code, first_of_each, may, must,
    table_keys,
};
use crate::scenario::names::IfName;
use crate::scenario::{Scenario, Step, VantagePoint};

/// A daemon that steps can start and stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Daemon {
    /// systemd-networkd, of a machine or a guest.
    Networkd,
    /// dnsmasq of a machine.
    Dnsmasq,
    /// The web server of a machine.
    Http,
    /// systemd-resolved of a guest.
    Resolved,
    /// Docker of a guest.
    Docker,
}

/// The word for each in a scenario.
const DAEMONS: [(&str, Daemon); 5] = [
    ("networkd", Daemon::Networkd),
    ("dnsmasq", Daemon::Dnsmasq),
    ("http", Daemon::Http),
    ("resolved", Daemon::Resolved),
    ("docker", Daemon::Docker),
];
const NAMES: KeyType = KeyType::Words(&first_of_each(&DAEMONS));
const KEYS: &[Key] = &[
    must("on", KeyType::Text, ON),
    must("daemon", NAMES, "which"),
];

impl Daemon {
    fn name(self) -> &'static str {
        let mut rows = DAEMONS.iter();
        rows.find(|(_, daemon)| *daemon == self)
            .map_or("", |(name, _)| name)
    }

    /// Units of the daemon in a guest: its sockets would start it again, so they are stopped with it.
    fn units(self) -> &'static [&'static str] {
        match self {
            Self::Networkd => &["systemd-networkd.socket", "systemd-networkd.service"],
            Self::Resolved => &["systemd-resolved.service"],
            Self::Docker => &["docker.socket", "docker.service"],
            Self::Dnsmasq | Self::Http => &[],
        }
    }
}

/// Starts a daemon; in a guest by `systemctl start`.
#[derive(Debug)]
pub(super) struct StartDaemon(Which);

/// Stops a daemon; in a guest by `systemctl stop`.
#[derive(Debug)]
pub(super) struct StopDaemon(Which);

#[derive(Debug)]
struct Which {
    on: VantagePoint,
    daemon: Daemon,
}

impl Declared for StartDaemon {
    const KEYS: TableKeys = table_keys("start_daemon", "`systemctl start DAEMON`", KEYS);
    const REMARK: &'static str = "`\"networkd\"`, `\"dnsmasq\"` and `\"http\"` are daemons of a machine, `\"networkd\"`, \
                                  `\"resolved\"` and `\"docker\"` of a guest";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        Which::read(asked, true).map(Self)
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![Change::MayMakeLinks { on: &self.0.on }]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for StartDaemon {
    fn by_hand(&self, _: &Scenario, guests: GuestKind) -> ByHand {
        self.0.by_hand("start", guests)
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        self.0.ghost_limit()
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let by_hand = self.0.by_hand("start", run.asked.job.guests);
            match by_hand {
                ByHand::Commands(on, lines) => run.places().run_commands(&on, &lines, by).await,
                _ => self.0.start(run.asked, &mut run.testbed.lab).await,
            }
        })
    }
}

impl Declared for StopDaemon {
    const KEYS: TableKeys = table_keys(
        "stop_daemon",
        "`systemctl stop DAEMON`; what networkd has set up stays",
        KEYS,
    );
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        Which::read(asked, false).map(Self)
    }

    fn changes(&self) -> Vec<Change<'_>> {
        Vec::new()
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for StopDaemon {
    fn by_hand(&self, _: &Scenario, guests: GuestKind) -> ByHand {
        self.0.by_hand("stop", guests)
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        self.0.ghost_limit()
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let by_hand = self.0.by_hand("stop", run.asked.job.guests);
            match by_hand {
                ByHand::Commands(on, lines) => run.places().run_commands(&on, &lines, by).await,
                _ => self.0.stop(&mut run.testbed.lab).await,
            }
        })
    }
}

impl Which {
    fn read(asked: &mut Asked<'_, '_>, start: bool) -> Option<Self> {
        let on = asked.on(Takes::Link);
        let reader = asked.reader;
        let daemon = reader.need("daemon", reader.meaning("daemon", &DAEMONS));
        let (on, daemon) = (on?, daemon?);
        is_there(asked, &on, &daemon)?;
        asked
            .state
            .turn_daemon(asked.context, &on, daemon.value.name(), start);
        Some(Self {
            on: on.value,
            daemon: daemon.value,
        })
    }

    fn by_hand(&self, verb: &str, guests: GuestKind) -> ByHand {
        let on = self.on.clone();
        if in_guest(&on, guests) {
            let line = format!("systemctl {verb} {}", self.daemon.units().join(" "));
            return ByHand::Commands(on, vec![words(&line)]);
        }
        ByHand::Line(on, format!("systemctl {verb} {}", self.daemon.name()))
    }

    fn ghost_limit(&self) -> Option<String> {
        match (&self.on, self.daemon) {
            (VantagePoint::Guest(guest), Daemon::Docker) => Some(no_docker(guest)),
            (VantagePoint::Guest(guest), Daemon::Resolved) => Some(no_server(guest.as_ref())),
            _ => None,
        }
    }

    fn absent(&self) -> LabError {
        LabError::Io {
            doing: format!("find {}", self.daemon.name()),
            machine: self.on.to_string(),
            source: io::ErrorKind::NotFound.into(),
        }
    }
}

/// Reports a daemon that its place does not have.
fn is_there(
    asked: &Asked<'_, '_>,
    on: &At<'_, VantagePoint>,
    daemon: &At<'_, Daemon>,
) -> Option<()> {
    let (there, lacks) = match &on.value {
        VantagePoint::Machine(name) => {
            let known = asked.context.known.machines.get(name.as_str());
            let there = known.is_none_or(|machine| match daemon.value {
                Daemon::Networkd => machine.networkd,
                Daemon::Dnsmasq => machine.dnsmasq,
                Daemon::Http => machine.http,
                Daemon::Resolved | Daemon::Docker => false,
            });
            (there, format!("machine `{name}` has no"))
        }
        VantagePoint::Guest(name) => {
            let provides = asked.provides(name);
            let there = match daemon.value {
                Daemon::Networkd | Daemon::Resolved => provides.networkd,
                Daemon::Docker => provides.docker,
                Daemon::Dnsmasq | Daemon::Http => false,
            };
            (there, format!("guest `{name}` has no"))
        }
        VantagePoint::Container(..) => return None,
    };
    if there {
        return Some(());
    }
    let message = format!("{lacks} {}", daemon.value.name());
    let label = "not a daemon of that place";
    asked.fault(daemon.place, code::CONFLICT, &message, label);
    None
}

/// Makes networkd read its unit files again (`networkctl reload`, with an interface `networkctl reconfigure`), or dnsmasq
/// forget what it has cached (SIGHUP).
#[derive(Debug)]
pub(super) struct Reload {
    which: Which,
    /// Link to configure anew.
    interface: Option<IfName>,
}

impl Declared for Reload {
    const KEYS: TableKeys = table_keys(
        "reload",
        "`networkctl reload`; with `interface`: `networkctl reconfigure INTERFACE`; dnsmasq: SIGHUP, it forgets its cache",
        &[
            must("on", KeyType::Text, ON),
            may("daemon", NAMES, "\"networkd\"", "networkd or dnsmasq"),
            may("interface", KeyType::INTERFACE, "none", "link"),
        ],
    );
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.on(Takes::Link);
        let reader = asked.reader;
        let daemon = reader.meaning("daemon", &DAEMONS);
        let interface = asked.interface_at("interface", on.as_ref());
        let on = on?;
        let daemon = daemon.unwrap_or(At {
            value: Daemon::Networkd,
            place: reader.place,
        });
        is_there(asked, &on, &daemon)?;
        let fault = |place, message: &str, label: &str| {
            asked.fault(place, code::CONFLICT, message, label);
        };
        if !matches!(daemon.value, Daemon::Networkd | Daemon::Dnsmasq) {
            let message = format!("{} cannot be reloaded", daemon.value.name());
            fault(daemon.place, &message, "stop and start it instead");
        }
        if daemon.value != Daemon::Networkd
            && let Some(entry) = reader.entry("interface")
        {
            let label = "only networkd configures links";
            fault(&entry.key, "`interface` without networkd", label);
        }
        let (on, daemon) = (on.value, daemon.value);
        let which = Which { on, daemon };
        Some(Self { which, interface })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![Change::MayMakeLinks { on: &self.which.on }]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Reload {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        let on = self.which.on.clone();
        match self.which.daemon {
            Daemon::Networkd => ByHand::Commands(on, vec![networkctl(self.interface.as_ref())]),
            other => ByHand::Line(on, format!("killall -HUP {}", other.name())),
        }
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let on = &self.which.on;
            match self.which.daemon {
                Daemon::Networkd => {
                    let link = match &self.interface {
                        Some(interface) => Some(run.places().local_name(on, interface, by).await?),
                        None => None,
                    };
                    return run
                        .places()
                        .run_commands(on, &[networkctl(link.as_ref())], by)
                        .await;
                }
                Daemon::Dnsmasq => run.testbed.lab.reload_dnsmasq(&on.to_string())?,
                _ => return Err(self.which.absent().into()),
            }
            Ok(String::new())
        })
    }
}

fn networkctl(interface: Option<&IfName>) -> Vec<String> {
    words(&match interface {
        Some(interface) => format!("networkctl reconfigure {interface}"),
        None => "networkctl reload".to_owned(),
    })
}

impl Which {
    async fn start(&self, asked: Assignment<'_>, lab: &mut Lab) -> Result<String, NotDone> {
        let name = self.on.to_string();
        let machine = asked.scenario.machines.get(name.as_str());
        match self.daemon {
            Daemon::Networkd => lab.start_networkd_again(&name).await?,
            Daemon::Dnsmasq => {
                let config = machine.and_then(|machine| machine.dnsmasq.as_ref());
                let config = config.ok_or_else(|| self.absent())?;
                lab.start_dnsmasq(&name, config, asked.folders).await?;
            }
            Daemon::Http => {
                let config = machine.and_then(|machine| machine.http.as_ref());
                let config = config.ok_or_else(|| self.absent())?;
                lab.start_http(&name, config).await?;
            }
            Daemon::Resolved | Daemon::Docker => return Err(self.absent().into()),
        }
        Ok(String::new())
    }

    async fn stop(&self, lab: &mut Lab) -> Result<String, NotDone> {
        let name = self.on.to_string();
        match self.daemon {
            Daemon::Networkd => lab.stop_networkd(&name, GRACE).await?,
            Daemon::Dnsmasq => lab.stop_dnsmasq(&name, GRACE).await?,
            Daemon::Http => lab.stop_http(&name).await,
            Daemon::Resolved | Daemon::Docker => return Err(self.absent().into()),
        }
        Ok(String::new())
    }
}
