//! The crate patchbay, the nearest peer: network namespaces with links and routers, from Rust.
//!
//! It is no part of this program: a package of its own in `benches/patchbay`, with a lock file of its own, is built with
//! cargo when somebody asks for it.

use std::path::PathBuf;
use std::process::Command;

use super::child;
use super::context::Context;
use super::rounds::Stop;

/// Column of the table.
pub(super) const NAME: &str = "patchbay";

/// Above this it takes the better part of a minute.
pub(super) const LARGEST: u16 = 200;

/// The built program.
///
/// # Errors
/// [`Stop::Skipped`] when nobody asked for it, or it cannot be built.
pub(super) async fn ready(context: &Context<'_>) -> Result<PathBuf, Stop> {
    if !context.options.patchbay {
        return Err(Stop::Skipped(
            "`--patchbay` builds and measures it".to_owned(),
        ));
    }
    let folder = context.options.tree.join("benches/patchbay");
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        let manifest = manifest.display();
        return Err(Stop::Skipped(format!("there is no `{manifest}`")));
    }
    context.say("building the package in benches/patchbay");
    let mut command = Command::new("cargo");
    command
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--manifest-path",
        ])
        .arg(&manifest)
        // Not the user's own target folder: two cargos would wait for each other.
        .env_remove("CARGO_TARGET_DIR");
    let built = child::run(command, context.interrupts.clone(), async |_, _| {}).await;
    match built {
        Ok(built) if built.status.success() => Ok(folder.join("target/release/bridgelab-patchbay")),
        Ok(built) => Err(Stop::Skipped(format!(
            "it cannot be built: {}",
            built.last_words()
        ))),
        Err(Stop::Failed(why)) => Err(Stop::Skipped(why)),
        Err(stop) => Err(stop),
    }
}

/// A router and `size` devices; milliseconds up and down.
pub(super) async fn build(
    context: &Context<'_>,
    program: &PathBuf,
    size: u16,
) -> Result<(f64, f64), Stop> {
    let mut command = Command::new(program);
    command.arg(size.to_string()).current_dir(context.scratch());
    let finished = child::run(command, context.interrupts.clone(), async |_, _| {}).await?;
    let failed = || Stop::Failed(finished.last_words());
    let line = finished.stdout.last().ok_or_else(failed)?;
    let mut words = line.text.split_whitespace().map(str::parse::<f64>);
    match (finished.status.success(), words.next(), words.next()) {
        (true, Some(Ok(up)), Some(Ok(down))) => Ok((up, down)),
        _ => Err(failed()),
    }
}
