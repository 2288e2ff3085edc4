//! Templates with faults, from end to end and with real guests. Whatever is wrong with a template, the guest starts, from a
//! new template or cold, and the report says from what and why. All with the smallest image.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command};

use bridgelab_harness::image::seed::Seed;
use bridgelab_harness::report::{GuestReport, Outcome, RunReport};
use bridgelab_harness::template::TemplateStore;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use support::user::{User, mode};
use support::{bridgelab, is_root, program, root, skip, told};

/// The image of all guests here.
const IMAGE: &str = "tiny";
const QEMU: &str = "qemu-system-x86_64";

/// A machine with a guest on a TAP, and nothing between: the tests only ask whether the guest is there, and is itself.
const ALONE: &str = r#"
version = 1
summary = "a guest that has its address"
base = "none"

[machines.host]

[guests.tiny1]
image = "IMAGE"
interfaces = [{ type = "tap", id = "vm-tiny1", mac = "02:00:00:00:00:01", addresses = ["192.0.2.1/24"] }]

[[checks]]
id = "address"
from = "tiny1"
address = { interface = "vm-tiny1", address = "192.0.2.1/24" }
"#;

/// A user whose cache has only the image.
struct Maker(User);

impl Maker {
    fn new() -> Self {
        let user = User::new();
        // Without an image, the run itself says why.
        let _ = user.image(IMAGE);
        let maker = Self(user);
        maker.scenario("alone.toml", ALONE);
        maker
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    fn scenario(&self, name: &str, text: &str) {
        fs::write(self.path(name), text.replace("IMAGE", IMAGE)).expect("a scenario");
    }

    /// Adds to a command the arguments for a run of that scenario, and the environment of this user.
    fn set(&self, command: &mut Command, scenario: &str) {
        command
            .args(["--accel", "tcg"])
            .arg(self.path(scenario))
            .env("BRIDGELAB_CACHE", self.path("cache"))
            .env_remove("BRIDGELAB_COLD");
        self.0.run(command);
    }

    fn command(&self, scenario: &str) -> Command {
        let mut command = bridgelab(&["run"]);
        self.set(&mut command, scenario);
        command
    }

    fn run(&self, scenario: &str) -> Option<Run> {
        self.finish(self.command(scenario))
    }

    /// The run's report; `None` where this host cannot run it, with the reason said aloud. The run must pass and leave nothing
    /// behind, since no fault of a template may change a verdict.
    fn finish(&self, mut command: Command) -> Option<Run> {
        let output = command.output().expect("the program under test starts");
        let told = told(&output);
        if output.status.code() == Some(3) {
            skip(&told);
            return None;
        }
        assert_eq!(output.status.code(), Some(0), "{told}");
        let report = self.0.report(&told);
        assert_eq!(report.outcome, Outcome::Passed, "{told}");
        assert_eq!(self.unfinished(), 0, "{told}");
        Some(Run { report, told })
    }

    fn templates(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("cache/templates")).into_iter();
        let folders = entries.flatten().flatten().map(|entry| entry.path());
        folders
            .filter(|path| path.join("manifest.json").exists())
            .collect()
    }

    fn unfinished(&self) -> usize {
        let entries = fs::read_dir(self.path("cache/templates")).into_iter();
        let names = entries.flatten().flatten().map(|entry| entry.file_name());
        names
            .filter(|name| name.to_string_lossy().starts_with(".unfinished"))
            .count()
    }
}

struct Run {
    report: RunReport,
    told: String,
}

impl Run {
    fn guest(&self) -> &GuestReport {
        self.report.guests.first().expect("a guest")
    }

    /// The template from which the guest started.
    fn template(&self) -> PathBuf {
        assert_eq!(self.guest().start, "template", "{}", self.told);
        PathBuf::from(&self.guest().start_reason)
    }

    fn made(&self) -> bool {
        self.told.contains(": saving it")
    }
}

fn cut(file: &Path) {
    let length = file.metadata().expect("a file").len();
    // Make the file writable: it is read-only for its owner, who is not always root.
    mode(file, 0o644);
    let open = File::options().write(true).open(file).expect("a file");
    open.set_len(length / 2).expect("it is cut");
}

