//! A user of the program under test, with a folder that everything he runs writes to, and with programs of his own.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bridgelab_harness::report::RunReport;
use tempfile::TempDir;

use crate::processes::{MARK, wait_until_gone};
use crate::{bridgelab, only_run, set_up};

/// A user.
pub struct User(TempDir);

impl Default for User {
    fn default() -> Self {
        Self::new()
    }
}

impl User {
    /// A user with empty folders.
    pub fn new() -> Self {
        set_up();
        let user = Self(tempfile::tempdir().expect("a temporary directory"));
        // Others may enter: a VMM runs as nobody, and may have to find a program here.
        mode(user.0.path(), 0o755);
        fs::create_dir(user.path("bin")).expect("a folder");
        user
    }

    /// Path of one of his files or folders.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The word by which his processes are found.
    pub fn mark(&self) -> String {
        self.0.path().to_string_lossy().into_owned()
    }

    /// Writes a shell script that is found before all other programs of its name. In the script, `PATH=${PATH#*:}` finds the
    /// others.
    pub fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}")).expect("a script");
        mode(&path, 0o755);
        path
    }

    /// Copies an image into his cache; `None` where this host cannot build it.
    pub fn image(&self, name: &str) -> Option<PathBuf> {
        let built = bridgelab(&["image", "build", name]).output();
        let built = built.expect("the program under test starts");
        let image = PathBuf::from(String::from_utf8_lossy(&built.stdout).trim());
        let folder = image.file_name().filter(|_| built.status.success())?;
        let copy = self.path("cache/images").join(folder);
        fs::create_dir_all(&copy).expect("a folder");
        for file in fs::read_dir(&image).expect("the image").flatten() {
            fs::copy(file.path(), copy.join(file.file_name())).expect("a copy");
        }
        Some(copy)
    }

    /// Gives a command his environment.
    pub fn environment(&self, command: &mut Command) {
        let path = std::env::var("PATH").expect("a PATH");
        command
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("XDG_STATE_HOME", self.path("state"))
            .env(MARK, self.mark())
            .env_remove("BRIDGELAB_SETUP")
            .env_remove("BRIDGELAB_STRICT");
    }

    /// As [`environment`](Self::environment), for a run whose report and output he reads.
    pub fn run(&self, command: &mut Command) {
        self.environment(command);
        command
            .arg("--json")
            .arg(self.path("report.json"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    /// The report of a run that has ended. Fails if the run left anything behind.
    pub fn report(&self, told: &str) -> RunReport {
        wait_until_gone(&self.mark());
        let report = only_run(&self.path("report.json"));
        assert_eq!(report.leaks, [""; 0], "{told}");
        report
    }
}

/// `chmod MODE FILE`.
pub fn mode(file: &Path, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("a mode");
}
