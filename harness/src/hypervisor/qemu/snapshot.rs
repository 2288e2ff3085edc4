//! Saves a machine as a template, and starts another from it, over QEMU's monitor.
//!
//! Memory is in a file that both machines map, so only the devices' state is saved: a few hundred kB.
//! docs/devel/migration of QEMU; `x-ignore-shared` is what leaves the memory out.

use std::fs::File;
use std::os::fd::AsFd;

use serde_json::{Value, json};

use super::qmp::{Qmp, VMM};
use crate::deadline::Deadline;
use crate::hypervisor::{GuestSpec, MonitorError};

/// QEMU's name for the descriptor of the file with the state.
const STATE: &str = "state";

/// Stops the machine and writes its devices' state to `state`. Afterwards memory and disk fit that state, and QEMU may
/// be ended.
///
/// # Errors
/// [`MonitorError`] with QEMU's words.
pub async fn save(qmp: &mut Qmp, state: &File, by: Deadline) -> Result<(), MonitorError> {
    // A stopped machine changes nothing while its state is written.
    qmp.execute("stop", json!({}), by).await?;
    capabilities(qmp, by).await?;
    qmp.give_descriptor(STATE, state.as_fd(), by).await?;
    let uri = json!({ "uri": format!("fd:{STATE}") });
    qmp.execute("migrate", uri, by).await?;
    migrated(qmp, "to save the machine", by).await
}

/// Loads the state from `state`, lets the machine run on, and plugs in the NICs of `spec`.
///
/// # Errors
/// [`MonitorError`] with QEMU's words.
pub async fn restore(
    qmp: &mut Qmp,
    spec: &GuestSpec,
    state: &File,
    by: Deadline,
) -> Result<(), MonitorError> {
    capabilities(qmp, by).await?;
    qmp.give_descriptor(STATE, state.as_fd(), by).await?;
    let uri = json!({ "uri": format!("fd:{STATE}") });
    qmp.execute("migrate-incoming", uri, by).await?;
    migrated(qmp, "to load the machine", by).await?;
    // The machine was saved while it was stopped, and is so again after it was loaded.
    qmp.execute("cont", json!({}), by).await?;
    for (index, nic) in spec.nics.iter().enumerate() {
        qmp.execute("device_add", nic.plugged(index), by).await?;
    }
    Ok(())
}

async fn capabilities(qmp: &mut Qmp, by: Deadline) -> Result<(), MonitorError> {
    let wanted = json!({ "capabilities": [
        { "capability": "events", "state": true },
        { "capability": "x-ignore-shared", "state": true },
    ]});
    qmp.execute("migrate-set-capabilities", wanted, by).await?;
    Ok(())
}

async fn migrated(qmp: &mut Qmp, what: &str, by: Deadline) -> Result<(), MonitorError> {
    let ended = |name: &str, data: &Value| match (name, data["status"].as_str()) {
        ("MIGRATION", Some("completed")) => Some(true),
        ("MIGRATION", Some("failed")) => Some(false),
        _ => None,
    };
    if qmp.event(what, by, ended).await? {
        return Ok(());
    }
    let state = qmp.execute("query-migrate", json!({}), by).await?;
    Err(MonitorError::Refused {
        vmm: VMM,
        command: "migrate".to_owned(),
        said: state["error-desc"].as_str().unwrap_or("failed").to_owned(),
    })
}
