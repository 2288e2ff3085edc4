//! Which next hops and routes the kernel would take, `fib_check_nh` of `net/ipv4/fib_semantics.c` and `ip6_route_check_nh` of
//! `net/ipv6/route.c`: a next hop must be on a link, by an address or by a route without a next hop that is there already.
//!
//! A machine may have thousands of addresses and of routes; so what is asked for each route is found without looking at all of
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::scenario::Route;
use crate::scenario::file::Place;
use crate::scenario::names::IfName;

/// So many addresses are named where none of them will do.
const NAMED: usize = 8;

/// What a machine's routes can lead by.
#[derive(Debug)]
pub(crate) struct Reach {
    /// Whether everything is known that a next hop can be reached by.
    whole: bool,
    /// The first addresses of each family (IPv6 last), with their links, and those of each link: as many as are named, and one.
    first: [Vec<(IfName, IpNet)>; 2],
    first_on: [BTreeMap<IfName, Vec<IpNet>>; 2],
    addresses: BTreeSet<IpAddr>,
    /// Networks' own addresses, and those that stand for all hosts of one.
    no_hosts: BTreeSet<IpAddr>,
    /// By which links a prefix is reached; `None`: by any.
    on_link: BTreeMap<IpNet, BTreeSet<Option<IfName>>>,
    taken: BTreeSet<(IpNet, u32)>,
    /// Where a scenario changes addresses of the base.
    pub(crate) laid: Option<Place>,
}

/// Why the kernel would not take a route.
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) label: &'static str,
    pub(crate) help: Option<String>,
}

