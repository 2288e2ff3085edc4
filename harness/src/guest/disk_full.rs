//! Guests whose writes to their disk find no room on the host computer: how that is noticed, and the error.

use std::path::Path;

use super::GuestError;
use crate::deadline::Deadline;
use crate::host::free_space::room;
use crate::host::service::Log;
use crate::hypervisor::{GuestSpec, Start, hypervisor};

const MIB: u64 = 1 << 20;
/// What a guest's kernel says on its console when its disk refuses a read or a write.
const REFUSED: &str = "I/O error, dev vd";

/// Waits until the guest's writes find no room, and returns how that is known: the VMM stops the guest and says so, or
/// the guest is told that its disk refuses while there is no room for what it writes.
pub async fn used_up(spec: &GuestSpec, console: &Log) -> String {
    let refused = async {
        // VMMs take room in pieces, so a file system counts as full when less than one MiB is free.
        let full = || room(spec.written_to()).is_ok_and(|room| room.free < MIB);
        let by = Deadline::never();
        if spec.disk.is_some() && console.wait_for(&[REFUSED], by).await.is_some() && full() {
            return console.line_with(REFUSED).unwrap_or_default();
        }
        std::future::pending().await
    };
    tokio::select! {
        said = hypervisor(spec.hypervisor).stopped_for_room(spec) => {
            format!("its VMM stopped it, and says `{said}`")
        }
        line = refused => format!("its console says `{line}`"),
    }
}

/// The error of a guest whose writes found no room: `said` is how that is known, `tail` the end of its console.
pub(super) fn no_room(spec: &GuestSpec, said: String, tail: String) -> GuestError {
    let folder = spec.written_to();
    GuestError::NoRoom {
        guest: spec.name.clone(),
        said,
        place: place(folder),
        help: help(spec, folder),
        tail,
    }
}

/// The folder, with what `df` says of it.
fn place(folder: &Path) -> String {
    let about = match room(folder) {
        Ok(room) => format!(" ({} MiB free of {} MiB)", room.free / MIB, room.all / MIB),
        Err(_) => String::new(),
    };
    format!("`{}`{about}", folder.display())
}

fn help(spec: &GuestSpec, folder: &Path) -> String {
    match spec.start {
        Start::Recording(_) => {
            let folder = folder.display();
            format!(
                "see what fills the disk: `df -h {folder}`; or choose another cache folder: `BRIDGELAB_CACHE=DIR`"
            )
        }
        // The tmpfs is mounted in the lab only, so no command outside of it shows or empties it.
        Start::Cold | Start::Template { .. } => {
            "what guests write to their disks is kept in memory, in a tmpfs of the run that may take half of the \
             machine's (`free -m`): have the guests write less, or run them where there is more memory"
                .to_owned()
        }
    }
}
