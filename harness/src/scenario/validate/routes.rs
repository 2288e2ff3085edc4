//! Routes of machines, and of their ends of guests' NICs: what the kernel would not take is invalid.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Context;
use crate::scenario::error::{Fault, code};
use crate::scenario::file::Place;
use crate::scenario::names::IfName;
use crate::scenario::read::{At, Reader, parsed};
use crate::scenario::{Route, words};

/// What the kernel says of a next hop, `fib_check_nh` of `net/ipv4/fib_semantics.c` and `ip6_route_check_nh` of
/// `net/ipv6/route.c`: one must be on a link, by an address or by a route without a next hop that is there already.
#[derive(Debug)]
pub(super) struct Reach {
    /// Whether everything is known that a next hop can be reached by.
    whole: bool,
    own: Vec<(IfName, IpNet)>,
    on_link: Vec<(Option<IfName>, IpNet)>,
    taken: Vec<(IpNet, u32)>,
    /// Where a scenario changes addresses of the base.
    laid: Option<Place>,
}

/// Why the kernel would not take a route.
struct Refusal {
    message: String,
    label: &'static str,
    help: Option<String>,
}

impl Reach {
    /// Of a machine with links of these addresses; not `whole`: some of them are not known, and nothing is refused.
    pub(super) fn new<'a>(
        whole: bool,
        links: impl Iterator<Item = (IfName, &'a Vec<IpNet>)>,
    ) -> Self {
        let mut own = Vec::new();
        for (name, addresses) in links {
            own.extend(addresses.iter().map(|address| (name.clone(), *address)));
        }
        let on_link = own.iter();
        let on_link = on_link.map(|(name, address)| (Some(name.clone()), address.trunc()));
        let on_link = on_link.collect();
        let taken = own.iter().filter(|(_, address)| address.addr().is_ipv4());
        // With the address comes its network's route; for IPv6 with a metric that no written one has by default.
        let taken = taken.filter(|(_, address)| address.prefix_len() < 31);
        let taken = taken.map(|(_, address)| (address.trunc(), 0)).collect();
        Self {
            whole,
            own,
            on_link,
            taken,
            laid: None,
        }
    }

    /// With the place where a scenario changes addresses of the base.
    pub(super) fn laid(self, laid: Option<Place>) -> Self {
        Self { laid, ..self }
    }

