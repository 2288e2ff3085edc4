//! ICMP echo: `ping -n -c 1 -W 1 ADDRESS`, of iputils and of busybox.

use std::net::IpAddr;

use super::Verdict;

/// Judges what ping printed.
pub fn judge(to: IpAddr, stdout: &str, stderr: &str) -> Verdict {
    let reply = stdout.lines().find(|line| line.contains("bytes from"));
    if let Some(line) = reply {
        let time = line.split("time=").nth(1).unwrap_or("?");
        return Verdict::holds(format!("a reply from {to} after {time}"));
    }
    const REASONS: [&str; 6] = [
        "Destination Host Unreachable",
        "Destination Net Unreachable",
        "Address unreachable",
        "Network is unreachable",
        "Network unreachable",
        "No route",
    ];
    let said = |text: &str| {
        REASONS
            .into_iter()
            .find(|reason| text.to_lowercase().contains(&reason.to_lowercase()))
    };
    match said(stdout).or_else(|| said(stderr)) {
        Some(reason) => Verdict::violated(format!("no reply from {to}: {reason}")),
        None => Verdict::violated(format!("no reply from {to}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 1));

    #[test]
    fn replies_of_both_pings_are_replies() {
        let iputils = "PING 192.168.1.1 (192.168.1.1) 56(84) bytes of data.\n\
            64 bytes from 192.168.1.1: icmp_seq=1 ttl=64 time=0.034 ms\n\n\
            --- 192.168.1.1 ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\n";
        let busybox = "PING 192.168.1.1 (192.168.1.1): 56 data bytes\n64 bytes from 192.168.1.1: seq=0 ttl=64 time=0.071 ms\n";
        assert_eq!(
            judge(TO, iputils, "").got,
            "a reply from 192.168.1.1 after 0.034 ms"
        );
        assert!(judge(TO, busybox, "").holds);
    }

    #[test]
    fn silence_and_refusals_are_told_apart() {
        let lost = "PING 192.168.1.1 (192.168.1.1) 56(84) bytes of data.\n\n1 packets transmitted, 0 received, 100% packet loss\n";
        assert_eq!(judge(TO, lost, "").got, "no reply from 192.168.1.1");
        let unreachable = "From 192.168.1.3 icmp_seq=1 Destination Host Unreachable\n";
        let verdict = judge(TO, unreachable, "");
        assert_eq!(
            verdict.got,
            "no reply from 192.168.1.1: Destination Host Unreachable"
        );
        assert!(!verdict.holds);
        let verdict = judge(TO, "", "ping: connect: Network is unreachable\n");
        assert_eq!(
            verdict.got,
            "no reply from 192.168.1.1: Network is unreachable"
        );
    }
}
