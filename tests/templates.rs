//! Guests that start from one template are machines of their own, and share its memory: by a run of `tiny-twins`.

#[expect(dead_code, reason = "every test binary uses its part")]
mod support;

use support::{bridgelab, passed, set_up};

#[test]
fn guests_of_one_template_share_its_pages() {
    set_up();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let twins = passed(&mut bridgelab(&["run", "tiny-twins"]), folder.path());
    let Some(run) = twins else { return };
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