    fn refuses(&self, route: &Route, whose: &str, key: &str) -> Option<Refusal> {
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
        let own = self.own.iter().map(|(_, address)| address);
        if let IpAddr::V6(six) = via {
            if six.is_unicast_link_local() {
                return route.dev.is_none().then(|| Refusal {
                    message: format!("the next hop `{via}` is on every link"),
                    label: "on which one?",
                    help: Some("add `dev`, the interface that leads to it".to_owned()),
                });
            }
            if six.is_multicast() || own.clone().any(|address| address.addr() == via) {
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
            && (four.is_multicast()
                || own.clone().any(|address| {
                    address.prefix_len() < 31
                        && (address.broadcast() == via || address.network() == via)
                }))
        {
            return Some(Refusal {
                message: format!("`{via}` is no next hop"),
                label: "no host's address",
                help: None,
            });
        }
        let by = |dev: &Option<IfName>| route.dev.is_none() || dev.is_none() || *dev == route.dev;
        let mut links = self.on_link.iter();
        if route.onlink || links.any(|(dev, net)| by(dev) && net.contains(&via)) {
            return None;
        }
        let addresses: Vec<String> = self
            .own
            .iter()
            .filter(|(name, address)| {
                let asked = route.dev.as_ref().is_none_or(|dev| dev == name);
                asked && address.addr().is_ipv4() == via.is_ipv4()
            })
            .map(|(name, address)| format!("`{address}` on `{name}`"))
            .collect();
        let (wide, at) = match &route.dev {
            Some(dev) => (", or say `onlink = true`", format!(" on `{dev}`")),
            None => (", or name its `dev` and say `onlink = true`", String::new()),
        };
        let has = match addresses.as_slice() {
            [] => format!("there is no `{key}` of its family{at}"),
            some => format!("there is {}", some.join(", ")),
        };
        Some(Refusal {
            message: format!("{whose} has no way to the next hop `{via}`{at}"),
            label: "in none of its prefixes",
            help: Some(format!(
                "{has}; the kernel takes a next hop that is on a link: change one of the two{wide}"
            )),
        })
    }

    /// The route is there for those after it.
    fn took(&mut self, route: &Route) {
        self.taken.push((route.to, metric(route)));
        if route.via.is_none() {
            self.on_link.push((route.dev.clone(), route.to));
        }
    }
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

/// A route by an interface or a next hop of the machine.
pub(super) fn of_machine(
    context: &Context<'_>,
    reader: &Reader<'_>,
    machine: &str,
    reach: &mut Reach,
) -> Option<Route> {
    let dev = reader.text("dev");
    if let Some(dev) = &dev {
        let known = context.known.machines.get(machine);
        if known.is_some_and(|known| known.taps.contains(dev.value)) {
            let message = format!("`{}` is a guest's TAP", dev.value);
            let label = "it is made after the machine's routes".to_owned();
            let help = "make it one of the `host_routes` of the guest's interface".to_owned();
            let fault = Fault::new(dev.place, code::CONFLICT, message, label);
            context.faults.add(fault.help(help));
        } else {
            context.interface_exists(machine, dev);
        }
    } else {
        let needs = if reader.entry("onlink").is_some() {
            Some(("`onlink` without `dev`", "on which link?"))
        } else if reader.entry("via").is_none() {
            Some(("a route needs `via`, `dev` or both", "it leads nowhere"))
        } else {
            None
        };
        if let Some((message, label)) = needs {
            let (message, label) = (message.to_owned(), label.to_owned());
            let fault = Fault::new(reader.place, code::MISSING_KEY, message, label);
            context.faults.add(fault);
        }
    }
    let dev = dev.and_then(|dev| parsed(dev, words::if_name, context.faults));
    let dev = dev.map(|dev| dev.value);
    let whose = format!("machine `{machine}`");
    route(context, reader, dev, (&whose, "addresses"), reach)
}

/// What all routes have.
pub(super) fn route(
    context: &Context<'_>,
    reader: &Reader<'_>,
    dev: Option<IfName>,
    (whose, key): (&str, &str),
    reach: &mut Reach,
) -> Option<Route> {
    let to = reader.need("to", reader.word("to", words::prefix));
    let via = reader.word("via", words::ip);
    let onlink = reader.flag("onlink").unwrap_or(false);
    let metric = reader.number("metric", 0..=u32::MAX);
    if onlink && reader.entry("via").is_none() {
        let message = "`onlink` without `via`".to_owned();
        let label = "there is no next hop to be on the link".to_owned();
        context
            .faults
            .add(Fault::new(reader.place, code::CONFLICT, message, label));
    }
    let to = to?.value;
    if let Some(via) = &via {
        same_family(context, &to, via);
    }
    let route = Route {
        to,
        via: via.as_ref().map(|via| via.value),
        dev,
        onlink,
        metric,
    };
    let refused = reach.refuses(&route, whose, key);
    if let Some(Refusal {
        message,
        label,
        help,
    }) = refused
    {
        let place = via.as_ref().map_or(reader.place, |via| via.place);
        // Nobody can change a line of the base: the fault is in what was laid over it.
        let laid = reach.laid.as_ref().filter(|_| place.source.built_in);
        let (place, label) = match laid {
            Some(laid) => (laid, format!("{label}: a route of the base")),
            None => (place, label.to_owned()),
        };
        let fault = Fault::new(place, code::CONFLICT, message, label);
        context.faults.add(fault.help(help));
    }
    reach.took(&route);
    Some(route)
}

/// Reports a next hop of the other family.
pub(super) fn same_family(context: &Context<'_>, to: &IpNet, via: &At<'_, IpAddr>) {
    if to.addr().is_ipv4() != via.value.is_ipv4() {
        let family = if to.addr().is_ipv4() { "IPv4" } else { "IPv6" };
        let message = format!(
            "the route to `{to}` goes via `{}`, of the other family",
            via.value
        );
        let label = format!("must be an {family} address");
        context
            .faults
            .add(Fault::new(via.place, code::CONFLICT, message, label));
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
            [(name("a"), &addresses), (name("b"), &Vec::new())].into_iter(),
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
