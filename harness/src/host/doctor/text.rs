//! The report as a table.

use std::fmt::Write;

use super::DoctorReport;
use crate::host::capability::{Capability, Need};
use crate::host::finding::{Finding, Status};

/// Whether to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Letters only.
    #[default]
    Plain,
    /// For a terminal.
    Colour,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";
const BOLD: &str = "1";

/// Names in a line, so that the line fits into a terminal.
const KINDS_IN_A_LINE: usize = 10;

const GROUPS: [(Need, &str); 4] = [
    (Need::Run, "Every run needs"),
    (Need::Image, "Building the guest image needs"),
    (
        Need::SomeScenarios,
        "Some scenarios need, and are skipped without",
    ),
    (Need::Speed, "Faster with"),
];

pub(super) fn render(report: &DoctorReport, style: Style) -> String {
    let mut text = String::new();
    let who = if report.root {
        "root"
    } else {
        "an ordinary user"
    };
    let (name, kernel, cores) = (&report.distribution.name, &report.kernel, report.processors);
    line(
        &mut text,
        &format!(
            "{name}, Linux {kernel}, {}, {cores} processors, as {who}",
            report.architecture
        ),
    );
    let widths = Widths::of(&report.findings);
    for (need, title) in GROUPS {
        let group: Vec<&Finding> = report
            .findings
            .iter()
            .filter(|finding| finding.need == need)
            .filter(|finding| !matches!(finding.capability, Capability::Link(_)))
            .collect();
        if group.is_empty() {
            continue;
        }
        line(&mut text, "");
        line(&mut text, &style.paint(BOLD, title));
        for finding in group {
            row(&mut text, finding, &widths, style);
        }
    }
    link_kinds(&mut text, &report.findings, &widths, style);
    if report.root {
        user_namespace(&mut text, report, style);
    }
    line(&mut text, "");
    line(&mut text, &conclusion(report, style));
    text
}

struct Widths {
    name: usize,
    version: usize,
}

impl Widths {
    fn of(findings: &[Finding]) -> Self {
        let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
        Self {
            name: longest(
                &mut findings
                    .iter()
                    .map(|finding| finding.capability.name().len()),
            ),
            version: longest(&mut findings.iter().map(|finding| version(finding).len())),
        }
    }
}

fn version(finding: &Finding) -> &str {
    match &finding.status {
        Status::Present {
            version: Some(version),
            ..
        } => version,
        _ => "",
    }
}

fn row(text: &mut String, finding: &Finding, widths: &Widths, style: Style) {
    let (state, detail) = match &finding.status {
        Status::Present { detail, .. } => (style.paint(GREEN, "present"), detail),
        Status::Absent { reason } if finding.capability.required() => {
            (style.paint(RED, "ABSENT "), reason)
        }
        Status::Absent { reason } => (style.paint(YELLOW, "absent "), reason),
        Status::Unanswered { reason } => (style.paint(RED, "UNKNOWN"), reason),
    };
    let (name, version) = (finding.capability, version(finding));
    let Widths {
        name: wide,
        version: tall,
    } = widths;
    line(
        text,
        format!("  {name:wide$}  {state}  {version:tall$}  {detail}").trim_end(),
    );
    if !finding.is_present() {
        let indent = widths.name + 4;
        line(text, &format!("{:indent$}for: {}", "", finding.needed_for));
        if let Some(remedy) = &finding.remedy {
            line(
                text,
                &format!("{:indent$}mend: {}", "", style.paint(BOLD, remedy)),
            );
        }
        let absent = matches!(finding.status, Status::Absent { .. });
        if absent && finding.in_lab_vm && !finding.capability.required() {
            let there = style.paint(BOLD, "run --lab vm");
            line(text, &format!("{:indent$}else: {there} has it", ""));
        }
    }
}

/// The kinds of links by name alone: why one is absent is the same for all, and in the report as data.
fn link_kinds(text: &mut String, findings: &[Finding], widths: &Widths, style: Style) {
    let kinds = findings
        .iter()
        .filter(|finding| matches!(finding.capability, Capability::Link(_)));
    let (present, rest): (Vec<&Finding>, Vec<&Finding>) =
        kinds.partition(|finding| finding.is_present());
    let (absent, unknown): (Vec<&Finding>, Vec<&Finding>) =
        (rest.into_iter()).partition(|finding| matches!(finding.status, Status::Absent { .. }));
    if present.is_empty() && absent.is_empty() && unknown.is_empty() {
        return;
    }
    line(text, "");
    line(
        text,
        &style.paint(
            BOLD,
            "Kinds of links, for scenarios whose unit files make one",
        ),
    );
    let indent = widths.name + 4;
    for (state, kinds) in [
        (style.paint(GREEN, "present"), &present),
        (style.paint(YELLOW, "absent "), &absent),
        (style.paint(RED, "UNKNOWN"), &unknown),
    ] {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.capability.name()).collect();
        for (number, names) in names.chunks(KINDS_IN_A_LINE).enumerate() {
            let state = if number == 0 { &state } else { "       " };
            line(
                text,
                &format!("{:indent$}{state}  {}", "", names.join(", ")),
            );
        }
    }
    if absent.iter().any(|kind| kind.in_lab_vm) {
        let there = style.paint(BOLD, "run --lab vm");
        line(text, &format!("{:indent$}else: {there} has them", ""));
    }
}

/// How far root's power in the lab reaches: docs/trust.md.
fn user_namespace(text: &mut String, report: &DoctorReport, style: Style) {
    line(text, "");
    line(text, &style.paint(BOLD, "The lab of root"));
    let Some(refused) = &report.shares_user_namespace else {
        let own = "  has a user namespace of its own: its root is no root of this computer";
        return line(text, own);
    };
    let shares = style.paint(YELLOW, "shares the user namespace of this computer");
    line(text, &format!("  {shares}: {}", refused.why));
    line(
        text,
        "  so its root is that of this computer, and what a scenario brings is held by its cell alone; or run it as an ordinary user",
    );
    line(
        text,
        &format!("  mend: {}", style.paint(BOLD, &refused.remedy)),
    );
}

fn conclusion(report: &DoctorReport, style: Style) -> String {
    let missing: Vec<&str> = report
        .missing()
        .iter()
        .map(|finding| finding.capability.name())
        .collect();
    let unknown = report.unanswered();
    if missing.is_empty() && !unknown.is_empty() {
        let names: Vec<&str> = unknown.iter().map(|one| one.capability.name()).collect();
        let text = format!(
            "Whether this machine can run the lab is not known; not answered: {}. Ask again.",
            names.join(", ")
        );
        return style.paint(RED, &text);
    }
    if missing.is_empty() {
        return style.paint(GREEN, "This machine can run the lab.");
    }
    let mut text = style.paint(
        RED,
        &format!(
            "This machine cannot run the lab yet; missing: {}.",
            missing.join(", ")
        ),
    );
    if let Some(setup) = &report.setup {
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "\nAll missing packages at once: {}",
            style.paint(BOLD, setup)
        );
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
