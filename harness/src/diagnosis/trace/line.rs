//! One line of `nft monitor trace`, as nft(8) 1.0 and 1.1 print it.

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The packet's number: the kernel may give it to another one later.
    pub(super) id: &'a str,
    pub(super) family: &'a str,
    pub(super) table: &'a str,
    pub(super) chain: &'a str,
    pub(super) told: Told<'a>,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told<'a> {
    /// A chain begins with the packet.
    Packet {
        /// Link by which it came.
        iif: Option<&'a str>,
        /// Link by which it goes.
        oif: Option<&'a str>,
    },
    /// A rule matched.
    Rule {
        /// Its text.
        text: &'a str,
        /// Its comment.
        comment: Option<&'a str>,
        /// Whether the packet ends here.
        drops: bool,
    },
    /// The chain's end was met, and its policy counts.
    Policy {
        /// Whether the packet ends here.
        drops: bool,
    },
}

impl<'a> Line<'a> {
    /// Reads a line; `None`: it is none of a trace.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        // An interactive nft may print its prompt before.
        let (_, text) = text.split_once("trace id ")?;
        let mut words = text.splitn(5, ' ');
        let (id, family, table, chain) =
            (words.next()?, words.next()?, words.next()?, words.next()?);
        let (kind, rest) = words.next()?.split_once(' ')?;
        let told = match kind {
            "packet:" => Told::Packet {
                iif: quoted(rest, "iif "),
                oif: quoted(rest, "oif "),
            },
            "rule" => {
                let (text, verdict) = rest.rsplit_once(" (verdict ")?;
                Told::Rule {
                    text,
                    comment: quoted(text, "comment "),
                    drops: verdict.starts_with("drop"),
                }
            }
            "policy" => Told::Policy {
                drops: rest.starts_with("drop"),
            },
            _ => return None,
        };
        Some(Self {
            id,
            family,
            table,
            chain,
            told,
        })
    }
}

/// The quoted word behind `key`.
fn quoted<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let begins = text.strip_prefix(key);
    let behind = begins.or_else(|| Some(text.split_once(&format!(" {key}"))?.1));
    behind?
        .strip_prefix('"')?
        .split_once('"')
        .map(|(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_is_read() {
        let line = r#"trace id 4d82130f bridge bridgelab forward-first packet: iif "va" oif "ub.7" ether saddr 9a:71:dd:73:00:d1 ether daddr b6:e4:4e:8f:5c:9d arp operation reply "#;
        let read = Line::read(line).expect("a line");
        assert_eq!((read.id, read.family), ("4d82130f", "bridge"));
        assert_eq!((read.table, read.chain), ("bridgelab", "forward-first"));
        let (iif, oif) = (Some("va"), Some("ub.7"));
        assert_eq!(read.told, Told::Packet { iif, oif });

        let line = r#"nft> trace id 3cd93199 netdev blx e0 rule arp operation request arp daddr ip 10.0.0.2 meta nftrace set 1 comment "who-has 10.0.0.2" (verdict continue)"#;
        let Told::Rule {
            text,
            comment,
            drops,
        } = Line::read(line).expect("a line").told
        else {
            unreachable!("a rule");
        };
        assert_eq!((comment, drops), (Some("who-has 10.0.0.2"), false));
        assert!(text.starts_with("arp operation request") && text.ends_with("10.0.0.2\""));

        for (line, drops) in [
            (
                "trace id 1 inet i input rule icmp type echo-request drop (verdict drop)",
                true,
            ),
            ("trace id 1 inet i input policy drop ", true),
            (
                "trace id 1 inet i input policy accept meta mark 0x000000d4 ",
                false,
            ),
            (
                "trace id 1 inet i input rule jump x (verdict jump x)",
                false,
            ),
        ] {
            let told = Line::read(line).expect("a line").told;
            let told = match told {
                Told::Rule { drops, .. } | Told::Policy { drops } => drops,
                Told::Packet { .. } => unreachable!("no packet: {line}"),
            };
            assert_eq!(told, drops, "{line}");
        }
        assert_eq!(Line::read("netlink: Error: Could not process rule"), None);
    }
}
