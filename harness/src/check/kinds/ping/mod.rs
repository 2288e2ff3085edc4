//! ICMP echoes: `ping -n -c COUNT ... ADDRESS`, of iputils and of busybox.

mod declared;

use std::time::Duration;

use futures_util::FutureExt;

use crate::check::ghosts::Ghosts;
use crate::check::kind::{Flow, Kind, Looked, Target};
use crate::check::looking::{Looking, as_words};
use crate::check::no_verdict::NoVerdict;
use crate::check::{ProbeError, Verdict, source};

pub use declared::Ping;

impl Kind for Ping {
    fn expected(&self) -> String {
        expected(self)
    }

    fn holds_by_lack(&self) -> bool {
        self.loss.0 > 0
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        None
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let words = command(self, at.from.has_busybox_alone());
            let output = at.exec(&as_words(&words)).await?;
            let judged = judge(self, &output.stdout, &output.stderr);
            judged.map_err(|unread| ProbeError::Output {
                command: words.join(" "),
                printed: unread.why,
            })
        }
        .boxed_local()
    }

    fn target(&self) -> Option<Target> {
        Some(Target::machine(self.to))
    }

    fn flow(&self) -> Option<Flow> {
        Some(self.sends())
    }

    fn probe<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async { self.once().look(at).await }.boxed_local()
    }

    fn takes(&self) -> Duration {
        self.interval * u32::from(self.count)
    }
}

/// The words of the command. busybox's ping never resolves, and knows neither `-n` nor `-M`.
fn command(wanted: &Ping, busybox: bool) -> Vec<String> {
    let mut words = vec!["ping".to_owned()];
    let mut add = |option: &str, value: Option<String>| {
        words.extend(
            value
                .map(|value| [option.to_owned(), value])
                .into_iter()
                .flatten(),
        );
    };
    add("-c", Some(wanted.count.to_string()));
    add("-W", Some("1".to_owned()));
    add("-s", wanted.size.map(|size| size.to_string()));
    let several = wanted.count > 1;
    add(
        "-i",
        several.then(|| wanted.interval.as_secs_f64().to_string()),
    );
    add("-I", wanted.source.map(|source| source.to_string()));
    if !busybox {
        add("-M", wanted.df.then(|| "do".to_owned()));
        words.insert(1, "-n".to_owned());
    }
    words.push(wanted.to.to_string());
    words
}

/// What is wanted, in words.
fn expected(wanted: &Ping) -> String {
    let to = wanted.to;
    let size = wanted
        .size
        .map(|size| format!(" with {size} bytes of data"));
    let df = if wanted.df { ", unfragmented" } else { "" };
    let source = source::back(wanted.source);
    let which = match (wanted.count, wanted.loss) {
        (1, (0, 0)) => format!("a reply from {to}"),
        (count, (0, 0)) => format!("{count} replies from {to}"),
        (count, (least, most)) if least == most => {
            format!("{least}% of {count} requests to {to} lost")
        }
        (count, (least, most)) => format!("{least} to {most}% of {count} requests to {to} lost"),
    };
    format!("{which}{source}{}{df}", size.unwrap_or_default())
}

/// Judges what ping printed.
///
/// # Errors
/// What ping printed, when it sent nothing for a reason that is not the network's.
fn judge(wanted: &Ping, stdout: &str, stderr: &str) -> Result<Verdict, NoVerdict> {
    let to = wanted.to;
    let replies = stdout
        .lines()
        .filter(|line| line.contains("bytes from") && !line.contains("DUP!"))
        .collect::<Vec<_>>();
    let reason = reason(stdout).or_else(|| reason(stderr));
    let reason = reason.map(|why| source::explained(wanted.source, &why));
    let count = u64::from(wanted.count);
    // A request that the kernel refused to send is lost as well.
    let answered = match (sent(stdout), &reason) {
        (Some(_), _) => (replies.len() as u64).min(count),
        // busybox's ping may end without a summary.
        (None, _) if count == 1 && !replies.is_empty() => 1,
        (None, Some(_)) => 0,
        (None, None) => {
            return Err(NoVerdict::new(format!(
                "{}{}",
                stdout.trim(),
                stderr.trim()
            )));
        }
    };
    let lost = count - answered;
    let percent = lost * 100 / count;
    let why = reason.map_or_else(String::new, |why| format!(": {why}"));
    let of_all = format!("{lost} of {count} requests to {to} lost ({percent}%)");
    // The same words for one request as for many, since a variant's `seen` looks for them.
    let reply = match replies.first() {
        None => Some(format!("no reply from {to}{why}")),
        Some(line) if lost == 0 => {
            let time = line.split("time=").nth(1).unwrap_or("?");
            Some(format!("a reply from {to} after {time}"))
        }
        Some(_) => None,
    };
    let got = match reply {
        Some(reply) if count == 1 => reply,
        Some(reply) => format!("{of_all}, {reply}"),
        None => format!("{of_all}{why}"),
    };
    let (least, most) = (u64::from(wanted.loss.0), u64::from(wanted.loss.1));
    // Compared without rounding.
    let right = lost * 100 >= least * count && lost * 100 <= most * count;
    Ok(match right {
        true => Verdict::holds(got),
        false => Verdict::violated(got),
    })
}

