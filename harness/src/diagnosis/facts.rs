//! What a kernel and networkd are asked before a cause is sought, and what they answered.

use std::collections::BTreeMap;

/// A question: its name, which is also the name of the file in the evidence, and the command line for sh(1).
pub type Question = (&'static str, &'static str);

/// What each machine and each guest is asked. A command that is not there, or fails, answers with nothing.
pub const QUESTIONS: &[Question] = &[
    ("links", "ip -j -d link show"),
    ("addresses", "ip -j -d address show"),
    ("routes-v4", "ip -j -d -4 route show table all"),
    ("routes-v6", "ip -j -d -6 route show table all"),
    ("rules-v4", "ip -j -4 rule show"),
    ("rules-v6", "ip -j -6 rule show"),
    ("neighbours", "ip -j neighbour show"),
    ("ports", "bridge -j -d link show"),
    ("fdb", "bridge -j fdb show"),
    ("vlans", "bridge -j vlan show"),
    ("mdb", "bridge -j -d mdb show"),
    // Each as `FILE:VALUE`.
    (
        "sysctls",
        "cd /proc/sys/net && grep -sH . ipv4/ip_forward ipv4/icmp_echo_ignore_* ipv4/conf/*/rp_filter ipv4/conf/*/arp_* \
         ipv4/conf/*/forwarding ipv4/conf/*/proxy_arp ipv6/conf/*/forwarding ipv6/conf/*/accept_ra* ipv6/conf/*/disable_ipv6 \
         ipv6/conf/*/accept_dad ipv6/conf/*/autoconf ipv6/icmp/echo_ignore_* bridge/bridge-nf-*",
    ),
    ("firewall", "nft -a -j list ruleset"),
    (
        "iptables",
        "iptables-save 2>/dev/null; ip6tables-save 2>/dev/null",
    ),
    // With its header: so a machine on which nothing listens answers as well.
    ("listeners", "ss -l -n -t -u"),
    (
        "counters",
        "cat /proc/net/snmp /proc/net/snmp6 /proc/net/netstat",
    ),
];

/// As [`QUESTIONS`], for who runs networkd.
pub const OF_NETWORKD: &[Question] = &[
    ("networkctl", "timeout 10 networkctl --json=short status"),
    (
        "networkctl-text",
        "timeout 10 networkctl --no-pager --all status",
    ),
];

/// As [`QUESTIONS`], for a guest with Docker.
pub const OF_DOCKER: &[Question] = &[
    ("containers", "docker inspect $(docker ps -aq)"),
    (
        "docker-networks",
        "docker network inspect $(docker network ls -q)",
    ),
    ("daemon-json", "cat /etc/docker/daemon.json"),
];

/// What one machine, guest or container answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// By the question's name. A question that is missing was not asked, or not answered.
    pub by_question: BTreeMap<String, String>,
    /// Why it was not asked at all; `None`: it was.
    pub unasked: Option<String>,
}

/// What a run's machines, guests (ghosts too) and containers answered, by name: `host`, `test1`, `test1/web`.
pub type Facts = BTreeMap<String, Answers>;
