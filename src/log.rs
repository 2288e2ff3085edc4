//! What the program and its workers log of themselves, for whoever looks for a fault in bridgelab: to stderr, from the level that
//! [`VARIABLE`] names on. Without the variable nothing is logged: what a user must know is in progress, verdict and report.

use std::io::{IsTerminal, Write};

use tracing_subscriber::filter::LevelFilter;

/// `error`, `warn`, `info`, `debug` or `trace`.
const VARIABLE: &str = "BRIDGELAB_LOG";

/// Begins to log. Starts no thread, so that a worker can still enter its namespaces.
pub(crate) fn begin() {
    let Some(wanted) = std::env::var_os(VARIABLE) else {
        return;
    };
    let wanted = wanted.to_string_lossy();
    match wanted.parse::<LevelFilter>() {
        Ok(level) => tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .init(),
        Err(_) => {
            let _ = writeln!(
                anstream::stderr(),
                "warning: nothing is logged: `{VARIABLE}={}` is none of error, warn, info, debug, trace",
                bridgelab_harness::visible::visible(&wanted)
            );
        }
    }
}
