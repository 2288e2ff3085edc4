//! Looking at the tables of bridges.

use super::Surroundings;
use super::links::{json, link_name, optional_link};
use crate::check::{ProbeError, Vantage, Verdict, bridge_tables};
use crate::deadline::Deadline;
use crate::scenario::{BridgeVlan, Fdb, Mdb};

pub(super) async fn fdb(
    wanted: &Fdb,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let port = optional_link(wanted.interface.as_ref(), from, surroundings, by).await?;
    let entries = json(from, &["bridge", "-j", "fdb", "show"], by).await?;
    Ok(bridge_tables::judge_fdb(&entries, port.as_deref(), wanted))
}

pub(super) async fn mdb(
    wanted: &Mdb,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let port = optional_link(wanted.interface.as_ref(), from, surroundings, by).await?;
    let tables = json(from, &["bridge", "-j", "mdb", "show"], by).await?;
    Ok(bridge_tables::judge_mdb(&tables, port.as_deref(), wanted))
}

pub(super) async fn vlan(
    wanted: &BridgeVlan,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let port = link_name(wanted.interface.as_ref(), from, surroundings, by).await?;
    let ports = json(from, &["bridge", "-j", "vlan", "show"], by).await?;
    Ok(bridge_tables::judge_vlan(&ports, &port, wanted))
}
