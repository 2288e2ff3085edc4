//! Sockets that listen: `ss -l -n -t -u`.

use std::net::IpAddr;

/// A socket that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::diagnosis) struct Listener {
    /// UDP, or TCP.
    pub(in crate::diagnosis) udp: bool,
    /// Its address; `None`: any.
    pub(in crate::diagnosis) address: Option<IpAddr>,
    /// Its port.
    pub(in crate::diagnosis) port: u16,
    /// Whether it takes packets of one family alone.
    pub(in crate::diagnosis) v4_only: bool,
}

impl Listener {
    /// Whether it takes packets to this address and port.
    pub(in crate::diagnosis) fn takes(&self, udp: bool, to: IpAddr, port: u16) -> bool {
        let family = !(self.v4_only && to.is_ipv6());
        let here = self.address.is_none_or(|address| address == to);
        self.udp == udp && self.port == port && here && family
    }
}

/// Reads what `ss` printed.
pub(super) fn read(text: &str) -> Vec<Listener> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Listener> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [kind, _, _, _, local, ..] = words.as_slice() else {
        return None;
    };
    let (host, port) = local.rsplit_once(':')?;
    let host = host.split('%').next()?.trim_matches(['[', ']']);
    let any = matches!(host, "*" | "0.0.0.0" | "::");
    Some(Listener {
        udp: *kind == "udp",
        address: if any { None } else { Some(host.parse().ok()?) },
        port: port.parse().ok()?,
        v4_only: host == "0.0.0.0",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_takes_what_is_for_its_address_and_port() {
        // iproute2 6.1, dnsmasq and bridgelab's web server.
        let read = read(
            "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n\
             udp UNCONN 0 0      192.168.1.1:53 0.0.0.0:*\n\
             udp UNCONN 0 0 [fe80::80ad:99ff:fe12:e4dc]%lan0:53 [::]:*\n\
             tcp LISTEN 0 128 *:80 *:*\ntcp LISTEN 0 5 0.0.0.0:22 0.0.0.0:*\n",
        );
        assert_eq!(read.len(), 4);
        let takes = |udp, to: &str, port| {
            let to = to.parse().expect("an address");
            read.iter().any(|one| one.takes(udp, to, port))
        };
        assert!(takes(true, "192.168.1.1", 53));
        assert!(!takes(false, "192.168.1.1", 53));
        assert!(takes(true, "fe80::80ad:99ff:fe12:e4dc", 53));
        assert!(!takes(true, "192.168.1.2", 53));
        assert!(takes(false, "2001:db8::1", 80));
        assert!(takes(false, "192.168.1.1", 22) && !takes(false, "2001:db8::1", 22));
    }
}
