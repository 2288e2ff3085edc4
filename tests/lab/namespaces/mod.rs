//! Tests that need only namespaces: no image, no QEMU, and no root where user namespaces and subordinate ids are at hand. A
//! few in `bench`, `macvtap`, `signals`, `sysctls` and `teardown` boot guests too, because they belong to tests here.
//!
//! - Networks as they are built: [`lan`], [`topology`], [`macvtap`], [`firewall`], [`dnsmasq`], [`units`], [`sysctls`], [`ghosts`]
//! - What is looked at: [`checks`], [`check_states`], [`sources`], [`lines`]
//! - What is done: [`steps`], [`enter`], [`lab_scope`], [`bench`], [`matrix`], [`mutate`], [`image`]
//! - Causes of faults: [`diagnosis`]
//! - Endings and faults: [`endings`], [`page`], [`teardown`], [`signals`], [`faults`], [`daemon_faults`]
//! - Many at once: [`queue`], [`crowd`]
//! - Strangers: [`confined`]

mod bench;
mod check_states;
mod checks;
mod confined;
mod crowd;
mod daemon_faults;
mod diagnosis;
mod dnsmasq;
mod endings;
mod enter;
mod explain;
mod faults;
mod firewall;
mod ghosts;
mod image;
mod lab_scope;
mod lan;
mod lines;
mod log;
mod macvtap;
mod matrix;
mod mutate;
mod page;
mod queue;
mod signals;
mod sources;
mod steps;
mod sysctls;
mod teardown;
mod topology;
mod units;
