//! The kinds of checks. A new one is a file here, its row in the table, and its structure in `scenario::check_kind`.

use super::kind::Kind;
use crate::scenario::CheckKind;

/// A row for each kind: its key in a scenario file, which names its file, and its structure.
macro_rules! table {
    ($($key:ident: $kind:ident,)*) => {
        $(pub(super) mod $key;)*

        /// What is known of a kind.
        pub(crate) fn of(kind: &CheckKind) -> &dyn Kind {
            match kind {
                $(CheckKind::$kind(kind) => kind,)*
            }
        }

        /// The kind's key in a scenario file.
        pub fn kind_name(kind: &CheckKind) -> &'static str {
            match kind {
                $(CheckKind::$kind(_) => stringify!($key),)*
            }
        }

        #[cfg(test)]
        const KEYS: &[&str] = &[$(stringify!($key)),*];
    };
}

table! {
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
    vmm: Vmm,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_kinds_that_a_scenario_file_takes() {
        let schema = crate::scenario::schema();
        let taken = &schema["definitions"]["check"]["oneOf"];
        let mut taken: Vec<&str> = taken
            .as_array()
            .expect("a choice")
            .iter()
            .filter_map(|one| one["required"][0].as_str())
            .collect();
        let mut keys = KEYS.to_vec();
        taken.sort_unstable();
        keys.sort_unstable();
        assert_eq!(keys, taken);
    }
}
