//! The image cache, with a recipe that takes no time and the real build: two builders at once, one that is killed, and
//! damaged entries.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

use support::running::Running;
use support::{bridgelab, set_up, skip};

/// Notes each finished build beside the images. Where a FIFO `gate` exists, a build stops half-way until somebody writes
/// to it.
const BUILD: &str = r#"#!/bin/sh
set -eu
echo kernel >"$BRIDGELAB_OUT/vmlinuz"
echo scratch >"$TMPDIR/scratch"
echo "stage: half-way"
if [ -p "$BRIDGELAB_OUT/../gate" ]; then read -r _ <"$BRIDGELAB_OUT/../gate"; fi
echo disk >"$BRIDGELAB_OUT/disk.raw"
echo initrd >"$BRIDGELAB_OUT/initrd"
: >"$BRIDGELAB_OUT/packages.txt"
echo '{}' >"$BRIDGELAB_OUT/versions.json"
echo built >>"$BRIDGELAB_OUT/../built"
"#;

/// The environment variable by which the processes of a build are recognised.
const MARK: &str = "BRIDGELAB_IMAGE_TEST";

struct Cache {
    folder: tempfile::TempDir,
}

impl Cache {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let recipe = folder.path().join("images/sample");
        fs::create_dir_all(&recipe).expect("a folder");
        let build = recipe.join("build");
        fs::write(&build, BUILD).expect("a script");
        fs::set_permissions(&build, fs::Permissions::from_mode(0o755)).expect("a mode");
        fs::create_dir_all(folder.path().join("cache/images")).expect("a folder");
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("cache/images").join(name)
    }

    fn image(&self, action: &str) -> Command {
        let mut command = bridgelab(&["image", action, "sample"]);
        command
            .env("BRIDGELAB_ROOT", self.folder.path())
            .env("BRIDGELAB_CACHE", self.folder.path().join("cache"))
            .env(MARK, self.folder.path());
        command
    }

    fn start(&self) -> (Child, BufReader<ChildStderr>) {
        let mut child = self
            .image("build")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program under test starts");
        let progress = BufReader::new(child.stderr.take().expect("piped"));
        (child, progress)
    }

    fn run(&self, action: &str) -> Output {
        let output = self.image(action).output();
        output.expect("the program under test starts")
    }

    /// The image's folder, which is built if it is missing; `None` where this host has no namespaces to build in.
    fn build(&self) -> Option<PathBuf> {
        let output = self.run("build");
        let told = String::from_utf8_lossy(&output.stderr);
        if told.contains("[image.isolate]") {
            skip(&told);
            return None;
        }
        assert!(output.status.success(), "{told}");
        Some(path(&output))
    }

    fn make_gate(&self) {
        let status = Command::new("mkfifo").arg(self.file("gate")).status();
        assert!(status.expect("mkfifo runs").success());
    }

    /// Number of builds that came to their end.
    fn built(&self) -> usize {
        let noted = fs::read_to_string(self.file("built")).unwrap_or_default();
        noted.lines().count()
    }

    fn unfinished(&self) -> usize {
        let entries = fs::read_dir(self.file("")).expect("the cache").flatten();
        let hidden = |name: String| name.starts_with(".unfinished");
        entries
            .filter(|entry| hidden(entry.file_name().to_string_lossy().into_owned()))
            .count()
    }

    /// Number of processes of this test's builds.
    fn processes(&self) -> usize {
        let wanted = format!("{MARK}={}", self.folder.path().display()).into_bytes();
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        entries
            .filter_map(|entry| fs::read(entry.path().join("environ")).ok())
            .filter(|environment| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|one| one == wanted)
            })
            .count()
    }
}

fn path(output: &Output) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// Reads until a line of progress has these words.
fn wait_for(words: &str, progress: &mut impl BufRead) {
    let mut told = String::new();
    while !told.contains(words) {
        let before = told.len();
        progress.read_line(&mut told).expect("readable");
        assert!(told.len() > before, "no `{words}` in\n{told}");
    }
}

#[test]
fn of_two_builders_one_builds_and_both_have_the_image() {
    set_up();
    let cache = Cache::new();
    // Build once first: a host that cannot would leave the builders waiting at the gate.
    if Cache::new().build().is_none() {
        return;
    }
    cache.make_gate();
    let (first, mut progress) = cache.start();
    wait_for("half-way", &mut progress);
    let (second, mut waiting) = cache.start();
    wait_for("waiting for another builder", &mut waiting);
    fs::write(cache.file("gate"), "go\n").expect("the gate opens");
    let first = first.wait_with_output().expect("it ends");
    let second = second.wait_with_output().expect("it ends");
    assert!(first.status.success() && second.status.success());
    assert_eq!(path(&first), path(&second));
    assert_eq!(cache.built(), 1);
    assert_eq!(cache.unfinished(), 0);
}

