//! How long daemons and other processes of a lab get.

use std::time::Duration;

/// How long a daemon may take to be ready.
pub(super) const DAEMON_READY: Duration = Duration::from_secs(15);

/// How long processes get to end before they are killed.
pub(super) const GRACE: Duration = Duration::from_secs(2);
