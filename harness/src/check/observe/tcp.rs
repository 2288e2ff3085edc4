//! Connecting to a port.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::net::TcpStream;

use super::ANSWER;
use crate::check::{ProbeError, Vantage, Verdict};
use crate::deadline::Deadline;
use crate::host::netns::Netns;

/// Connects from a machine; `Err` is what a person would read as the answer.
pub(super) async fn connect(
    machine: &Arc<Netns>,
    to: IpAddr,
    port: u16,
) -> Result<Result<TcpStream, String>, ProbeError> {
    let connected = machine
        .run(async move { tokio::time::timeout(ANSWER, TcpStream::connect((to, port))).await });
    Ok(match connected.await? {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) => Err(format!("no connection to {to} port {port}: {e}")),
        Err(_) => Err(format!(
            "no connection to {to} port {port} within {ANSWER:?}"
        )),
    })
}

pub(super) async fn look(
    to: IpAddr,
    port: u16,
    from: &Vantage,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let (address, number) = (to.to_string(), port.to_string());
    let answered = match from {
        Vantage::Machine(machine) => connect(machine, to, port).await?.map(drop),
        Vantage::Guest(_) | Vantage::Container { .. } => {
            let busybox = if matches!(from, Vantage::Guest(_)) {
                "busybox nc"
            } else {
                "nc"
            };
            let line = format!("timeout 5 {busybox} -w 3 {address} {number} </dev/null >/dev/null");
            let output = from.exec(&["sh", "-c", &line], by).await?;
            if output.success() {
                Ok(())
            } else {
                Err(format!(
                    "no connection to {to} port {port}: {}",
                    output.stderr.trim()
                ))
            }
        }
    };
    Ok(match answered {
        Ok(()) => Verdict::holds(format!("{to} accepts on port {port}")),
        Err(why) => Verdict::violated(why),
    })
}
