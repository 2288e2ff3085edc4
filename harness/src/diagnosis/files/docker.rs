//! The unit file by which networkd of a guest takes Docker's veths.

use super::located::Located;
use super::machine::UnitMachine;
use crate::diagnosis::code::Code;
use crate::diagnosis::finding::{At, Edit, Remedy};
use crate::diagnosis::gap::Gap;
use crate::networkd::{Link, LinkKind, LinkName, Matches};

/// What the page "A simple network setup" of microvm.nix puts into a guest in which Docker runs.
const FILE: &str = "19-docker.network";
const TEXT: &str = "[Match]\nName=veth*\n\n[Link]\nUnmanaged=yes\n";
const PAGE: &str = "microvm.nix, \"A simple network setup\", Docker and systemd-networkd";

/// The `[Match]` that finds Docker's veths, of a unit that does not leave them alone.
pub(super) fn veths(gap: &Gap, machine: &UnitMachine<'_>) -> Option<Located> {
    if gap.code != Code::ContainerVethTaken {
        return None;
    }
    let name = gap.link.clone().unwrap_or_else(|| "veth0000000".to_owned());
    let veth = Link {
        name: LinkName::Exactly(name.clone()),
        mac: None,
        kind: LinkKind::made("veth"),
    };
    let mut units = machine.networks();
    let taken = units.find(|unit| unit.matches(&machine.links, &veth) != Matches::No)?;
    if taken
        .last("Link", "Unmanaged")
        .is_some_and(|value| super::value::same(value, "yes"))
    {
        return None;
    }
    let setting = *taken.match_settings().first()?;
    let folder = machine.file(&taken.name)?.shown.parent()?.to_owned();
    Some(Located {
        code: None,
        statement: Some(format!(
            "`{}={}` of `{}` matches Docker's `{name}` as well, so networkd of {} takes it off Docker's bridge",
            setting.key, setting.value, taken.name, machine.name
        )),
        place: Some(At::of(&setting.value_place)),
        evidence: Vec::new(),
        remedy: Some(Remedy {
            statement: format!("put a `{FILE}` beside it, which leaves Docker's veths alone"),
            source: Some(PAGE.to_owned()),
            edits: vec![Edit {
                file: folder.join(FILE),
                line: None,
                from: String::new(),
                to: TEXT.to_owned(),
            }],
        }),
    })
}
