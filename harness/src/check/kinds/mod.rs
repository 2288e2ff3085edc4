//! The kinds of checks. Each row of the table has a file or a folder, which declares the check's keys, reads them, looks, and
//! judges.

use super::kind::Kind;
#[cfg(test)]
use crate::scenario::check_kind::Declared;
use crate::scenario::check_kind::{CheckKind, CheckKinds, Listed};

/// Makes the modules, the table by which scenario files are read, and `of`.
macro_rules! check_kinds {
    ($($key:ident: $kind:ident,)*) => {
        $(pub mod $key;)*
        $(pub use $key::$kind;)*

        inventory::submit! { CheckKinds(&[$(Listed::of::<$key::$kind>(),)*]) }

        /// Capability that each kind needs of the host computer, by the kind's key.
        #[cfg(test)]
        const NEEDS: &[(&str, Option<&str>)] =
            &[$((stringify!($key), <$key::$kind as Declared>::NEEDS),)*];

        /// The same check, as the [`Kind`] that looks and judges.
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

// A row for each kind: its key in a scenario file, which is also the module's name, and the type that is read from it.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::capability::Capability;
    use crate::scenario::check_kinds as described;

    #[test]
    fn what_a_kind_needs_is_a_capability() {
        for (kind, need) in NEEDS {
            let known = need.is_none_or(|need| Capability::named(need).is_some());
            assert!(known, "{kind} needs {need:?}");
        }
    }

    #[test]
    fn a_kind_goes_by_the_name_of_its_row() {
        let names: Vec<_> = described().iter().map(|kind| kind.name).collect();
        let rows: Vec<_> = NEEDS.iter().map(|(key, _)| *key).collect();
        assert_eq!(names, rows);
    }
}