/// Changes bytes of a file and keeps its size and time, as a fault of a disk does.
fn rot(file: &Path) {
    let meta = file.metadata().expect("a file");
    mode(file, 0o644);
    fs::write(file, vec![0; meta.len() as usize]).expect("other bytes");
    let open = File::options().write(true).open(file).expect("a file");
    open.set_modified(meta.modified().expect("a time"))
        .expect("the same time");
}

/// Does to one cache, one after another, everything that may befall it.
#[test]
fn a_template_that_is_not_as_it_was_made_is_never_used() {
    let user = Maker::new();
    let Some(first) = user.run("alone.toml") else {
        return;
    };
    assert!(first.made(), "{}", first.told);
    let template = first.template();
    assert_eq!(user.templates(), std::slice::from_ref(&template));

    let damages: [(&str, &dyn Fn()); 3] = [
        ("`ram` has changed", &|| cut(&template.join("ram"))),
        ("`state` has changed", &|| cut(&template.join("state"))),
        ("its manifest does not parse", &|| {
            fs::write(template.join("manifest.json"), "{").expect("half a manifest");
        }),
    ];
    for (words, inflict) in damages {
        inflict();
        let run = user.run("alone.toml").expect("as before");
        assert!(run.told.contains("making it again: "), "{}", run.told);
        assert!(run.told.contains(words), "no `{words}` in\n{}", run.told);
        assert!(run.made() && run.template() == template, "{}", run.told);
    }

    // Damage that cannot be seen in the files' sizes and times: QEMU or the guest notices. The kernel boots, and the report
    // says why.
    rot(&template.join("state"));
    let run = user.run("alone.toml").expect("as before");
    assert!(!run.made(), "{}", run.told);
    assert_eq!(run.guest().start, "cold", "{}", run.told);
    let reason = &run.guest().start_reason;
    assert!(reason.starts_with("its template failed: "), "{reason}");
    assert!(user.templates().is_empty(), "nobody meets it again");

    // Another QEMU has another version and is another file.
    let script = format!(
        "[ \"$1\" != --version ] || {{ echo 'QEMU emulator version 7.2.99'; exit; }}\n\
         PATH=${{PATH#*:}} exec {QEMU} \"$@\"\n"
    );
    user.0.program(QEMU, &script);
    let run = user.run("alone.toml").expect("as before");
    assert!(run.made(), "{}", run.told);
    assert_ne!(run.template(), template, "{}", run.told);
}

/// The image has one lie in it: a guest from its template says that it is still the template.
#[test]
fn a_guest_that_does_not_prove_itself_boots_cold() {
    let user = Maker::new();
    let built = bridgelab(&["image", "path", IMAGE]).output();
    let image = built.expect("the program under test starts").stdout;
    let image = PathBuf::from(String::from_utf8_lossy(&image).trim());
    let Ok(initrd) = fs::read(image.join("initrd")) else {
        return skip("this host cannot build the image");
    };
    let honest = root().join("images/tiny/rootfs/usr/lib/bridgelab/become");
    let honest = fs::read_to_string(honest).expect("the guest's own words");
    let lie = honest.replace("hostname=$hostname", "hostname=template");
    assert_ne!(
        lie, honest,
        "it says its name otherwise than this test knows"
    );
    let mut seed = Seed::default();
    seed.file("/usr/lib/bridgelab/become", 0o755, lie);
    fs::write(user.path("initrd"), seed.append_to(initrd)).expect("an initramfs");
    let recipe = user.path("images").join(IMAGE);
    fs::create_dir_all(&recipe).expect("a folder");
    let script = format!(
        "#!/bin/sh\nset -eu\ncp {}/[!i]* \"$BRIDGELAB_OUT\"\nrm \"$BRIDGELAB_OUT/manifest.json\"\n\
         cp {} \"$BRIDGELAB_OUT\"\n",
        image.display(),
        user.path("initrd").display()
    );
    let build = recipe.join("build");
    fs::write(&build, script).expect("a script");
    mode(&build, 0o755);

    let mut command = user.command("alone.toml");
    command.env("BRIDGELAB_ROOT", user.path(""));
    let Some(run) = user.finish(command) else {
        return;
    };
    assert!(run.made(), "{}", run.told);
    assert_eq!(run.guest().start, "cold", "{}", run.told);
    let reason = &run.guest().start_reason;
    let words = "its template failed: give guest `tiny1`, started from a template, its identity: \
        its hostname is `template`, not `tiny1`";
    assert!(reason.starts_with(words), "{reason}");
}