impl Reach {
    /// Of a machine with links of these addresses; not `whole`: some of them are not known, and nothing is refused.
    pub(crate) fn new<'a>(whole: bool, links: impl Iterator<Item = (IfName, &'a [IpNet])>) -> Self {
        let mut reach = Self {
            whole,
            first: Default::default(),
            first_on: Default::default(),
            addresses: BTreeSet::new(),
            no_hosts: BTreeSet::new(),
            on_link: BTreeMap::new(),
            taken: BTreeSet::new(),
            laid: None,
        };
        for (name, addresses) in links {
            for address in addresses {
                reach.add(&name, *address);
            }
        }
        reach
    }

    fn add(&mut self, name: &IfName, address: IpNet) {
        let family = family(address.addr());
        if self.first[family].len() <= NAMED {
            self.first[family].push((name.clone(), address));
        }
        let on = self.first_on[family].entry(name.clone()).or_default();
        if on.len() <= NAMED {
            on.push(address);
        }
        self.addresses.insert(address.addr());
        let links = self.on_link.entry(address.trunc()).or_default();
        links.insert(Some(name.clone()));
        // With the address comes its network's route; for IPv6 with a metric that no written one has by default.
        if address.addr().is_ipv4() && address.prefix_len() < 31 {
            self.taken.insert((address.trunc(), 0));
            self.no_hosts
                .extend([address.network(), address.broadcast()]);
        }
    }

    /// With the place where a scenario changes addresses of the base.
    pub(crate) fn laid(self, laid: Option<Place>) -> Self {
        Self { laid, ..self }
    }

    pub(crate) fn refuses(&self, route: &Route, whose: &str, key: &str) -> Option<Refusal> {
        if !self.whole {
            return None;
        }
        if self.taken.contains(&(route.to, metric(route))) {
            return Some(Refusal {
                message: format!("{whose} has two routes to `{}` with one metric", route.to),
                label: "the kernel says that it exists",
                help: Some("give one of them another `metric`".to_owned()),
            });
        }
        let via = route.via?;
        if route.to.addr().is_ipv4() != via.is_ipv4() {
            return None; // reported already
        }
        if let IpAddr::V6(six) = via {
            if six.is_unicast_link_local() {
                return route.dev.is_none().then(|| Refusal {
                    message: format!("the next hop `{via}` is on every link"),
                    label: "on which one?",
                    help: Some("add `dev`, the interface that leads to it".to_owned()),
                });
            }
            if six.is_multicast() || self.addresses.contains(&via) {
                return Some(Refusal {
                    message: format!("`{via}` is no next hop"),
                    label: match six.is_multicast() {
                        true => "a multicast address",
                        false => "the machine's own address",
                    },
                    help: None,
                });
            }
        }
        if let IpAddr::V4(four) = via
            && (four.is_multicast() || self.no_hosts.contains(&via))
        {
            return Some(Refusal {
                message: format!("`{via}` is no next hop"),
                label: "no host's address",
                help: None,
            });
        }
        if route.onlink || self.is_on_link(via, route.dev.as_ref()) {
            return None;
        }
        let (wide, at) = match &route.dev {
            Some(dev) => (", or say `onlink = true`", format!(" on `{dev}`")),
            None => (", or name its `dev` and say `onlink = true`", String::new()),
        };
        let has = match self.named(route.dev.as_ref(), via) {
            None => format!("there is no `{key}` of its family{at}"),
            Some(named) => format!("there is {named}"),
        };
        Some(Refusal {
            message: format!("{whose} has no way to the next hop `{via}`{at}"),
            label: "in none of its prefixes",
            help: Some(format!(
                "{has}; the kernel takes a next hop that is on a link: change one of the two{wide}"
            )),
        })
    }

    /// Whether an address is in a prefix that is on that link, or on any.
    fn is_on_link(&self, via: IpAddr, dev: Option<&IfName>) -> bool {
        let longest = if via.is_ipv4() { 32 } else { 128 };
        let dev = dev.cloned();
        let mut around = (0..=longest).filter_map(|length| IpNet::new(via, length).ok());
        around.any(|net| {
            let links = self.on_link.get(&net.trunc());
            links
                .is_some_and(|links| dev.is_none() || links.contains(&None) || links.contains(&dev))
        })
    }

    /// The first addresses of a next hop's family, on that link or on any, as text.
    fn named(&self, dev: Option<&IfName>, via: IpAddr) -> Option<String> {
        let family = family(via);
        let shown = |(name, address): (&IfName, &IpNet)| format!("`{address}` on `{name}`");
        let mut named: Vec<String> = match dev {
            None => {
                let first = self.first[family].iter();
                first
                    .map(|(name, address)| shown((name, address)))
                    .collect()
            }
            Some(dev) => {
                let on = self.first_on[family].get(dev).into_iter().flatten();
                on.map(|address| shown((dev, address))).collect()
            }
        };
        let more = if named.len() > NAMED { " and more" } else { "" };
        named.truncate(NAMED);
        (!named.is_empty()).then(|| format!("{}{more}", named.join(", ")))
    }

    /// The route is there for those after it.
    pub(crate) fn took(&mut self, route: &Route) {
        self.taken.insert((route.to, metric(route)));
        if route.via.is_none() {
            let links = self.on_link.entry(route.to).or_default();
            links.insert(route.dev.clone());
        }
    }
}

/// Where what is kept of a family stands.
fn family(address: IpAddr) -> usize {
    usize::from(address.is_ipv6())
}

