//! Guests from one template are different machines and share the template's memory: seen in a run of `tiny-twins`.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;
use std::process::Command;

use support::{bridgelab, is_root, passed, set_up};

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
    nobody_writes_to(Path::new(from[0].1));
    for guest in &run.guests {
        let memory = guest.memory.as_ref().expect("its VMM runs");
        let shared = memory.template.expect("its memory is the template's");
        // At least half of the memory that it touched is shared: it writes to a few MiB, whatever its size.
        assert!(shared.private_kib * 2 < shared.rss_kib, "{memory:?}");
        assert!(shared.pss_kib < shared.rss_kib, "{memory:?}");
        assert!(memory.vmm.rss_kib > shared.rss_kib, "{memory:?}");
    }
}

/// The VMMs' user can read a template, but neither write to it nor make it writable. So somebody who gets out of a guest cannot
/// change other runs' guests.
fn nobody_writes_to(template: &Path) {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if !is_root() {
        command.args(["--user", "--map-root-user", "--map-auto"]);
    }
    // Bind the template as a worker does; only the caller may enter the folders above it.
    let tried = r#"mount -t tmpfs tmpfs /mnt && mkdir /mnt/template && mount --bind "$0" /mnt/template || exit 3
        cd /mnt/template
        for file in ram state initrd; do
            nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups -- sh -c "$1" "$file"; }
            nobody 'head -c 1 "$0" >/dev/null' || { echo "$file cannot be read"; exit 1; }
            for way in ': >>"$0"' 'printf x | dd of="$0" conv=notrunc status=none' 'chmod u+w "$0"' 'rm -f "$0"' 'mv "$0" "$0.old"'; do
                ! nobody "$way" 2>/dev/null || { echo "$file: $way"; exit 1; }
            done
        done"#;
    let output = command.args(["sh", "-c", tried]).arg(template).output();
    let output = output.expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{output:?}");
}
