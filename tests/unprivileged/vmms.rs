//! A walk over the table of VMMs: each has in the program and in the documents all that its kind has.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::fs;

use bridgelab_harness::host::capability::Capability;
use bridgelab_harness::host::setup::{Distribution, packages};
use bridgelab_harness::host::tool::Tool;
use bridgelab_harness::hypervisor::{GuestSpec, QEMU, Steering, command, vmm_table, vmm_words};
use bridgelab_harness::scenario::vmm::Feature;
use bridgelab_harness::scenario::{
    HypervisorKind, MachineType, Overrides, Transport, load_with, needs,
};

use support::root;

#[test]
fn every_vmm_has_all_that_a_vmm_has() {
    support::turn::beside_others();
    let known = needs::capabilities();
    let mut names = BTreeSet::new();
    for kind in HypervisorKind::all() {
        assert!(names.insert(kind.name), "{kind} stands twice");
        assert_eq!(HypervisorKind::named(kind.name), Some(kind));
        let word = serde_json::to_value(kind).expect("a word");
        assert_eq!(word, kind.name);
        let read: HypervisorKind = serde_json::from_value(word).expect("its kind");
        assert_eq!(read, kind);
        assert!(
            kind.machines.contains(&("auto", MachineType::Auto)),
            "{kind}"
        );
        assert!(
            kind.transports.contains(&("auto", Transport::Auto)),
            "{kind}"
        );
        for (feature, why) in kind.lacks {
            assert!(!kind.can(*feature) && !why.is_empty(), "{kind}");
        }
        for need in kind.needs.iter().chain([&kind.name]) {
            assert!(known.contains(need), "{kind}: `{need}`");
        }
        let capability = Capability::Vmm(kind);
        assert_eq!(Capability::named(kind.name), Some(capability));
        assert!(!capability.purpose().is_empty(), "{kind}");
        let tools = Tool::all().filter(|tool| tool.capability() == capability);
        let programs: Vec<&str> = tools.map(Tool::program).collect();
        assert_eq!(programs, [kind.program]);
    }
    let by_itself = HypervisorKind::default();
    assert_eq!(by_itself, QEMU, "it proves KVM and runs lab VMs");
    let templates = HypervisorKind::all().filter(|kind| kind.can(Feature::Template));
    assert!(
        templates.eq([QEMU]),
        "what makes templates knows QEMU alone"
    );
}

#[test]
fn every_vmm_is_installed_by_something_or_says_where_it_comes_from() {
    support::turn::beside_others();
    let debian = Distribution::parse("ID=debian\n");
    for kind in HypervisorKind::all() {
        let package = !packages(&[Capability::Vmm(kind)], &debian).is_empty();
        let brought = package || kind.install.cargo.is_some();
        // The source stands after where the program was looked for.
        let source = kind.install.absent.split_once("; ");
        assert!(brought || source.is_some(), "{kind}");
    }
}

#[test]
fn every_vmm_is_told_of_the_guest_and_steered_as_its_row_says() {
    let path = root().join("scenarios/tiny-guest/scenario.toml");
    for kind in HypervisorKind::all() {
        let overrides = [Overrides::new("hypervisor", kind.row().name).expect("a VMM's word")];
        let loaded = load_with(&path, &overrides).expect("a valid scenario");
        let form = loaded.scenario(None).expect("its green form");
        let (name, guest) = form.guests.iter().next().expect("its guest");
        assert_eq!(guest.hypervisor, kind);
        let spec = GuestSpec::planned(name.as_str(), guest);
        let words = command(&spec);
        assert_eq!(words.words()[0], kind.program);
        let channel = match spec.steering(0) {
            Steering::Port(_) => "virtio-serial",
            Steering::Mapped { .. } => "vsock, unix socket",
            Steering::Vsock { .. } => "vsock, vhost-vsock",
        };
        assert_eq!(kind.steering, channel, "{kind}");
        let host = matches!(spec.steering(0), Steering::Vsock { .. });
        assert_eq!(kind.needs.contains(&"vhost-vsock"), host, "{kind}");
    }
}

/// `INSTA_UPDATE=always cargo test --test unprivileged -- vmms::` writes them. Only on x86-64, since QEMU's program differs
/// elsewhere.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_documents_have_every_vmm() {
    let table = vmm_table();
    holds("harness/docs/hypervisors.md", "| | qemu |", "\n\n", |_| {
        table.trim_end().to_owned()
    });
    let begin = "| `hypervisor` | ";
    holds("scenarios/README.md", begin, "\n", |line| {
        let rest = line.strip_prefix(begin).expect("its beginning");
        let (_, rest) = rest.split_once(" | ").expect("columns");
        format!("{begin}{} | {rest}", vmm_words())
    });
}

/// Whether a document has, from `begin` to before `end`, what `made` makes of it.
#[cfg(target_arch = "x86_64")]
fn holds(document: &str, begin: &str, end: &str, made: impl Fn(&str) -> String) {
    let path = root().join(document);
    let text = fs::read_to_string(&path).expect("a document");
    let from = text.find(begin).expect("the beginning of the table");
    let to = text[from..].find(end).expect("what is behind it") + from;
    let wanted = made(&text[from..to]);
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        let renewed = format!("{}{wanted}{}", &text[..from], &text[to..]);
        fs::write(path, renewed).expect("the document is written");
        return;
    }
    let help = "`INSTA_UPDATE=always cargo test --test unprivileged -- vmms::` makes it again";
    assert_eq!(&text[from..to], wanted, "{document}: {help}");
}
