//! A lab that is to be held, and how it comes to stand.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use crate::pipe::{Pipe, blocking};
use crate::{HeldLab, NoLab, PROGRAM_VARIABLE, Scenario};

/// A lab that is to be held.
#[derive(Debug)]
pub struct Hold {
    scenario: OsString,
    program: PathBuf,
    words: Vec<OsString>,
    /// Where a built scenario was written; gone with the lab.
    folder: Option<TempDir>,
}

impl Hold {
    /// Of a scenario that code put together.
    ///
    /// # Errors
    /// [`NoLab::Written`] when there is no room for it. What is wrong in it is told by [`start`](Self::start).
    pub fn built(scenario: &Scenario) -> Result<Self, NoLab> {
        let folder = TempDir::new().map_err(|source| NoLab::Written {
            path: std::env::temp_dir(),
            source,
        })?;
        let path = folder.path().join("lab");
        scenario.write(&path)?;
        let mut hold = Self::scenario(path.join("scenario.toml"));
        hold.folder = Some(folder);
        Ok(hold)
    }

    /// Of a scenario by its file, its folder or, where `bridgelab` finds it, its name.
    pub fn scenario(path_or_name: impl Into<OsString>) -> Self {
        let program = std::env::var_os(PROGRAM_VARIABLE);
        Self {
            scenario: path_or_name.into(),
            program: program.unwrap_or_else(|| "bridgelab".into()).into(),
            words: Vec::new(),
            folder: None,
        }
    }

    /// The program, where it is neither in `PATH` nor named by [`PROGRAM_VARIABLE`]: in the tests of its own package,
    /// `env!("CARGO_BIN_EXE_bridgelab")`.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// A variant, or another form by its name.
    #[must_use]
    pub fn form(self, name: &str) -> Self {
        self.option("--variant").option(name)
    }

    /// Namespaces with the guests' unit files in place of MicroVMs: within seconds.
    #[must_use]
    pub fn ghosts(self) -> Self {
        self.option("--guests").option("ghost")
    }

    /// Any other word of `bridgelab run`, such as `--evidence DIR`.
    #[must_use]
    pub fn option(mut self, word: impl Into<OsString>) -> Self {
        self.words.push(word.into());
        self
    }

    /// Builds the lab, boots the guests, carries out the scenario's own checks, and returns the lab as it then stands.
    ///
    /// # Errors
    /// [`NoLab::Skipped`] when this machine cannot have it, [`NoLab::Invalid`] when the scenario is not valid,
    /// [`NoLab::NoProgram`] with how to get it, and whatever else keeps the lab from standing.
    pub async fn start(self) -> Result<HeldLab, NoLab> {
        blocking(move || {
            let mut words: Vec<OsString> = vec!["run".into(), "--hold".into()];
            words.extend(self.words);
            words.extend(["--".into(), self.scenario]);
            let mut pipe = Pipe::open(self.program, &words)?;
            let places = pipe.places()?;
            Ok(HeldLab {
                places,
                pipe: Arc::new(Mutex::new(pipe)),
                _folder: self.folder,
            })
        })
        .await
    }
}