#[test]
fn a_killed_builder_leaves_nothing_that_is_taken_for_an_image() {
    set_up();
    let cache = Cache::new();
    if Cache::new().build().is_none() {
        return;
    }
    cache.make_gate();
    let (mut killed, mut progress) = cache.start();
    wait_for("half-way", &mut progress);
    assert_eq!(cache.unfinished(), 1, "it is half-way");
    killed.kill().expect("SIGKILL");
    killed.wait().expect("it ends");
    let begun = Instant::now();
    while cache.processes() > 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the script outlives its builder"
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let path_of = cache.run("path");
    assert_eq!(path_of.status.code(), Some(1), "{path_of:?}");
    fs::remove_file(cache.file("gate")).expect("the gate");
    let folder = cache.build().expect("this host builds");
    assert!(folder.join("disk.raw").is_file());
    assert_eq!(cache.built(), 1, "the killed one did not come to its end");
    assert_eq!(cache.unfinished(), 0);
    assert_eq!(cache.run("path").status.code(), Some(0));
}

#[test]
fn a_builder_that_is_asked_to_end_leaves_nothing_at_all() {
    set_up();
    let cache = Cache::new();
    if Cache::new().build().is_none() {
        return;
    }
    cache.make_gate();
    let mut builder = Running::start(&mut cache.image("build"));
    assert!(builder.reached("half-way"));
    assert_eq!(cache.unfinished(), 1, "it is half-way");
    builder.signal("-TERM");
    let ended = builder.ends();
    assert_eq!(ended.code(), Some(143), "{}", ended.told());
    assert_eq!((cache.unfinished(), cache.built()), (0, 0));
    assert_eq!(cache.processes(), 0);
}

#[test]
fn a_finished_image_is_read_only_and_not_built_again() {
    set_up();
    let cache = Cache::new();
    let Some(folder) = cache.build() else {
        return;
    };
    let entries = fs::read_dir(&folder).expect("the image").flatten();
    let modes: Vec<(String, u32)> = entries
        .map(|entry| {
            let mode = entry.metadata().expect("its mode").permissions().mode();
            (
                entry.file_name().to_string_lossy().into_owned(),
                mode & 0o777,
            )
        })
        .collect();
    assert_eq!(modes.len(), 6, "{modes:?}");
    for (name, mode) in modes {
        assert_eq!(mode, 0o444, "{name} can be written");
    }
    assert_eq!(cache.build(), Some(folder));
    assert_eq!(cache.built(), 1);
}

#[test]
fn a_damaged_image_is_built_again_and_not_used() {
    set_up();
    let cache = Cache::new();
    let Some(folder) = cache.build() else {
        return;
    };
    let write = |name: &str, text: &str| {
        fs::remove_file(folder.join(name)).expect("a file of the image");
        fs::write(folder.join(name), text).expect("a file");
    };
    let manifest = fs::read_to_string(folder.join("manifest.json")).expect("the manifest");
    let damages: [(&str, &dyn Fn()); 6] = [
        ("cut", &|| write("disk.raw", "di")),
        ("missing", &|| {
            fs::remove_file(folder.join("initrd")).expect("a file")
        }),
        ("no manifest", &|| {
            fs::remove_file(folder.join("manifest.json")).expect("a file")
        }),
        ("half a manifest", &|| {
            write("manifest.json", &manifest[..manifest.len() / 2])
        }),
        ("an empty manifest", &|| {
            write("manifest.json", "{\"recipe\": \"\", \"files\": []}")
        }),
        ("another recipe's", &|| {
            write(
                "manifest.json",
                &manifest.replacen("\"recipe\": \"", "\"recipe\": \"0", 1),
            )
        }),
    ];
    for (count, (damage, inflict)) in damages.into_iter().enumerate() {
        inflict();
        assert_ne!(
            cache.run("path").status.code(),
            Some(0),
            "{damage}: it is taken for an image"
        );
        assert_eq!(cache.build(), Some(folder.clone()), "{damage}");
        assert_eq!(cache.built(), count + 2, "{damage}: it was not built again");
        assert_eq!(
            fs::read_to_string(folder.join("disk.raw")).expect("the disk"),
            "disk\n",
            "{damage}"
        );
    }
}
