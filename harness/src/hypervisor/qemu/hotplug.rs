//! NICs that are plugged into a running guest, and unplugged, over QEMU's monitor.
//!
//! Only a guest that started from a template has ports for such NICs. `-M microvm` has no hotplug at all
//! (docs/system/i386/microvm.rst of QEMU).

use std::os::fd::{AsFd, OwnedFd};

use serde_json::{Value, json};

use super::qmp::{Qmp, VMM};
use crate::deadline::Deadline;
use crate::hypervisor::{MonitorError, NIC_PORTS, Nic};

/// Plugs a NIC on an open TAP or macvtap into a port: `netdev_add tap,id=nicPORT,fd=...`, or `fds=...` with several queues,
/// then `device_add virtio-net-pci`.
///
/// # Errors
/// [`MonitorError::Refused`] with QEMU's words, for example when the port is taken.
pub(super) async fn plug(
    qmp: &mut Qmp,
    port: usize,
    nic: &Nic,
    queues: &[OwnedFd],
    by: Deadline,
) -> Result<(), MonitorError> {
    if port >= NIC_PORTS {
        return cannot(format!("has {NIC_PORTS} ports for NICs, and all are taken"));
    }
    let netdev = format!("nic{port}");
    let mut names = Vec::new();
    for (queue, descriptor) in queues.iter().enumerate() {
        let name = format!("nic{port}-tap{queue}");
        qmp.give_descriptor(&name, descriptor.as_fd(), by).await?;
        names.push(name);
    }
    let key = if names.len() == 1 { "fd" } else { "fds" };
    let backend = json!({ "type": "tap", "id": netdev, key: names.join(":") });
    qmp.execute("netdev_add", backend, by).await?;
    if let Err(error) = qmp.execute("device_add", nic.plugged(port), by).await {
        // Removes the backend again, so that the port is free for another NIC.
        let _ = qmp.execute("netdev_del", json!({ "id": netdev }), by).await;
        return Err(error);
    }
    Ok(())
}

/// Unplugs the NIC in a port, when the guest has let go of it: `device_del`, then `netdev_del`, which closes the TAP.
///
/// # Errors
/// [`MonitorError::Refused`] with QEMU's words, [`MonitorError::Timeout`] when the guest holds on to it.
pub(super) async fn unplug(qmp: &mut Qmp, port: usize, by: Deadline) -> Result<(), MonitorError> {
    let device = format!("nic{port}-device");
    qmp.execute("device_del", json!({ "id": device }), by)
        .await?;
    let gone = |name: &str, data: &Value| {
        (name == "DEVICE_DELETED" && data["device"] == device.as_str()).then_some(())
    };
    qmp.event("to have the guest let go of the NIC", by, gone)
        .await?;
    let netdev = json!({ "id": format!("nic{port}") });
    qmp.execute("netdev_del", netdev, by).await?;
    Ok(())
}

fn cannot(why: String) -> Result<(), MonitorError> {
    Err(MonitorError::Cannot { vmm: VMM, why })
}