/// How many requests ping says it sent; `None` when it printed no summary.
fn sent(stdout: &str) -> Option<u64> {
    let line = stdout
        .lines()
        .find(|line| line.contains("packets transmitted"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Why nothing came back, as ping or the kernel says.
fn reason(text: &str) -> Option<String> {
    told_by_others(text)
        .map(str::to_owned)
        .or_else(|| text.lines().find_map(refused))
}

/// What ICMP messages say, in the words of either ping.
fn told_by_others(text: &str) -> Option<&'static str> {
    const REASONS: [&str; 11] = [
        "Destination Host Unreachable",
        "Destination Net Unreachable",
        "Destination Port Unreachable",
        "Address unreachable",
        "Network unreachable",
        "No route",
        "Message too long",
        "Frag needed and DF set",
        "Packet too big",
        "Packet filtered",
        "Time to live exceeded",
    ];
    let text = text.to_lowercase();
    let mut reasons = REASONS.into_iter();
    reasons.find(|reason| text.contains(&reason.to_lowercase()))
}

/// Why the kernel refused a system call that names an address or sends to it: that is about routes, addresses and rules, so the
/// network is at fault. A refusal of `socket` is about the user who runs ping, and is not among them.
fn refused(line: &str) -> Option<String> {
    const CALLS: [&str; 6] = [
        "connect",
        "sendto",
        "sendmsg",
        "local error",
        "bind",
        "bind icmp socket",
    ];
    if line.contains("Do you want to ping broadcast?") {
        // iputils prints this for EACCES: the route is of type `broadcast`, or `prohibit`.
        let meant =
            "Permission denied: a broadcast address, or a route or a rule that prohibits it";
        return Some(meant.to_owned());
    }
    // busybox prints this for a source address that the machine has not got.
    if line.contains("can't set multicast source interface") {
        return Some("Cannot assign requested address".to_owned());
    }
    let (call, said) = line.trim().strip_prefix("ping: ")?.split_once(": ")?;
    CALLS.contains(&call).then(|| said.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;
    use std::time::Duration;

    const TO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 1));

    fn once() -> Ping {
        Ping {
            to: TO,
            count: 1,
            size: None,
            df: false,
            source: None,
            interval: Duration::from_secs(1),
            loss: (0, 0),
        }
    }

    fn seen(wanted: &Ping, stdout: &str, stderr: &str) -> Verdict {
        judge(wanted, stdout, stderr).expect("a verdict")
    }

    #[test]
    fn replies_of_both_pings_are_replies() {
        let iputils = "PING 192.168.1.1 (192.168.1.1) 56(84) bytes of data.\n\
            64 bytes from 192.168.1.1: icmp_seq=1 ttl=64 time=0.034 ms\n\n\
            --- 192.168.1.1 ping statistics ---\n1 packets transmitted, 1 received, 0% packet loss, time 0ms\n";
        let busybox = "PING 192.168.1.1 (192.168.1.1): 56 data bytes\n64 bytes from 192.168.1.1: seq=0 ttl=64 time=0.071 ms\n";
        assert_eq!(
            seen(&once(), iputils, "").got,
            "a reply from 192.168.1.1 after 0.034 ms"
        );
        assert!(seen(&once(), busybox, "").holds);
    }

    #[test]
    fn silence_and_refusals_are_told_apart() {
        let lost = "PING 192.168.1.1 (192.168.1.1) 56(84) bytes of data.\n\n1 packets transmitted, 0 received, 100% packet loss\n";
        assert_eq!(
            seen(&once(), lost, ""),
            Verdict::violated("no reply from 192.168.1.1")
        );
        let unreachable = "From 192.168.1.3 icmp_seq=1 Destination Host Unreachable\n";
        let verdict = seen(&once(), unreachable, "");
        assert_eq!(
            verdict.got,
            "no reply from 192.168.1.1: Destination Host Unreachable"
        );
        assert!(!verdict.holds);
        let verdict = seen(&once(), "", "ping: connect: Network is unreachable\n");
        assert_eq!(
            verdict.got,
            "no reply from 192.168.1.1: Network is unreachable"
        );
    }

    /// Printed by iputils 20221126 and busybox 1.35, each with a route of that type, address or firewall in a network namespace.
    #[test]
    fn what_the_kernel_refuses_is_a_fault_of_the_network() {
        const BROADCAST: &str =
            "Permission denied: a broadcast address, or a route or a rule that prohibits it";
        for (said, why) in [
            (
                "ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules",
                BROADCAST,
            ),
            ("ping: connect: Permission denied", "Permission denied"),
            ("ping: connect: Invalid argument", "Invalid argument"),
            ("ping: connect: No route to host", "No route"),
            (
                "ping: connect: Network is unreachable",
                "Network is unreachable",
            ),
            (
                "ping: connect: Cannot assign requested address",
                "Cannot assign requested address",
            ),
            (
                "ping: bind icmp socket: Cannot assign requested address",
                "Cannot assign requested address",
            ),
            (
                "ping: sendmsg: Operation not permitted",
                "Operation not permitted",
            ),
            ("ping: sendto: Permission denied", "Permission denied"),
            ("ping: sendto: Invalid argument", "Invalid argument"),
            ("ping: sendto: No route to host", "No route"),
            (
                "ping: sendto: Network is unreachable",
                "Network is unreachable",
            ),
            (
                "ping: sendto: Cannot assign requested address",
                "Cannot assign requested address",
            ),
            (
                "ping: sendto: Operation not permitted",
                "Operation not permitted",
            ),
            (
                "ping: sendto: No buffer space available",
                "No buffer space available",
            ),
            ("ping: sendto: Network is down", "Network is down"),
        ] {
            let told = format!("no reply from 192.168.1.1: {why}");
            assert_eq!(seen(&once(), "", said), Verdict::violated(told), "{said}");
            let lossy = Ping {
                count: 4,
                loss: (0, 50),
                ..once()
            };
            let verdict = seen(
                &lossy,
                "PING 192.168.1.1 (192.168.1.1): 56 data bytes\n",
                said,
            );
            assert!(!verdict.holds && verdict.got.ends_with(why), "{verdict:?}");
        }
    }

    #[test]
    fn what_ping_itself_lacks_is_no_verdict() {
        for said in [
            "ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\nping: => missing cap_net_raw+p capability or setuid?",
            "ping: permission denied (are you root?)",
            "ping: invalid argument: '0.001'",
            "sh: 1: ping: not found",
        ] {
            assert_eq!(
                judge(&once(), "", said),
                Err(NoVerdict::new(said)),
                "{said}"
            );
        }
    }

    /// Printed by iputils of Debian 12 and 13, and by both busyboxes, for a source address that the machine has not got.
    #[test]
    fn a_source_that_is_not_there_is_a_fault_of_the_network() {
        let wanted = Ping {
            source: Some(IpAddr::from([10, 0, 0, 200])),
            ..once()
        };
        let none = "no reply from 192.168.1.1: Cannot assign requested address: it has no usable 10.0.0.200, compare `ip addr`";
        let iputils = "ping: bind: Cannot assign requested address\n";
        assert_eq!(seen(&wanted, "", iputils), Verdict::violated(none));
        let busybox = "ping: can't set multicast source interface\n";
        let header = "PING 192.168.1.1 (192.168.1.1) from 10.0.0.200: 56 data bytes\n";
        assert_eq!(seen(&wanted, header, busybox), Verdict::violated(none));
    }

    /// iputils of Debian 12 knows the MTU beforehand, that of Debian 13 asks the kernel.
    #[test]
    fn what_does_not_fit_is_told_by_both_iputils() {
        let end = "\n--- 192.168.1.1 ping statistics ---\n1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n\n";
        let start = "PING 192.168.1.1 (192.168.1.1) 8000(8028) bytes of data.\n";
        for error in [
            "ping: local error: message too long, mtu=1500\n",
            "ping: sendmsg: Message too long\n",
        ] {
            let verdict = seen(&once(), &format!("{start}{end}"), error);
            let told = "no reply from 192.168.1.1: Message too long";
            assert_eq!(verdict, Verdict::violated(told));
        }
    }

    #[test]
    fn a_share_of_lost_requests_can_be_right() {
        let two_of_three = "PING 192.168.1.1 (192.168.1.1) 56(84) bytes of data.\n\
            64 bytes from 192.168.1.1: icmp_seq=1 ttl=64 time=0.066 ms\n\
            64 bytes from 192.168.1.1: icmp_seq=1 ttl=64 time=0.066 ms (DUP!)\n\
            64 bytes from 192.168.1.1: icmp_seq=3 ttl=64 time=0.051 ms\n\n\
            --- 192.168.1.1 ping statistics ---\n\
            3 packets transmitted, 2 received, +1 duplicates, 33.3333% packet loss, time 422ms\n";
        let three = |loss| Ping {
            count: 3,
            loss,
            ..once()
        };
        let told = "1 of 3 requests to 192.168.1.1 lost (33%)";
        assert_eq!(
            seen(&three((0, 0)), two_of_three, ""),
            Verdict::violated(told)
        );
        assert_eq!(
            seen(&three((30, 40)), two_of_three, ""),
            Verdict::holds(told)
        );
        // A third is more than 33 percent.
        assert!(!seen(&three((0, 33)), two_of_three, "").holds);
        assert!(!seen(&three((50, 100)), two_of_three, "").holds);
    }

    /// A variant's `seen` looks for these words, so they are the same for every `count`.
    #[test]
    fn the_words_do_not_depend_on_how_many_are_sent() {
        let many = |count, loss| Ping {
            count,
            loss,
            ..once()
        };
        let line =
            |seq| format!("64 bytes from 192.168.1.1: icmp_seq={seq} ttl=64 time=0.066 ms\n");
        let unreachable = "From 192.168.1.3 icmp_seq=1 Destination Host Unreachable\n";
        for count in [1_u16, 2, 5] {
            for loss in [(0, 0), (0, 50), (100, 100)] {
                let got = |stdout: &str, stderr: &str| seen(&many(count, loss), stdout, stderr).got;
                let sent = format!("{count} packets transmitted, \n");
                assert!(got(&sent, "").ends_with("no reply from 192.168.1.1"));
                let why = got(&format!("{unreachable}{sent}"), "");
                assert!(
                    why.ends_with("no reply from 192.168.1.1: Destination Host Unreachable"),
                    "{why}"
                );
                let why = got("", "ping: connect: Network is unreachable\n");
                assert!(
                    why.ends_with("no reply from 192.168.1.1: Network is unreachable"),
                    "{why}"
                );
                let all: String = (1..=count).map(line).collect();
                let all = got(&format!("{all}{sent}"), "");
                assert!(
                    all.ends_with("a reply from 192.168.1.1 after 0.066 ms"),
                    "{all}"
                );
            }
        }
        let none = "3 packets transmitted, \n";
        assert_eq!(
            seen(&many(3, (0, 0)), none, "").got,
            "3 of 3 requests to 192.168.1.1 lost (100%), no reply from 192.168.1.1"
        );
    }

    #[test]
    fn a_ping_that_never_ran_shows_nothing() {
        let usage = "ping: invalid option -- 'M'\n";
        assert!(judge(&once(), "", usage).is_err());
        assert!(judge(&once(), "", "").is_err());
    }

    #[test]
    fn each_ping_gets_the_options_that_it_knows() {
        let wanted = Ping {
            count: 3,
            size: Some(1400),
            df: true,
            source: Some(TO),
            interval: Duration::from_millis(200),
            ..once()
        };
        assert_eq!(
            command(&wanted, false).join(" "),
            "ping -n -c 3 -W 1 -s 1400 -i 0.2 -I 192.168.1.1 -M do 192.168.1.1"
        );
        let wanted = Ping {
            df: false,
            ..wanted
        };
        assert_eq!(
            command(&wanted, true).join(" "),
            "ping -c 3 -W 1 -s 1400 -i 0.2 -I 192.168.1.1 192.168.1.1"
        );
        assert_eq!(
            command(&once(), true).join(" "),
            "ping -c 1 -W 1 192.168.1.1"
        );
    }
}
