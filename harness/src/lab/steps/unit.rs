//! Unit files that steps write, and sysctls that they set.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::super::error::LabError;
use super::super::run::Run;
use super::NotDone;
use crate::check::Vantage;
use crate::deadline::Deadline;
use crate::guest::sysctls;
use crate::host::netns::write_sysctl;
use crate::plan::action::unit_folder;
use crate::plan::sysctl::{for_link, link_of};
use crate::scenario::names::IfName;
use crate::scenario::{UnitFile, VantagePoint};

impl Run<'_> {
    pub(super) async fn write_unit(
        &self,
        on: &VantagePoint,
        unit: &UnitFile,
        by: Deadline,
    ) -> Result<String, NotDone> {
        let path = Path::new(unit_folder(on, self.asked.job.guests)).join(&unit.name);
        match self.place(on)? {
            Vantage::Machine(machine) => {
                let (bytes, to) = (unit.bytes.clone(), path.clone());
                // Each machine has a `/run` of its own, which only its thread sees.
                let written = machine
                    .run(async move {
                        // A drop-in has a folder of its own.
                        to.parent().map_or(Ok(()), fs::create_dir_all)?;
                        fs::write(to, bytes)
                    })
                    .await;
                let written = written.map_err(LabError::from)?;
                written.map_err(|source| LabError::Io {
                    doing: format!("write `{}`", path.display()),
                    machine: machine.name().to_owned(),
                    source,
                })?;
            }
            place => {
                let bytes = BASE64_STANDARD.encode(&unit.bytes);
                let folder = path.parent().unwrap_or(&path);
                let line = format!(
                    "mkdir -p {} && echo {bytes} | base64 -d > {}",
                    folder.display(),
                    path.display()
                );
                self.run_shell(&place, &line, by).await?;
            }
        }
        Ok(String::new())
    }

    pub(super) async fn sysctl(
        &self,
        on: &VantagePoint,
        key: &str,
        value: &str,
        by: Deadline,
    ) -> Result<String, NotDone> {
        // A guest's NIC goes by its name on the host, as everywhere.
        let link = link_of(key).map(|link| link.replace('/', "."));
        let named = match link.and_then(|link| IfName::try_from(link.as_str()).ok()) {
            Some(link) => for_link(key, self.local_name(on, &link, by).await?.as_str()),
            None => key.to_owned(),
        };
        let key = named.as_str();
        match self.place(on)? {
            Vantage::Machine(machine) => {
                let (wanted, to) = (key.to_owned(), value.to_owned());
                let written = machine.run(async move { write_sysctl(&wanted, &to) }).await;
                let written = written.map_err(LabError::from)?;
                written.map_err(|source| LabError::Io {
                    doing: format!("run `sysctl -w {key}={value}`"),
                    machine: machine.name().to_owned(),
                    source,
                })?;
            }
            place => {
                // Not every image has sysctl(8).
                let path = sysctls::path(key);
                let line = format!(
                    "echo {} > /proc/sys/{path}",
                    crate::plan::shell::quote(value)
                );
                self.run_shell(&place, &line, by).await?;
            }
        }
        Ok(String::new())
    }

    async fn run_shell(&self, place: &Vantage, line: &str, by: Deadline) -> Result<(), NotDone> {
        let _turn = place.turn().await;
        let output = place.exec(&["sh", "-c", line], by).await?;
        match output.success() {
            true => Ok(()),
            false => Err(NotDone::Refused(output.stderr.trim().to_owned())),
        }
    }
}
