//! Kinds of links that a kernel may lack, and networkd cannot make then: one row for each.
//!
//! `Kind=` of systemd.netdev(5), `TYPE` of ip-link(8). A unit file that asks for one asks for its [`Capability`].

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use super::capability::Capability;
use super::die_with_parent;
use super::modules::load_command;
use super::probe::Attempt;
use super::tool::{Tool, locate};
use crate::networkd::settings;
use crate::scenario::UnitFile;

/// A kind of link, which is a [`Capability`] of its name.
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

/// Kinds that every lab has, or whose capability has another name.
const OTHERS: [(&str, Capability); 5] = [
    ("bridge", Capability::Bridge),
    ("veth", Capability::Veth),
    ("tap", Capability::Tap),
    ("tun", Capability::Tap),
    ("macvtap", Capability::Macvtap),
];

impl LinkKind {
    /// Words after `ip`, each line one command, of which the last makes such a link.
    fn lines(&self) -> Vec<String> {
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

/// Capabilities that unit files ask of the kernel: by the `Kind=` of what they make, and by what they set.
pub(super) fn asked_by(units: &[UnitFile]) -> BTreeSet<Capability> {
    let mut asked = BTreeSet::new();
    for unit in units {
        for (section, key, value) in settings(&String::from_utf8_lossy(&unit.bytes)) {
            asked.extend(match (section.as_str(), key.as_str()) {
                ("NetDev", "Kind") => kind_named(&value),
                ("Bridge", "VLANFiltering") => truth(&value).then_some(Capability::VlanFiltering),
                ("BridgeVLAN", _) => Some(Capability::VlanFiltering),
                ("NetworkEmulator", _) => Some(Capability::Netem),
                _ => None,
            });
        }
    }
    asked
}

fn kind_named(kind: &str) -> Option<Capability> {
    let others = OTHERS.iter().find(|(name, _)| *name == kind);
    let listed = || LINK_KINDS.iter().find(|row| row.name == kind);
    let other = others.map(|(_, capability)| *capability);
    other.or_else(|| listed().map(Capability::Link))
}

/// systemd.syntax(7), "boolean".
fn truth(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["1", "yes", "y", "true", "t", "on"].contains(&value.as_str())
}

/// Makes one link of each kind, in the caller's namespace, by one process of `ip`.
///
/// A kind whose module would have to be loaded is not made: some modules make links of their own in the host computer's
/// namespace (`dummy0`, `bond0`). Such a kind counts as here, because its module can be loaded.
pub(super) fn attempts() -> Vec<(Capability, Attempt)> {
    let (loadable, tried): (Vec<&'static LinkKind>, Vec<&'static LinkKind>) = LINK_KINDS
        .iter()
        .partition(|kind| load_command(kind.module, true).is_some());
    let mut found: Vec<(Capability, Attempt)> = loadable
        .into_iter()
        .map(|kind| {
            let detail = format!("the kernel loads `{}` when one is made", kind.module);
            (Capability::Link(kind), Attempt::works(detail))
        })
        .collect();
    found.extend(try_all(&tried));
    found
}

fn try_all(kinds: &[&'static LinkKind]) -> Vec<(Capability, Attempt)> {
    let all = |attempt: &Attempt| {
        let one = |kind: &&'static LinkKind| (Capability::Link(kind), attempt.clone());
        kinds.iter().map(one).collect()
    };
    let Some(ip) = locate(Tool::Ip) else {
        return all(&Attempt::no_program(Tool::Ip));
    };
    const BATCH: &str = "run `ip -force -batch -`";
    let said = match batch(&ip, kinds) {
        // `ip` was ended before its last line, and the lines that it did not read were not refused.
        Ok((status, said)) if status.signal().is_some() => {
            return all(&Attempt::ended(BATCH.to_owned(), status, said));
        }
        Ok((_, said)) => said,
        Err(error) => return all(&Attempt::failed(BATCH, error)),
    };
    let refused = refusals(&said);
    let mut line = 0;
    let judge = |kind: &&'static LinkKind| {
        let lines = kind.lines();
        let first = line + 1;
        line += lines.len();
        let mut bad = refused.iter().filter(|(at, _)| (first..=line).contains(at));
        let attempt = match bad.next() {
            Some((at, said)) => Attempt::Failed {
                doing: format!("ip {}", lines[at - first]),
                said: said.clone(),
                errno: None,
            },
            None => Attempt::works(format!("`ip {}` works", lines[lines.len() - 1])),
        };
        (Capability::Link(kind), attempt)
    };
    kinds.iter().map(judge).collect()
}

/// What `ip` says to all lines, one after another.
fn batch(ip: &Path, kinds: &[&LinkKind]) -> std::io::Result<(ExitStatus, String)> {
    let mut command = Command::new(ip);
    die_with_parent(&mut command);
    let mut child = command
        .args(["-force", "-batch", "-"])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let lines: Vec<String> = kinds.iter().flat_map(|kind| kind.lines()).collect();
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| {
        stdin.write_all((lines.join("\n") + "\n").as_bytes())
    });
    let output = child.wait_with_output()?;
    // If `ip` was ended by a signal, that says more than the broken pipe.
    if output.status.signal().is_none() {
        written?;
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status, said))
}

