//! The table of VMMs of `docs/hypervisors.md`: a column for each.

use crate::scenario::vmm::Feature;
use crate::scenario::{HypervisorKind, TapOpen};

/// A row: its head, and what is said of each.
type Row = (&'static str, fn(HypervisorKind) -> String);

const ROWS: [Row; 17] = [
    ("", |kind| kind.to_string()),
    ("program", |kind| format!("`{}`", kind.program)),
    ("at least", |kind| match kind.least {
        (0, 0) => String::new(),
        (major, minor) => format!("{major}.{minor}"),
    }),
    ("`emulation`: without KVM", |kind| {
        yes(kind, Feature::Emulation)
    }),
    ("`machine`", |kind| words(kind.machines)),
    ("`transport`", |kind| words(kind.transports)),
    ("`template`: starts in a moment", |kind| {
        yes(kind, Feature::Template)
    }),
    (
        "`copy-on-write-disk`: guests of the image `debian`",
        |kind| yes(kind, Feature::CopyOnWriteDisk),
    ),
    ("`tap-descriptor`: `open = \"fd\"`", |kind| {
        yes(kind, Feature::TapDescriptor)
    }),
    ("macvtap", macvtap),
    ("`queues`", |kind| yes(kind, Feature::Queues)),
    ("`vhost`", |kind| yes(kind, Feature::Vhost)),
    ("`mtu`: an MTU that is not the TAP's", |kind| {
        yes(kind, Feature::Mtu)
    }),
    ("`offloads`: switched off", |kind| {
        yes(kind, Feature::Offloads)
    }),
    ("tells the guest the TAP's MTU by itself", |kind| {
        let told = kind.tells_mtu.map(|tells| if tells { "yes" } else { "no" });
        told.unwrap_or_default().to_owned()
    }),
    ("steps `plug` and `unplug`", |kind| kind.plugs.to_owned()),
    ("steering channel", |kind| kind.steering.to_owned()),
];

/// The table as Markdown.
pub fn vmm_table() -> String {
    let mut lines: Vec<String> = ROWS.iter().map(|row| line(*row)).collect();
    let rule = "|---".repeat(1 + HypervisorKind::all().count());
    lines.insert(1, format!("{rule}|"));
    lines.join("\n") + "\n"
}

/// The words of `hypervisor`, as `scenarios/README.md` lists them.
pub fn vmm_words() -> String {
    let words = HypervisorKind::all().map(|kind| format!("`\"{kind}\"`"));
    words.collect::<Vec<_>>().join(", ")
}

fn line((head, said): Row) -> String {
    let mut text = String::from("|");
    for cell in [head.to_owned()]
        .into_iter()
        .chain(HypervisorKind::all().map(said))
    {
        let blank = if cell.is_empty() { "" } else { " " };
        text.push_str(&format!(" {cell}{blank}|"));
    }
    text
}

fn yes(kind: HypervisorKind, feature: Feature) -> String {
    let can = if kind.can(feature) { "yes" } else { "" };
    can.to_owned()
}

/// The words that say more than `auto`.
fn words<T>(known: &[(&'static str, T)]) -> String {
    let names = known.iter().map(|(name, _)| *name);
    let names = names.filter(|name| *name != "auto");
    let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.sort_unstable();
    names.join(", ")
}

fn macvtap(kind: HypervisorKind) -> String {
    let way = kind.macvtap.first().map(|way| match way {
        TapOpen::Fd if kind.can(Feature::Queues) => "descriptors",
        TapOpen::Fd => "descriptor",
        TapOpen::Name => "path of the node",
    });
    way.unwrap_or_default().to_owned()
}
