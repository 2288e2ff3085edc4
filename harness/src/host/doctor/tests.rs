//! The pure half of the doctor: reports made up by hand.

use super::*;
use crate::host::finding::Status;
use crate::host::isolate::Refused;

fn qemu() -> Capability {
    Capability::Vmm(HypervisorKind::default())
}

fn report(findings: Vec<Finding>) -> DoctorReport {
    let distribution =
        Distribution::parse("ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n");
    DoctorReport {
        schema: DoctorReport::SCHEMA,
        kernel: "6.12.0".to_owned(),
        architecture: "x86_64",
        processors: 2,
        root: false,
        shares_user_namespace: None,
        setup: None,
        distribution,
        findings,
        kvm: KvmVerdict::Unproven {
            reason: "no kernel".to_owned(),
        },
        tools: Tools::none(),
    }
}

fn mixed() -> DoctorReport {
    report(vec![
        Finding::present(Capability::Bridge, None, "it works"),
        Finding::absent(
            Capability::Tap,
            "open: denied",
            Some("sudo chmod 0666 /dev/net/tun".to_owned()),
        ),
        Finding::present(qemu(), Some("7.2.22".to_owned()), "/usr/bin/qemu"),
        Finding::absent(Capability::Netem, "the kernel has none", None),
    ])
}

#[test]
fn the_table_is_aligned_and_names_every_remedy() {
    let text = mixed().to_text(Style::Plain);
    insta::assert_snapshot!(text, @r"
    Debian 12, Linux 6.12.0, x86_64, 2 processors, as an ordinary user

    Every run needs
      bridge  present          it works
      tap     ABSENT           open: denied
              for: the guests' network cards
              mend: sudo chmod 0666 /dev/net/tun
      qemu    present  7.2.22  /usr/bin/qemu

    Some scenarios need, and are skipped without
      netem   absent           the kernel has none
              for: scenarios with loss, delay or reordering
              else: run --lab vm has it

    This machine cannot run the lab yet; missing: tap.
    ");
}

#[test]
fn root_is_told_whether_its_lab_has_a_user_namespace_and_what_mends_that() {
    let mut report = report(vec![Finding::present(Capability::Bridge, None, "it works")]);
    assert!(!report.to_text(Style::Plain).contains("The lab of root"));
    report.root = true;
    let text = report.to_text(Style::Plain);
    assert!(text.contains("has a user namespace of its own"), "{text}");
    report.shares_user_namespace = Some(Refused {
        why: "`/proc/kcore` is covered".to_owned(),
        remedy: "umount /proc/kcore".to_owned(),
    });
    let text = report.to_text(Style::Plain);
    for told in ["`/proc/kcore` is covered", "mend: umount /proc/kcore"] {
        assert!(text.contains(told), "no `{told}` in\n{text}");
    }
}

#[test]
fn what_nobody_answered_for_is_neither_here_nor_lacking() {
    let report = report(vec![Finding::unanswered(qemu(), "signal: 9 (SIGKILL)")]);
    assert!(report.missing().is_empty());
    let unmet = report.require(&[qemu()]).unwrap_err();
    assert!(unmet[0].unanswered);
    assert_eq!(installable(&report.findings, &Tools::none()), []);
    let text = report.to_text(Style::Plain);
    assert!(text.contains("qemu  UNKNOWN"), "{text}");
    assert!(text.contains("is not known"), "{text}");
}

#[test]
fn colours_are_only_used_when_asked_for() {
    assert!(!mixed().to_text(Style::Plain).contains('\x1b'));
    assert!(
        mixed()
            .to_text(Style::Colour)
            .contains("\x1b[31mABSENT \x1b[0m")
    );
}

#[test]
fn only_what_is_required_keeps_a_machine_from_being_ready() {
    let report = mixed();
    let missing: Vec<Capability> = report
        .missing()
        .iter()
        .map(|finding| finding.capability)
        .collect();
    assert_eq!(missing, [Capability::Tap]);
    assert!(!report.ready());
    let unmet = report
        .require(&[Capability::Bridge, Capability::Netem])
        .unwrap_err();
    assert_eq!(unmet.len(), 1);
    assert_eq!(unmet[0].capability, Capability::Netem);
    assert!(report.require(&[Capability::Bridge, qemu()]).is_ok());
}

#[test]
fn json_has_its_schema_and_stable_names() {
    let json = serde_json::to_value(mixed()).unwrap();
    assert_eq!(json["schema"], 2);
    assert_eq!(json["findings"][1]["capability"], "tap");
    assert_eq!(json["findings"][1]["status"]["state"], "absent");
    assert_eq!(json["kvm"]["verdict"], "unproven");
}

#[tokio::test]
async fn setup_installs_programs_and_leaves_id_ranges_to_usermod() {
    let absent = |capability| Finding::absent(capability, "x", None);
    let found = [Capability::SubordinateIds, qemu(), Capability::Netem].map(absent);
    let both = [Capability::SubordinateIds, qemu()];
    assert_eq!(
        installable(&found, &Tools::none()),
        both,
        "without the helpers"
    );
    let instead = [Tool::Newuidmap, Tool::Newgidmap].map(|tool| (tool, PathBuf::from("/bin/true")));
    let debian = Distribution::parse("ID=debian\n");
    let tools = Tools::find(&BTreeMap::from(instead), &debian, Deadline::secs(10)).await;
    assert_eq!(installable(&found, &tools), [qemu()], "with the helpers");
}

#[test]
fn a_capability_of_several_programs_is_as_good_as_its_worst() {
    let found = programs(&Tools::none());
    let iproute: Vec<&Finding> = found
        .iter()
        .filter(|one| one.capability == Capability::Iproute2)
        .collect();
    assert_eq!(iproute.len(), 1);
    assert!(matches!(iproute[0].status, Status::Absent { .. }));
}