/// The lines of a batch that were refused, from 1, and why: the words before each `Command failed -:LINE`.
fn refusals(said: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut why: Vec<&str> = Vec::new();
    for line in said.lines().map(str::trim) {
        match line.strip_prefix("Command failed -:") {
            Some(number) => {
                found.extend(number.parse().ok().map(|number| (number, why.join("; "))));
                why.clear();
            }
            None => why.push(line),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> UnitFile {
        UnitFile {
            name: "10-x.netdev".to_owned(),
            shown: "10-x.netdev".into(),
            bytes: text.as_bytes().into(),
        }
    }

    fn asked(text: &str) -> Vec<&'static str> {
        let asked = asked_by(&[unit(text)]).into_iter();
        asked.map(Capability::name).collect()
    }

    #[test]
    fn a_unit_asks_for_the_kind_that_it_makes() {
        for kind in &LINK_KINDS {
            let name = kind.name;
            assert_eq!(asked(&format!("[NetDev]\nName=x\nKind={name}\n")), [name]);
        }
        assert_eq!(asked("[NetDev]\nKind = tun\n"), ["tap"]);
        assert_eq!(asked("[NetDev]\nKind=macvtap\n"), ["macvtap"]);
        // A kind in a match, one in a comment, and one that is not known.
        for none in [
            "[Match]\nKind=vlan\n",
            "[NetDev]\n# Kind=vlan\nName=x\n",
            "[NetDev]\nKind=fibre\n",
            "",
        ] {
            assert_eq!(asked(none), [""; 0], "{none}");
        }
    }

    #[test]
    fn a_unit_asks_for_what_it_sets() {
        let bridge = "[NetDev]\nKind=bridge\n[Bridge]\nVLANFiltering=";
        for (value, needs) in [
            ("yes", &["bridge", "vlan-filtering"][..]),
            ("0", &["bridge"]),
        ] {
            assert_eq!(asked(&format!("{bridge}{value}\n")), needs);
        }
        assert_eq!(asked("[BridgeVLAN]\nVLAN=7\n"), ["vlan-filtering"]);
        let lossy = "[NetworkEmulator]\nLossRate=50%\n";
        assert_eq!(asked(lossy), ["netem"]);
    }

    /// iproute2 6.1.
    #[test]
    fn a_refused_line_is_found_by_its_number() {
        let said = "Error: Unknown device type.\nCommand failed -:2\n\
                    RTNETLINK answers: Operation not supported\nCommand failed -:15\n";
        let found = refusals(said);
        let numbers: Vec<usize> = found.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [2, 15]);
        assert_eq!(found[0].1, "Error: Unknown device type.");
        assert_eq!(refusals(""), []);
    }

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