/// The kernel's own, where none is said.
fn metric(route: &Route) -> u32 {
    let usual = if route.to.addr().is_ipv4() { 0 } else { 1024 };
    match route.metric {
        // `IP6_RT_PRIO_USER`: IPv6 takes 0 for none said.
        Some(0) | None => usual,
        Some(metric) => metric,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(to: &str, via: Option<&str>, dev: Option<&str>) -> Route {
        Route {
            to: to.parse().expect("a prefix"),
            via: via.map(|via| via.parse().expect("an address")),
            dev: dev.map(|dev| IfName::try_from(dev).expect("a name")),
            onlink: false,
            metric: None,
        }
    }

    /// `192.168.1.20/30` and `2001:db8::20/64` on `a`, nothing on `b`.
    fn reach() -> Reach {
        let name = |name: &str| IfName::try_from(name).expect("a name");
        let addresses = ["192.168.1.21/30", "2001:db8::20/64"];
        let addresses = addresses
            .map(|one| one.parse().expect("an address"))
            .to_vec();
        Reach::new(
            true,
            [(name("a"), &addresses[..]), (name("b"), &[])].into_iter(),
        )
    }

    fn refused(route: &Route) -> bool {
        reach().refuses(route, "machine `m`", "addresses").is_some()
    }

    /// What `ip route add` said to each, on Linux 6.18.
    #[test]
    fn what_the_kernel_refuses_is_refused() {
        let (four, six) = ("10.0.0.0/8", "2001:db8:1::/64");
        for (to, via, dev, takes) in [
            (four, Some("192.168.1.21"), None, true),
            (four, Some("192.168.1.22"), None, true),
            (four, Some("192.168.1.22"), Some("a"), true),
            (four, Some("192.168.1.22"), Some("b"), false),
            (four, Some("192.168.1.23"), None, false),
            (four, Some("192.168.1.1"), None, false),
            (four, Some("192.168.1.1"), Some("a"), false),
            ("192.168.1.20/30", None, Some("a"), false),
            ("2001:db8::/64", None, Some("a"), true),
            (six, Some("2001:db8::1"), None, true),
            (six, Some("2001:db8::20"), None, false),
            (six, Some("2001:db8:9::1"), None, false),
            (six, Some("fe80::1"), None, false),
            (six, Some("fe80::1"), Some("b"), true),
            (six, Some("ff02::1"), Some("a"), false),
        ] {
            let route = route(to, via, dev);
            assert_eq!(refused(&route), !takes, "{route:?}");
        }
        let far = Route {
            onlink: true,
            ..route(four, Some("8.8.8.8"), Some("b"))
        };
        assert!(!refused(&far));
    }

    #[test]
    fn of_many_addresses_the_first_are_named() {
        let name = |name: &str| IfName::try_from(name).expect("a name");
        let nets = |link: u8, count: u8| -> Vec<IpNet> {
            let one = |host| {
                format!("10.{link}.{host}.1/24")
                    .parse()
                    .expect("an address")
            };
            (0..count).map(one).collect()
        };
        let (many, few) = (nets(1, 20), nets(2, 2));
        let links = [(name("a"), &many[..]), (name("b"), &few[..])];
        let reach = Reach::new(true, links.into_iter());
        let help = |dev| {
            let refusal =
                reach.refuses(&route("0.0.0.0/0", Some("8.8.8.8"), dev), "m", "addresses");
            let help = refusal.expect("refused").help.expect("a help");
            help.split(';').next().map(str::to_owned).expect("words")
        };
        assert!(
            help(None).ends_with("`10.1.7.1/24` on `a` and more"),
            "{}",
            help(None)
        );
        assert!(
            help(Some("a")).ends_with("on `a` and more"),
            "{}",
            help(Some("a"))
        );
        let few = "there is `10.2.0.1/24` on `b`, `10.2.1.1/24` on `b`";
        assert_eq!(help(Some("b")), few);
        assert_eq!(
            help(Some("c")),
            "there is no `addresses` of its family on `c`"
        );
    }

    #[test]
    fn routes_that_are_there_lead_to_next_hops_and_are_not_made_twice() {
        let mut reach = reach();
        reach.took(&route("10.9.0.0/16", None, Some("b")));
        reach.took(&route("0.0.0.0/0", Some("192.168.1.22"), None));
        let check = |one: &Route| reach.refuses(one, "machine `m`", "addresses").is_none();
        assert!(check(&route("10.0.0.0/8", Some("10.9.0.1"), None)));
        assert!(!check(&route("10.0.0.0/8", Some("10.9.0.1"), Some("a"))));
        assert!(!check(&route("10.0.0.0/8", Some("8.8.8.8"), None)));
        assert!(!check(&route("0.0.0.0/0", Some("192.168.1.22"), None)));
        assert!(check(&Route {
            metric: Some(5),
            ..route("0.0.0.0/0", Some("192.168.1.22"), None)
        }));
    }
}
