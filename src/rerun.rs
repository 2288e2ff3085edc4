//! `bridgelab rerun FOLDER`: repeats a run by what its folder of evidence has.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use bridgelab_harness::lab::{self, ASKED};
use bridgelab_harness::report::exit_code;
use clap::Args;
use serde::{Deserialize, Serialize};

/// The file that describes the run in its folder of evidence.
pub(crate) const FILE: &str = "rerun.json";

/// The folder beside it with a copy of the scenario. It has that name, since scenarios name files of others in such a folder.
pub(crate) const SCENARIOS: &str = "scenarios";

/// Version of the file's format.
const SCHEMA: u32 = 1;

/// Environment variables that stand for options. They are removed for the new run: the file has the options that counted.
const OPTIONS: [&str; 4] = [
    "BRIDGELAB_COLD",
    "BRIDGELAB_LAB",
    "BRIDGELAB_REQUIRE_ALL",
    "BRIDGELAB_CLOUD_HYPERVISOR",
];

/// The description of a run, by which it can be repeated when the scenario's own folder is gone or has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rerun {
    /// [`SCHEMA`].
    schema: u32,
    /// Version of bridgelab.
    version: String,
    /// The scenario's file, below the folder of evidence.
    scenario: PathBuf,
    /// `green` or a variant, with the values of its matrix.
    form: String,
    /// Options of `bridgelab run` that make the run what it was.
    options: Vec<String>,
    /// The folder with the scenarios at hand, for people who read the file.
    root: PathBuf,
    /// The words of the first command, and the folder that it was given in.
    command: Vec<String>,
    directory: PathBuf,
}

impl Rerun {
    /// Copies the scenario, whose file has that text, into the evidence, and writes the description.
    ///
    /// # Errors
    /// What could not be read or written.
    pub(crate) fn write(
        evidence: &Path,
        scenario: &Path,
        text: &str,
        form: &str,
        options: Vec<String>,
    ) -> std::io::Result<()> {
        let copied = lab::copy_scenario(scenario, text, &evidence.join(SCENARIOS))?;
        let rerun = Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: copied.strip_prefix(evidence).unwrap_or(&copied).to_owned(),
            form: form.to_owned(),
            options,
            root: crate::commands::root(),
            command: std::env::args_os()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            directory: std::env::current_dir().unwrap_or_default(),
        };
        let text = serde_json::to_string_pretty(&rerun)? + "\n";
        std::fs::write(evidence.join(FILE), text)
    }

    /// Reads the description in a folder of evidence.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub(crate) fn read(evidence: &Path) -> Result<Self, String> {
        let file = evidence.join(FILE);
        let read = std::fs::read(&file).and_then(|text| Ok(serde_json::from_slice(&text)?));
        let rerun: Self = read.map_err(|error| format!("read `{}`: {error}", file.display()))?;
        match rerun.schema {
            SCHEMA => Ok(rerun),
            _ => Err(format!("`{}` is of another version", file.display())),
        }
    }

    /// The scenario's file, below the folder of evidence.
    pub(crate) fn scenario(&self) -> &Path {
        &self.scenario
    }

    /// The words that repeat it with a copy of its scenario: `run SCENARIO --variant FORM` and its options.
    pub(crate) fn words(&self, scenario: &Path) -> Vec<String> {
        let scenario = scenario.to_string_lossy().into_owned();
        let own = ["run", &scenario, "--variant", &self.form].map(str::to_owned);
        own.into_iter()
            .chain(self.options.iter().cloned())
            .collect()
    }

    /// Adds what a test asked of a held lab to the scenario in the evidence, so that a new run does it as well.
    pub(crate) fn take_what_was_asked(evidence: &Path) {
        let (asked, rerun) = (evidence.join(ASKED), evidence.join(FILE));
        let read = std::fs::read(rerun);
        let rerun: Option<Self> = read
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        if let Some(rerun) = rerun.filter(|_| asked.exists()) {
            let _ = std::fs::rename(asked, evidence.join(rerun.scenario));
        }
    }
}

/// Options of `bridgelab rerun`.
#[derive(Debug, Args)]
pub(crate) struct RerunArgs {
    /// Folder of evidence.
    folder: PathBuf,
    /// More options of `bridgelab run`, as `--json FILE`, `--keep` or `--evidence DIR`.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "OPTIONS"
    )]
    more: Vec<String>,
}

/// Has variables of the environment say nothing to a repeated run, whose words say all that counts.
pub(crate) fn without_options(command: &mut Command) {
    for name in OPTIONS {
        command.env_remove(name);
    }
}

/// Replaces this process by `bridgelab run`.
pub(crate) fn rerun(args: &RerunArgs) -> i32 {
    let complain = |text: &str| {
        let _ = writeln!(anstream::stderr(), "error: {text}");
        exit_code::INVALID
    };
    let rerun = match Rerun::read(&args.folder) {
        Ok(rerun) => rerun,
        Err(why) => {
            return complain(&format!(
                "{why}\n  help: it is in the folder that a verdict ends with, `evidence: FOLDER`"
            ));
        }
    };
    let version = env!("CARGO_PKG_VERSION");
    if rerun.version != version {
        let _ = writeln!(
            anstream::stderr(),
            "warning: it was bridgelab {}, and this is {version}",
            rerun.version
        );
    }
    let folder = std::path::absolute(&args.folder).unwrap_or_else(|_| args.folder.clone());
    let mut command = match crate::own::program() {
        Ok(command) => command,
        Err(error) => return complain(&format!("find this program: {error}")),
    };
    without_options(&mut command);
    command
        .args(rerun.words(&folder.join(&rerun.scenario)))
        .args(&args.more);
    let error = command.exec();
    let _ = writeln!(anstream::stderr(), "error: start `bridgelab run`: {error}");
    exit_code::BROKEN
}
