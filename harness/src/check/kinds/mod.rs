//! The kinds of checks: a file or a folder for each row of the table. It says what is asked for and how that is read, looks, and
//! judges.

use super::kind::Kind;
use crate::scenario::check_kind::{CheckKind, CheckKinds, Listed};

/// Makes the modules, the table that the language is read by, and the way back from what was read to its kind.
macro_rules! check_kinds {
    ($($key:ident: $kind:ident,)*) => {
        $(pub mod $key;)*
        $(pub use $key::$kind;)*

        inventory::submit! { CheckKinds(&[$(Listed::of::<$key::$kind>(),)*]) }

        /// What is known of a kind.
        pub(crate) fn of(kind: &dyn CheckKind) -> &dyn Kind {
            $(
                if let Some(kind) = kind.downcast_ref::<$key::$kind>() {
                    return kind;
                }
            )*
            unreachable!("`{}` is in no row of the table", kind.name())
        }
    };
}

// A row for each kind: its key in a scenario file, which names its file, and what is read of it.
check_kinds! {
    ping: Ping,
    dns: Dns,
    router_advert: RouterAdvert,
    ra_accepted: RaAccepted,
    tcp: Tcp,
    http: Http,
    ssh: Ssh,
    address: Address,
    route: Route,
    bridge_port: BridgePort,
    networkctl: Networkctl,
    wait_online: WaitOnline,
    container_veth: ContainerVeth,
    container: Container,
    link: Link,
    neighbour: Neighbour,
    fdb: Fdb,
    mdb: Mdb,
    bridge_vlan: BridgeVlan,
    sysctl: Sysctl,
    command: Command,
    packet: Packet,
    counter: Counter,
    process: Process,
    differ: Differ,
    vmm: Vmm,
}
