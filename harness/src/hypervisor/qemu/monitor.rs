//! What the harness asks of QEMU while it runs, in QMP's words.

use std::os::fd::OwnedFd;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::hotplug;
use super::qmp::Qmp;
use crate::deadline::Deadline;
use crate::hypervisor::{Monitor, MonitorError, Nic};

impl Monitor for Qmp {
    fn status(&mut self, by: Deadline) -> BoxFuture<'_, Result<String, MonitorError>> {
        Box::pin(async move {
            let status = self.execute("query-status", json!({}), by).await?;
            Ok(status["status"].as_str().unwrap_or_default().to_owned())
        })
    }

    fn power_button(&mut self, by: Deadline) -> BoxFuture<'_, Result<(), MonitorError>> {
        Box::pin(async move {
            self.execute("system_powerdown", json!({}), by).await?;
            Ok(())
        })
    }

    fn plug<'a>(
        &'a mut self,
        index: usize,
        nic: &'a Nic,
        queues: &'a [OwnedFd],
        by: Deadline,
    ) -> BoxFuture<'a, Result<(), MonitorError>> {
        Box::pin(hotplug::plug(self, index, nic, queues, by))
    }

    fn unplug(&mut self, index: usize, by: Deadline) -> BoxFuture<'_, Result<(), MonitorError>> {
        Box::pin(hotplug::unplug(self, index, by))
    }
}
