//! Guests that start from one template are machines of their own, and share its memory: by a run of `tiny-twins`.

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use bridgelab_harness::report::Outcome;
use support::{bridgelab, only_run, set_up, skip};

#[test]
fn guests_of_one_template_share_its_pages() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let json = folder.path().join("report.json");
    let json_text = json.to_string_lossy();
    let output = bridgelab(&["run", "tiny-twins", "--json", &json_text])
        .output()
        .expect("the program under test starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let run = only_run(&json);
    if run.outcome == Outcome::Skipped {
        return skip(&format!("{:?}", run.problem));
    }
    assert_eq!(run.outcome, Outcome::Passed, "{said}");
    let from: Vec<_> = run
        .guests
        .iter()
        .map(|g| (&*g.start, &*g.start_reason))
        .collect();
    assert!(
        from.iter().all(|(start, _)| *start == "template"),
        "{from:?}"
    );
    assert_eq!(from[0], from[1], "both from the same");
    for guest in &run.guests {
        let memory = guest.memory.as_ref().expect("its VMM runs");
        let shared = memory.template.expect("its memory is the template's");
        // Half of what it touched at the least: what it writes to is a few MiB, whatever its size.
        assert!(shared.private_kib * 2 < shared.rss_kib, "{memory:?}");
        assert!(shared.pss_kib < shared.rss_kib, "{memory:?}");
        assert!(memory.vmm.rss_kib > shared.rss_kib, "{memory:?}");
    }
}
