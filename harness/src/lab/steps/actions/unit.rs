//! Steps that write and remove unit files.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{ByHand, CarryOut, Doing, ON};
use crate::check::Vantage;
use crate::deadline::Deadline;
use crate::lab::error::LabError;
use crate::lab::run::Run;
use crate::lab::steps::by_hand::{unit_folder, words};
use crate::lab::steps::command::run_shell;
use crate::lab::steps::{NotDone, Places};
use crate::plan::GuestKind;
use crate::scenario::declare::{
    Asked, At, Change, Declared, Fault, KeyType, LARGEST_UNIT, TableKeys, Takes, UNIT_SUFFIXES,
    code, from_here, may, must, table_keys,
};
use crate::scenario::{Scenario, Step, UnitFile, VantagePoint};

/// Writes or replaces a unit file. networkd notices when it is reloaded.
#[derive(Debug)]
pub(super) struct WriteUnit {
    /// A machine with networkd, or a guest.
    on: VantagePoint,
    unit: UnitFile,
}

impl Declared for WriteUnit {
    const KEYS: TableKeys = table_keys(
        "write_unit",
        "writes a unit file, or replaces it; `reload` makes it count",
        &[
            must("on", KeyType::Text, ON),
            may("name", KeyType::Text, "the name of `file`", "file name"),
            may("content", KeyType::Text, "that of `file`", "what it says"),
            may(
                "file",
                KeyType::PATH,
                "none",
                "a file beside the scenario's",
            ),
        ],
    );
    const REMARK: &'static str = "A drop-in is one as well";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.on(Takes::Networkd);
        let unit = written(asked);
        Some(Self {
            on: on?.value,
            unit: unit?,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        let Self { on, unit } = self;
        vec![Change::WritesUnit { on, unit }]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for WriteUnit {
    fn by_hand(&self, _: &Scenario, guests: GuestKind) -> ByHand {
        let folder = unit_folder(&self.on, guests);
        ByHand::Line(self.on.clone(), format!("cp {} {folder}/", self.unit.name))
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(self.write(run.places(), run.asked.job.guests, by))
    }
}

/// Removes a unit file.
#[derive(Debug)]
pub(super) struct RemoveUnit {
    /// A machine with networkd, or a guest.
    on: VantagePoint,
    name: String,
}

impl Declared for RemoveUnit {
    const KEYS: TableKeys = table_keys(
        "remove_unit",
        "`rm`",
        &[
            must("on", KeyType::Text, ON),
            must("name", KeyType::Text, "file name"),
        ],
    );
    const REMARK: &'static str = "";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.on(Takes::Networkd);
        let name = asked.reader.need("name", asked.reader.text("name"));
        let name = name.and_then(|name| unit_name(asked, &name));
        Some(Self {
            on: on?.value,
            name: name?,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![Change::RemovesUnit { on: &self.on }]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for RemoveUnit {
    fn by_hand(&self, _: &Scenario, guests: GuestKind) -> ByHand {
        ByHand::Commands(self.on.clone(), vec![self.command(guests)])
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, by: Deadline) -> Doing<'r> {
        Box::pin(async move {
            let line = self.command(run.asked.job.guests);
            run.places().run_commands(&self.on, &[line], by).await
        })
    }
}

impl RemoveUnit {
    fn command(&self, guests: GuestKind) -> Vec<String> {
        words(&format!(
            "rm {}/{}",
            unit_folder(&self.on, guests),
            self.name
        ))
    }
}

/// Reads the file of a `write_unit`: `name` and `content`, or a `file` beside the scenario, whose name it keeps.
fn written(asked: &Asked<'_, '_>) -> Option<UnitFile> {
    let (context, reader) = (asked.context, asked.reader);
    let (name, content) = (reader.text("name"), reader.text("content"));
    let fault = |at: &At<'_, &str>, code, message: String, label: &str| {
        context
            .faults
            .add(Fault::new(at.place, code, message, label.to_owned()));
    };
    let Some(file) = reader.text("file") else {
        let name = reader.need("name", name);
        let content = reader.need("content", content);
        let name = name.and_then(|name| unit_name(asked, &name));
        let name = name?;
        return Some(UnitFile {
            shown: (&name).into(),
            name,
            bytes: content?.value.as_bytes().into(),
        });
    };
    if let Some(content) = content {
        let message = "`write_unit` has both `content` and `file`".to_owned();
        fault(&content, code::CONFLICT, message, "the second content");
    }
    let path = Path::new(file.value);
    if path.is_absolute() {
        let message = "`file` is an absolute path".to_owned();
        let label = "must be relative to the scenario file";
        fault(&file, code::BAD_VALUE, message, label);
        return None;
    }
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    let own = At {
        value: own.as_ref(),
        place: file.place,
    };
    let name = unit_name(asked, &name.unwrap_or(own))?;
    match context.files.read(path, LARGEST_UNIT) {
        Ok(bytes) => Some(UnitFile {
            name,
            shown: from_here(&context.files.named(path)),
            bytes,
        }),
        Err(unread) => {
            let what = ("unit file", "the file to write");
            context.unread(&file, what, &unread, code::UNIT_FILE);
            None
        }
    }
}

/// Reads the name of a unit file of a kind that networkd reads, or of a drop-in for one: `10-lan.network.d/mtu.conf`.
fn unit_name(asked: &Asked<'_, '_>, name: &At<'_, &str>) -> Option<String> {
    if is_unit_name(name.value) {
        return Some(name.value.to_owned());
    }
    let message = format!("{:?} is not the name of a unit file", name.value);
    let label = "not a name that networkd reads".to_owned();
    let help = "for example `10-lan.network`, or `10-lan.network.d/mtu.conf` for a drop-in; unit files end in \
                `.network`, `.netdev` or `.link`";
    let fault = Fault::new(name.place, code::BAD_VALUE, message, label);
    asked.context.faults.add(fault.help(help.to_owned()));
    None
}

fn is_unit_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@' | b':');
    let is_file = |name: &str| name.bytes().all(plain) && !name.starts_with('.');
    let ends = |name: &str, suffix: &str| name.strip_suffix(suffix).is_some_and(|s| !s.is_empty());
    let is_unit =
        |name: &str| is_file(name) && UNIT_SUFFIXES.iter().any(|suffix| ends(name, suffix));
    match name.split_once(".d/") {
        Some((unit, drop_in)) => is_unit(unit) && is_file(drop_in) && ends(drop_in, ".conf"),
        None => is_unit(name),
    }
}

impl WriteUnit {
    async fn write(
        &self,
        places: Places<'_>,
        guests: GuestKind,
        by: Deadline,
    ) -> Result<String, NotDone> {
        let Self { on, unit } = self;
        let path = Path::new(unit_folder(on, guests)).join(&unit.name);
        match places.place(on)? {
            Vantage::Machine(machine) => {
                let (bytes, to) = (unit.bytes.clone(), path.clone());
                // Write from the machine's own thread: each machine has a `/run` of its own, which no other thread sees.
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
                run_shell(&place, &line, by).await?;
            }
        }
        Ok(String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::is_unit_name;

    #[test]
    fn units_and_their_drop_ins_have_names() {
        for good in [
            "10-lan.network",
            "br0.netdev",
            "a.link",
            "a.network.d/b.conf",
        ] {
            assert!(is_unit_name(good), "{good}");
        }
        for bad in [
            ".network",
            ".a.network",
            "a.conf",
            "a/b.network",
            "../a.network",
            "a.network.d/b.network",
            "a.network.d/.b.conf",
            "a.network.d/b/c.conf",
            "a.conf.d/b.conf",
        ] {
            assert!(!is_unit_name(bad), "{bad}");
        }
    }
}
