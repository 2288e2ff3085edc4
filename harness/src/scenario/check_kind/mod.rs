//! The kinds of checks, as a scenario says them. A new one is a file here, a row in the table, and the file of that name in
//! `check::kinds`, which looks and judges.

mod asked;
mod keys;

pub(super) use asked::interface_at;
use asked::{Asked, Declared};

use super::keys::TableKeys;
use super::read::Reader;
use super::validate::{Context, From};

/// A row for each kind: its key in a scenario file, which names its files, and its structure. `$then` gets all of them.
macro_rules! check_kinds {
    ($then:ident) => {
        $then! {
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
    };
}
pub(crate) use check_kinds;

macro_rules! table {
    ($($key:ident: $kind:ident,)*) => {
        $(mod $key;)*
        $(pub use $key::$kind;)*

        /// A kind of check.
        ///
        /// An `interface` is a name at the check's vantage point. From a guest, one of the guest's own `id`s means the
        /// NIC with that MAC address, whatever the guest's kernel calls it.
        #[derive(Debug, Clone)]
        pub enum CheckKind {
            $(
                #[doc = concat!("`", stringify!($key), "`")]
                $kind($kind),
            )*
        }

        /// The tables of all kinds: exactly one of them stands in each check.
        pub(crate) const KINDS: &[TableKeys] = &[$($kind::KEYS,)*];

        /// Reads the table of one kind.
        pub(in crate::scenario) fn read<'a>(
            context: &Context<'a>,
            reader: &Reader<'a>,
            table_keys: &TableKeys,
            from: From<'_, 'a>,
        ) -> Option<CheckKind> {
            let asked = Asked {
                context,
                reader,
                from,
            };
            $(
                if table_keys.what == stringify!($key) {
                    $kind::LOOKS.check(context, table_keys.what, from);
                    return $kind::read(&asked).map(CheckKind::$kind);
                }
            )*
            unreachable!("`{}` is in no row of the table", table_keys.what)
        }
    };
}

check_kinds!(table);

pub use address::AddressState;
pub use counter::Firewall;
pub use differ::Differing;
pub use dns::{DnsExpect, RecordType};
pub use packet::Filter;
