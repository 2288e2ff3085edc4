//! Kinds of links that a kernel may lack, and networkd cannot make then: one row for each.
//!
//! `Kind=` of systemd.netdev(5), `TYPE` of ip-link(8). A unit file that asks for one asks for its [`Capability`](super::capability::Capability).

/// A kind of link, which is a [`Capability`](super::capability::Capability) of its name.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct LinkKind {
    /// `Kind=` of a unit, `TYPE` of `ip link add`.
    pub name: &'static str,
    /// Module that makes such links. The kernel loads it when the first one is asked for.
    pub module: &'static str,
    /// What `ip link add` is told beside the type.
    options: &'static str,
    /// What the link stands on.
    on: On,
}

/// What a link stands on; each gets one of its own, since some kinds share none with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum On {
    Nothing,
    /// `link LOWER`.
    Lower,
    /// `slave1 ONE slave2 OTHER`.
    Two,
}

const fn row(name: &'static str, module: &'static str, on: On, options: &'static str) -> LinkKind {
    LinkKind {
        name,
        module,
        options,
        on,
    }
}

const V4: &str = "local 192.0.2.2 remote 192.0.2.1";
const V6: &str = "local 2001:db8::2 remote 2001:db8::1";
const ERSPAN: &str = "seq key 7 local 192.0.2.2 remote 192.0.2.1 erspan_ver 1 erspan 7";
const VTI: &str = "key 7 local 192.0.2.2 remote 192.0.2.1";
const VTI6: &str = "key 7 local 2001:db8::2 remote 2001:db8::1";
const IP6TNL: &str = "mode any local 2001:db8::2 remote 2001:db8::1";

/// All of them, in the order in which they are reported. A kind of link is one row here, and nothing else.
pub static LINK_KINDS: [LinkKind; 26] = [
    row("vlan", "8021q", On::Lower, "id 7"),
    row("vxlan", "vxlan", On::Nothing, "id 7 dstport 4789"),
    row("geneve", "geneve", On::Nothing, "id 7 remote 192.0.2.1"),
    row("wireguard", "wireguard", On::Nothing, ""),
    row("vrf", "vrf", On::Nothing, "table 7"),
    row("bond", "bonding", On::Nothing, ""),
    row("dummy", "dummy", On::Nothing, ""),
    row("ifb", "ifb", On::Nothing, ""),
    row("macvlan", "macvlan", On::Lower, "mode bridge"),
    row("ipvlan", "ipvlan", On::Lower, "mode l2"),
    row("ipvtap", "ipvtap", On::Lower, "mode l2"),
    row("macsec", "macsec", On::Lower, ""),
    row("gre", "ip_gre", On::Nothing, V4),
    row("gretap", "ip_gre", On::Nothing, V4),
    row("erspan", "ip_gre", On::Nothing, ERSPAN),
    row("ip6gre", "ip6_gre", On::Nothing, V6),
    row("ip6gretap", "ip6_gre", On::Nothing, V6),
    row("ipip", "ipip", On::Nothing, V4),
    row("sit", "sit", On::Nothing, V4),
    row("ip6tnl", "ip6_tunnel", On::Nothing, IP6TNL),
    row("vti", "ip_vti", On::Nothing, VTI),
    row("vti6", "ip6_vti", On::Nothing, VTI6),
    row("xfrm", "xfrm_interface", On::Nothing, "dev lo if_id 7"),
    row(
        "bareudp",
        "bareudp",
        On::Nothing,
        "dstport 7 ethertype ipv4",
    ),
    row("hsr", "hsr", On::Two, ""),
    row("batadv", "batman_adv", On::Nothing, ""),
];

impl LinkKind {
    /// Words after `ip`, each line one command, of which the last makes such a link.
    pub(super) fn lines(&self) -> Vec<String> {
        let name = self.name;
        let (one, other) = (format!("k-{name}-1"), format!("k-{name}-2"));
        let pair = || format!("link add {one} type veth peer name {other}");
        let (first, lower, ports) = match self.on {
            On::Nothing => (None, String::new(), String::new()),
            On::Lower => (Some(pair()), format!("link {one} "), String::new()),
            On::Two => {
                let ports = format!(" slave1 {one} slave2 {other}");
                (Some(pair()), String::new(), ports)
            }
        };
        let add = format!(
            "link add {lower}name k-{name} type {name}{ports} {}",
            self.options
        );
        first
            .into_iter()
            .chain([add.trim_end().to_owned()])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_links_of_its_own_and_names_that_fit() {
        let lines: Vec<String> = LINK_KINDS.iter().flat_map(LinkKind::lines).collect();
        assert!(lines.contains(&"link add link k-vlan-1 name k-vlan type vlan id 7".to_owned()));
        assert!(lines.contains(&"link add name k-bond type bond".to_owned()));
        let names = lines.iter().flat_map(|line| line.split(' '));
        let mut names: Vec<&str> = names.filter(|word| word.starts_with("k-")).collect();
        assert!(names.iter().all(|name| name.len() <= 15), "{names:?}");
        names.sort_unstable();
        names.dedup();
        // Each link's own name, and those of the two ends that it stands on.
        let standing = LINK_KINDS.iter().filter(|kind| kind.on != On::Nothing);
        assert_eq!(names.len(), LINK_KINDS.len() + 2 * standing.count());
    }
}