#[test]
fn what_no_template_can_give_boots_cold_and_says_why() {
    let user = Maker::new();
    let nics: String = (0..5)
        .map(|nic| {
            format!("{{ type = \"tap\", id = \"vm-b{nic}\", mac = \"02:00:00:00:01:0{nic}\" }},")
        })
        .collect();
    let guest = "[guests.tiny1]\nmachine = \"microvm\"\n";
    let wide = "[guests.wide]\nimage = \"IMAGE\"\nmachine = \"q35\"\n";
    let text = ALONE.replace("[guests.tiny1]\n", guest);
    let others = format!("{wide}interfaces = [{nics}]\n\n[[checks]]");
    user.scenario("others.toml", &text.replace("[[checks]]", &others));
    let Some(run) = user.run("others.toml") else {
        return;
    };
    let told: Vec<(&str, &str)> = run
        .report
        .guests
        .iter()
        .map(|guest| (guest.start.as_str(), guest.start_reason.as_str()))
        .collect();
    let reasons = [
        (
            "cold",
            "machine_type `microvm` has no PCI to plug NICs into",
        ),
        ("cold", "5 NICs are more than a template's 4 ports"),
    ];
    assert_eq!(told, reasons);
    assert!(user.templates().is_empty(), "none was made");
}

/// Starts a run whose progress is read as it comes.
fn start(mut command: Command) -> (Child, BufReader<ChildStderr>) {
    let mut child = command.spawn().expect("the program under test starts");
    let stderr = BufReader::new(child.stderr.take().expect("piped"));
    (child, stderr)
}

/// Reads until a line has these words. `Err` has all that was read, if no line has them.
fn line(progress: &mut impl BufRead, words: &str) -> Result<(), String> {
    let mut told = String::new();
    while !told.contains(words) {
        let before = told.len();
        progress.read_line(&mut told).expect("readable");
        if told.len() == before {
            return Err(told);
        }
    }
    Ok(())
}

#[test]
fn a_maker_that_is_killed_half_way_is_followed_by_the_one_that_waited() {
    let user = Maker::new();
    let (mut killed, mut progress) = start(user.command("alone.toml"));
    if let Err(told) = line(&mut progress, "booting the guest") {
        let code = killed.wait().expect("it ended").code();
        assert_eq!(code, Some(3), "{told}");
        return skip(&told);
    }
    assert_eq!(user.unfinished(), 1, "it is half-way");
    let (mut waits, mut waiting) = start(user.command("alone.toml"));
    line(&mut waiting, "waiting for another maker").expect("it waits");
    killed.kill().expect("SIGKILL");
    killed.wait().expect("it ends");
    line(&mut waiting, "booting the guest").expect("it makes the template itself");
    let mut rest = String::new();
    waiting.read_to_string(&mut rest).expect("text");
    assert_eq!(waits.wait().expect("it ends").code(), Some(0), "{rest}");
    let report = user.0.report(&rest);
    assert_eq!(report.guests[0].start, "template", "{rest}");
    assert_eq!((user.templates().len(), user.unfinished()), (1, 0));
}

