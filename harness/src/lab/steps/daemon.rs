//! Daemons that steps start, stop and reload.

use std::io;

use super::super::error::LabError;
use super::super::run::Run;
use super::super::testbed::GRACE;
use super::NotDone;
use crate::deadline::Deadline;
use crate::plan::action;
use crate::scenario::VantagePoint;
use crate::scenario::step::{Action, Daemon};

impl Run<'_> {
    pub(super) async fn start_daemon(
        &mut self,
        action: &Action,
        on: &VantagePoint,
        daemon: Daemon,
        by: Deadline,
    ) -> Result<String, NotDone> {
        if action::commands(action, self.asked.job.guests).is_some() {
            return self.run_commands(action, by).await;
        }
        let name = on.to_string();
        let machine = self.asked.scenario.machines.get(name.as_str());
        match daemon {
            Daemon::Networkd => self.testbed.lab.start_networkd_again(&name).await?,
            Daemon::Dnsmasq => {
                let config = machine.and_then(|machine| machine.dnsmasq.as_ref());
                let config = config.ok_or_else(|| absent(on, daemon))?;
                self.testbed
                    .lab
                    .start_dnsmasq(&name, config, self.asked.folders)
                    .await?;
            }
            Daemon::Http => {
                let config = machine.and_then(|machine| machine.http.as_ref());
                let config = config.ok_or_else(|| absent(on, daemon))?;
                self.testbed.lab.start_http(&name, config).await?;
            }
            Daemon::Resolved | Daemon::Docker => return Err(absent(on, daemon).into()),
        }
        Ok(String::new())
    }

    pub(super) async fn stop_daemon(
        &mut self,
        action: &Action,
        on: &VantagePoint,
        daemon: Daemon,
        by: Deadline,
    ) -> Result<String, NotDone> {
        if action::commands(action, self.asked.job.guests).is_some() {
            return self.run_commands(action, by).await;
        }
        let name = on.to_string();
        match daemon {
            Daemon::Networkd => self.testbed.lab.stop_networkd(&name, GRACE).await?,
            Daemon::Dnsmasq => self.testbed.lab.stop_dnsmasq(&name, GRACE).await?,
            Daemon::Http => self.testbed.lab.stop_http(&name).await,
            Daemon::Resolved | Daemon::Docker => return Err(absent(on, daemon).into()),
        }
        Ok(String::new())
    }

    /// dnsmasq's reload; networkd's is a command.
    pub(super) fn reload_daemon(
        &self,
        on: &VantagePoint,
        daemon: Daemon,
    ) -> Result<String, NotDone> {
        match daemon {
            Daemon::Dnsmasq => self.testbed.lab.reload_dnsmasq(&on.to_string())?,
            other => return Err(absent(on, other).into()),
        }
        Ok(String::new())
    }
}

fn absent(on: &VantagePoint, daemon: Daemon) -> LabError {
    LabError::Io {
        doing: format!("find {}", daemon.name()),
        machine: on.to_string(),
        source: io::ErrorKind::NotFound.into(),
    }
}
