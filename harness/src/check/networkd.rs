//! networkd's own view: the state files behind `networkctl list` (`/run/systemd/netif/links/IFINDEX`).

use std::net::IpAddr;

use super::Verdict;

/// Judges a link's state file.
pub fn judge(
    interface: &str,
    setup: Option<&str>,
    operational: Option<&str>,
    file: &str,
) -> Verdict {
    let value = |key: &str| {
        file.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .unwrap_or("unknown")
    };
    let (is_setup, is_operational) = (value("ADMIN_STATE"), value("OPER_STATE"));
    let got = format!("{interface} is {is_operational} ({is_setup})");
    let right = setup.is_none_or(|wanted| wanted == is_setup)
        && operational.is_none_or(|wanted| wanted == is_operational);
    if right {
        Verdict::holds(got)
    } else {
        Verdict::violated(got)
    }
}

/// The DNS servers in links' state files, as networkd hands them to systemd-resolved, each once and in order.
pub fn dns_servers(files: &str) -> Vec<IpAddr> {
    let mut servers = Vec::new();
    let lines = files.lines().filter_map(|line| line.strip_prefix("DNS="));
    for word in lines.flat_map(str::split_whitespace) {
        // `ADDRESS[:PORT][%INTERFACE][#NAME]`, with brackets around a v6 address that has a port.
        let plain = word.split(['%', '#']).next().unwrap_or_default();
        let socket = plain
            .parse()
            .map(|socket: std::net::SocketAddr| socket.ip());
        if let Ok(server) = plain.parse().or(socket)
            && !servers.contains(&server)
        {
            servers.push(server);
        }
    }
    servers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_those_that_networkd_published() {
        let files = "OPER_STATE=carrier\nDNS=\n\nADMIN_STATE=configured\nDNS=192.168.1.1 [2001:db8::1]:53%eth0#x 192.168.1.1\nDNSSEC=no\n";
        let servers: Vec<String> = dns_servers(files).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.168.1.1", "2001:db8::1"]);
    }

    #[test]
    fn both_columns_count_when_they_matter() {
        let file =
            "# This is private data. Do not parse.\nADMIN_STATE=configuring\nOPER_STATE=routable\n";
        assert!(judge("br0", None, Some("routable"), file).holds);
        let verdict = judge("br0", Some("configured"), Some("routable"), file);
        assert_eq!(verdict, Verdict::violated("br0 is routable (configuring)"));
        assert_eq!(
            judge("br0", Some("configured"), None, "").got,
            "br0 is unknown (unknown)"
        );
    }
}
