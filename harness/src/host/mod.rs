//! The host computer, and the machines of a lab on it.
//!
//! What it can do:
//!
//! ```text
//! capability   what a machine may or may not offer
//! link_kind    kinds of links that a kernel may lack, and unit files ask for
//! needs        which of them a plan asks for, beyond what every run does
//! unit_needs   which of them unit files ask for
//! finding      what is known about one of them here: present, or absent with its remedy
//! command      one external command under a deadline, and how it failed
//! tool         programs: where they are and which version
//! modules      which kernel modules could still be loaded
//! probe        kernel features, tried for real in a throw-away child process
//! kvm          whether KVM runs a stock kernel, proven with a guest; choosing the accelerator
//! doctor       all of the above in one report
//! setup        installs what is missing
//! jobserver    how many labs at once, for all processes of the user
//! standstill   whether this process stood still: a suspend, a stop
//! ```
//!
//! What the lab is made of:
//!
//! ```text
//! isolate      a worker's own namespaces
//! netns        a machine: namespace, thread, runtime
//! netlink      verbs on links, addresses and routes
//! netlink_events  changes of these, as the kernel reports them
//! firewall     rulesets, loaded by nft and iptables
//! nft_trace    packets of a machine, as nft(8) traces them
//! tap          a guest's TAP
//! capture      a packet capture on a link
//! tcpdump      which frames of a capture a filter matches
//! inject       crafted frames out of a link
//! confine      where a scenario's own commands run
//! output       what a command says, kept within bounds
//! service      child processes, logged and stopped for certain
//! end          how such a process ended, for all who wait for it
//! daemon       what must run until it is stopped; an earlier end is reported
//! terminal     a terminal for a program that wants one
//! vmm_user     the user that VMMs run as
//! vsock        connections to guests by the host's kernel
//! process_memory  how much memory a VMM has, and how much of it is its own
//! networkd     the host's systemd-networkd
//! networkd_said   what networkd says about unit files
//! networkd_asked  the same before anything runs, in a throw-away namespace
//! http         the internet's web server
//! received     what has come in of the bytes that looks send to it
//! dns_faults   the names that fail on purpose, behind a machine's dnsmasq
//! ```

pub mod capability;
pub mod capture;
pub mod command;
pub mod confine;
pub mod daemon;
pub mod dns_faults;
pub mod doctor;
mod doctor_sys;
pub(crate) mod end;
pub mod finding;
pub mod firewall;
pub mod free_space;
pub mod http;
pub mod inject;
pub mod isolate;
pub mod jobserver;
pub mod kvm;
pub mod link_kind;
mod log_file;
pub mod macvtap;
mod modules;
pub mod needs;
pub mod netlink;
pub mod netlink_events;
pub mod netns;
pub mod networkd;
pub mod networkd_asked;
pub mod networkd_said;
pub(crate) mod nft_trace;
pub mod offload;
pub mod output;
pub mod probe;
pub mod process_memory;
pub mod received;
pub mod sealed;
pub mod service;
pub mod service_log;
pub mod setup;
pub mod standstill;
mod sys;
pub mod tap;
pub mod tcpdump;
pub(crate) mod terminal;
pub mod tool;
mod tsc;
mod unit_needs;
pub(crate) mod unwritten;
mod vmm_user;
pub(crate) mod vsock;

pub(crate) use sys::ChildSetup;
pub use tsc::tsc_mhz;
pub use vmm_user::VMM_ID;
pub(crate) use vmm_user::vmm_groups;

/// Arranges for `command`'s process to be killed when the thread that starts it ends, however that comes.
///
/// Equivalent: `setpriv --pdeathsig KILL COMMAND`, prctl(2).
pub fn die_with_parent(command: &mut std::process::Command) {
    sys::prepare_child(command, ChildSetup::default());
}

/// Open files that suffice for a usual lab: each machine, capture and guest has some.
const OPEN_FILES: u64 = 8192;

/// Raises the soft limit of open files, as far as the hard one allows: `ulimit -Sn`. It is not raised further than
/// needed, because some daemons close every possible descriptor, one after the other.
pub fn allow_open_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = soft.max(OPEN_FILES).min(hard);
        match wanted > soft {
            true => setrlimit(Resource::RLIMIT_NOFILE, wanted, hard),
            false => Ok(()),
        }
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