/// Another run gives a template up and makes it anew, while this run has a guest that starts later.
#[test]
fn a_template_that_is_given_up_stays_with_the_run_that_has_it() {
    let user = Maker::new();
    let gate = user.path("gate");
    mkfifo(&gate, Mode::S_IRWXU).expect("a named pipe");
    // A command of the scenario cannot see the pipe; a program of the test's can.
    let wait = format!(
        "[ \"$*\" != 'neigh flush all' ] || cat {}\nPATH=${{PATH#*:}} exec ip \"$@\"\n",
        gate.display()
    );
    user.0.program("ip", &wait);
    let steps = "[[steps]]\nid = \"wait\"\nwithin = \"1m\"\nflush = { on = \"host\", neighbours = true }\n\n\
         [[steps]]\nid = \"boot\"\nstart = { guest = \"tiny1\" }\n\n[[checks]]\nafter = \"boot\"\n";
    let guest = "[guests.tiny1]\nstart = \"step\"\n";
    let text = ALONE.replace("[guests.tiny1]\n", guest);
    user.scenario("later.toml", &text.replace("[[checks]]\n", steps));
    let (mut waits, mut progress) = start(user.command("later.toml"));
    if let Err(told) = line(&mut progress, "step wait") {
        let code = waits.wait().expect("it ended").code();
        assert_eq!(code, Some(3), "{told}");
        return skip(&told);
    }
    let first = user.templates().pop().expect("it was made for the guest");
    TemplateStore::discard(&first).expect("it is given up");
    let other = user.command("alone.toml").output().expect("it starts");
    let other_told = told(&other);
    assert_eq!(other.status.code(), Some(0), "{other_told}");
    let made = user.templates();
    assert!(made.len() == 1 && made != [first.clone()], "{other_told}");
    // Open the gate: the step that waits reads the pipe to its end.
    fs::write(&gate, "").expect("the pipe");
    let mut rest = String::new();
    progress.read_to_string(&mut rest).expect("text");
    assert_eq!(waits.wait().expect("it ends").code(), Some(0), "{rest}");
    let guest = &user.0.report(&rest).guests[0];
    assert_eq!(guest.start_reason, first.to_string_lossy(), "{rest}");
    assert_eq!(user.templates(), made);
}

/// The cache is in a mount namespace of its own, as for the other faults of a cache in `faults.rs`.
#[test]
fn without_room_for_a_template_guests_boot_cold() {
    let user = Maker::new();
    fs::create_dir_all(user.path("cache/templates")).expect("a folder");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if !is_root() {
        command.args(["--user", "--map-root-user", "--map-auto"]);
    }
    let mount = r#"mount -t tmpfs -o size=64m,mode=755 tmpfs "$BRIDGELAB_CACHE/templates" || exit 3; exec "$0" "$@""#;
    command
        .args(["sh", "-c", mount, program(), "run"])
        .env("BRIDGELAB_ROOT", root());
    user.set(&mut command, "alone.toml");
    let Some(run) = user.finish(command) else {
        return;
    };
    assert_eq!(run.guest().start, "cold", "{}", run.told);
    let reason = &run.guest().start_reason;
    for words in ["make room for a template in", "64 MiB are free", "--cold"] {
        assert!(reason.contains(words), "no `{words}` in {reason}");
    }
}

/// The templates of a cache that somebody else made, and that nobody may write to, are used as they are.
#[test]
fn a_template_in_a_read_only_cache_is_used() {
    let user = Maker::new();
    let Some(first) = user.run("alone.toml") else {
        return;
    };
    assert!(first.made(), "{}", first.told);
    let kept = user.templates();
    let runtime = user.path("runtime");
    fs::create_dir(&runtime).expect("a folder");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if !is_root() {
        command.args(["--user", "--map-root-user", "--map-auto"]);
    }
    let mount = r#"mount --bind "$BRIDGELAB_CACHE" "$BRIDGELAB_CACHE" &&
        mount -o remount,bind,ro "$BRIDGELAB_CACHE" || exit 3
        ! touch "$BRIDGELAB_CACHE/templates/x" 2>/dev/null || exit 3
        exec "$0" "$@""#;
    command
        .args(["sh", "-c", mount, program(), "run"])
        .env("BRIDGELAB_ROOT", root());
    user.set(&mut command, "alone.toml");
    // The queue is in this folder: it cannot be in a cache that is read-only.
    command.env("XDG_RUNTIME_DIR", &runtime);
    let Some(again) = user.finish(command) else {
        return;
    };
    assert!(!again.made(), "{}", again.told);
    assert!(!again.told.contains("warning"), "{}", again.told);
    assert_eq!(again.guest().start, "template", "{}", again.told);
    assert_eq!(again.template(), first.template(), "{}", again.told);
    assert_eq!(user.templates(), kept);
}
