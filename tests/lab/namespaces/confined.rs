//! What the commands of a stranger's scenario can reach. Each way out of a machine is tried as such a command, where it must be
//! shut, and by the lab itself on another machine, where it is open: a way that is shut to both would show nothing.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

use bridgelab_client::toml::{Table, Value};
use bridgelab_client::{CheckOutcome, HeldLab, HeldVantage, Hold, Scenario, StepOutcome};

use support::processes::wait_until;
use support::{held, is_root, lacks, root};

/// Machine on which the ways are tried by a command of the scenario.
const CONFINED: &str = "router";
/// Machine on which the lab itself tries them.
const OPEN: &str = "internet";

/// Who finds a way open when the lab itself tries it.
#[derive(Clone, Copy, PartialEq)]
enum Open {
    /// Any user who runs the lab.
    Anybody,
    /// Only root: in a user namespace it is shut.
    Root,
    /// Nobody; or it is not tried, because it would break the lab.
    Nobody,
}
use Open::{Anybody, Nobody, Root};

/// A way out: its name, who finds it open, and a line for a shell that succeeds outside.
type Way = (&'static str, Open, String);

fn ways(folder: &Path) -> Vec<Way> {
    let own = folder.display();
    let row = |name, open, line: &str| (name, open, line.to_owned());
    let socket = |path: &str| {
        format!(
            "perl -MSocket -e 'socket($s, AF_UNIX, SOCK_STREAM, 0) or exit 1; exit !connect($s, pack_sockaddr_un({path}))'"
        )
    };
    vec![
        // Enter the host's namespace by any process that is seen: only the host has eno1.
        row(
            "another machine's network by /proc",
            Anybody,
            "for p in /proc/[0-9]*; do nsenter --net=$p/ns/net ip link show eno1 && exit 0; done; exit 1",
        ),
        row(
            "what lies under /proc",
            Nobody,
            "umount -l /proc && nsenter --net=/proc/1/ns/net true",
        ),
        row(
            "the processes of other machines",
            Anybody,
            "grep -x systemd-network /proc/[0-9]*/comm",
        ),
        row(
            "their memory",
            Anybody,
            "p=$(grep -lx systemd-network /proc/[0-9]*/comm | head -n 1) && cat ${p%comm}maps | grep .",
        ),
        row(
            "their environment",
            Anybody,
            "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep ^CARGO_MANIFEST_DIR=",
        ),
        row(
            "the caller's environment",
            Anybody,
            "env | grep ^CARGO_MANIFEST_DIR=",
        ),
        row("the passwords", Root, "cat /etc/shadow"),
        (
            "a file that everybody may read",
            Anybody,
            format!("cat {own}/secret"),
        ),
        (
            "the source tree",
            Anybody,
            format!("ls {}/Cargo.toml", root().display()),
        ),
        (
            "a socket in the file system, as Docker's",
            Anybody,
            socket(&format!("\"{own}/socket\"")),
        ),
        row("the machine's own daemons", Anybody, "pkill -0 -x dnsmasq"),
        (
            "an abstract socket of the computer",
            Nobody,
            socket(&format!("\"\\0{own}\"")),
        ),
        ("a file elsewhere", Anybody, format!("touch {own}/touched")),
        row(
            "a file in the system's folders",
            Nobody,
            "touch /usr/x || touch /etc/x || touch /x || touch /dev/x",
        ),
        row(
            "the kernel's switches",
            Nobody,
            "echo 1 >/proc/sys/kernel/printk || echo h >/proc/sysrq-trigger",
        ),
        row(
            "the links' switches of /sys",
            Nobody,
            "echo 1 >/sys/class/net/lo/mtu",
        ),
        row("a mount", Anybody, "mount -t tmpfs x /media"),
        row("a user namespace", Anybody, "unshare --user true"),
        row("a network namespace", Anybody, "unshare --net true"),
        row(
            "another host name",
            Anybody,
            "hostname elsewhere; test $(hostname) = elsewhere",
        ),
        row(
            "a device node",
            Nobody,
            "rm -f /run/node; mknod /run/node b 254 0",
        ),
        row("other device nodes", Anybody, "ls /dev/ptmx"),
        row("shared memory of others", Anybody, "ipcs -m | grep 0x"),
        row(
            "a socket to the hypervisor",
            Anybody,
            "perl -e 'exit !socket($s, 40, 1, 0) && $! == 38'",
        ),
        row(
            "more rights by a set-user-id program",
            Anybody,
            "grep -x 'NoNewPrivs:\t0' /proc/self/status",
        ),
        row(
            "another capability",
            Anybody,
            "! grep Cap /proc/self/status | grep -v 0000000000003400$ | grep . >/dev/null || exit 0; exit 1",
        ),
        row("root's rights on files", Anybody, "test $(id -u) = 0"),
    ]
}

/// System calls that the kernel may have, by their numbers on x86-64. They are called with arguments that none of them can
/// take.
const CALLS: [(&str, u16); 30] = [
    ("ptrace", 101),
    ("syslog", 103),
    ("pivot_root", 155),
    ("chroot", 161),
    ("mount", 165),
    ("umount2", 166),
    ("swapon", 167),
    ("reboot", 169),
    ("sethostname", 170),
    ("iopl", 172),
    ("init_module", 175),
    ("quotactl", 179),
    ("clock_settime", 227),
    ("kexec_load", 246),
    ("add_key", 248),
    ("request_key", 249),
    ("keyctl", 250),
    ("unshare", 272),
    ("perf_event_open", 298),
    ("open_by_handle_at", 304),
    ("setns", 308),
    ("process_vm_readv", 310),
    ("finit_module", 313),
    ("bpf", 321),
    ("userfaultfd", 323),
    ("io_uring_setup", 425),
    ("open_tree", 428),
    ("clone3", 435),
    ("pidfd_getfd", 438),
    ("mount_setattr", 442),
];

/// A line that prints the names of those that the kernel has: every one whose answer is not ENOSYS.
fn call_all() -> String {
    let mut line = "perl -e '".to_owned();
    for (name, number) in CALLS {
        line += &format!(
            "$! = 0; print \"{name} \" if syscall({number}, -1, -1, -1, -1, -1, -1) != -1 || $! != 38; "
        );
    }
    line + "'"
}

fn keys(kind: &str, inner: Table) -> Table {
    let mut keys = Table::new();
    keys.insert(kind.to_owned(), Value::Table(inner));
    keys
}

fn words(key: &str, line: &str) -> Table {
    let words = ["sh", "-c", line].map(|word| Value::from(word.to_owned()));
    let mut table = Table::new();
    table.insert(key.to_owned(), Value::Array(words.to_vec()));
    table
}

/// Runs a line as a check of the scenario. Returns what the check saw.
async fn confined(place: HeldVantage<'_>, id: &str, line: &str) -> String {
    let line = format!("said=$( ({line}) 2>&1 ); echo \"ended with $?\" $said");
    let mut check = keys("command", words("run", &line));
    check.insert("within".to_owned(), Value::from("10s".to_owned()));
    let report = place.check(id, check).await.expect("an answer");
    assert_eq!(report.outcome, CheckOutcome::Passed, "{id}: {report:?}");
    report.got
}

/// Runs a line by the lab itself. Returns whether it succeeded, and its output.
async fn open(place: HeldVantage<'_>, line: &str) -> (bool, String) {
    let ran = place.exec(["sh", "-c", line]).await.expect("an answer");
    (ran.success(), format!("{}{}", ran.stdout, ran.stderr))
}

async fn lab(folder: &Path) -> Option<HeldLab> {
    let scenario = Scenario::new("machines with a stranger's commands").networkd(
        "host",
        [(
            "eno1.network",
            "[Match]\nName=eno1\n\n[Network]\nAddress=192.168.1.2/24\n",
        )],
    );
    held(Hold::built(&scenario).expect("it can be written"), folder).await
}

#[tokio::test]
async fn every_way_out_is_shut() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret"), "it is here").expect("a file");
    let _socket = UnixListener::bind(folder.path().join("socket")).expect("a socket");
    let name = folder.path().to_string_lossy().into_owned();
    let abstract_name = SocketAddr::from_abstract_name(name.as_bytes()).expect("a name");
    let _abstract = UnixListener::bind_addr(&abstract_name).expect("a socket");
    let Some(lab) = lab(folder.path()).await else {
        return;
    };
    let (router, internet) = (
        lab.vantage(CONFINED).expect("a machine"),
        lab.vantage(OPEN).expect("a machine"),
    );
    // Make a segment for the row about shared memory, which the lab itself can see.
    let (_, segment) = open(internet, "ipcmk --shmem 4096").await;
    let mut wrong = Vec::new();
    for (index, (name, who, line)) in ways(folder.path()).into_iter().enumerate() {
        let got = confined(router, &format!("way-{index}"), &line).await;
        if got.starts_with("status 0; ended with 0") {
            wrong.push(format!("{name}: a scenario's command got there: {got}"));
        }
        if who == Anybody || (who == Root && is_root()) {
            let (opened, said) = open(internet, &line).await;
            if !opened {
                wrong.push(format!(
                    "{name}: nobody gets there, so this shows nothing: {said}"
                ));
            }
        }
    }
    let id = segment.split_whitespace().last().unwrap_or_default();
    let (removed, said) = open(internet, &format!("ipcrm --shmem-id {id}")).await;
    assert!(removed, "{said}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    lab.finish().await.expect("a report");
}

/// Even the lab's own root is not root of the computer, unless it has to be, and then the report says why.
#[tokio::test]
async fn the_lab_is_no_root_of_the_computer() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(lab) = lab(folder.path()).await else {
        return;
    };
    let host = lab.vantage("host").expect("a machine");
    let (_, inside) = open(host, "readlink /proc/self/ns/user").await;
    let (node, _) = open(host, "mknod /run/node b 254 0").await;
    let report = lab.finish().await.expect("a report");
    let outside = std::fs::read_link("/proc/self/ns/user").expect("own namespace");
    let own = inside.trim() != outside.to_string_lossy();
    let told = report.others["lab"]["user_namespace"].as_str();
    let told = told.expect("words");
    assert_eq!(told == "own", own, "{told}");
    assert_eq!(told.starts_with("the caller's: "), !own, "{told}");
    assert_eq!(node, !own, "a device node can be made: {node}; {told}");
}

#[tokio::test]
async fn system_calls_past_the_network_are_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(lab) = lab(folder.path()).await else {
        return;
    };
    let got = confined(
        lab.vantage(CONFINED).expect("a machine"),
        "calls",
        &call_all(),
    )
    .await;
    assert_eq!(got, "status 0; ended with 0", "these are there");
    let (_, there) = open(lab.vantage(OPEN).expect("a machine"), &call_all()).await;
    let there: BTreeSet<&str> = there.split_whitespace().collect();
    // A kernel may lack some of the calls, but not most of them.
    assert!(there.len() > CALLS.len() / 2, "{there:?}");
    lab.finish().await.expect("a report");
}

#[tokio::test]
async fn what_can_be_written_is_its_own_and_bounded() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(lab) = lab(folder.path()).await else {
        return;
    };
    let router = lab.vantage(CONFINED).expect("a machine");
    let mounts = "grep -o '^[^ ]* [^ ]* [^ ]* [^ ]* [^ ]* rw' /proc/self/mountinfo | cut -d' ' -f5 | grep -v ^/dev/[^s] | sort | tr '\\n' ' '";
    let got = confined(router, "mounts", mounts).await;
    let own = "/dev/shm /home /proc /proc/sys/net /root /run /tmp /var";
    assert_eq!(got, format!("status 0; ended with 0 {own}"));
    let suid = "awk '$6 !~ /nosuid/' /proc/self/mountinfo";
    assert_eq!(
        confined(router, "suid", suid).await,
        "status 0; ended with 0"
    );
    let devices = "cd /dev; for node in $(ls -A; echo net/*); do test ! -L $node -a -c $node && echo $node; done | sort | tr '\\n' ' '";
    let got = confined(router, "devices", devices).await;
    assert_eq!(
        got,
        "status 0; ended with 0 full net/tun null random tty urandom zero"
    );
    let fill = "head -c 300M /dev/zero >/tmp/fill; rm /tmp/fill";
    let got = confined(router, "fill", fill).await;
    assert!(got.contains("No space left on device"), "{got}");
    lab.finish().await.expect("a report");
}

/// Work that a network needs, done by the programs that scenarios use. Programs that this computer lacks are named.
const WORK: [(&str, &str); 14] = [
    (
        "ip",
        "ip link add v0 type veth peer name v1 && ip addr add 10.0.0.1/24 dev v0 && ip link set v0 up && ip link set v1 up && ip route add 10.1.0.0/16 dev v0 && ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev v0 && ip rule add from 10.0.0.1 table 7",
    ),
    (
        "bridge",
        "ip link add b0 type bridge && ip link set v1 master b0 && bridge link show dev v1 && bridge fdb add 02:00:00:00:00:11 dev v1 master",
    ),
    (
        "tc",
        "tc qdisc replace dev v0 root tbf rate 1mbit burst 32k latency 50ms && tc qdisc delete dev v0 root",
    ),
    (
        "nft",
        "nft 'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c icmp type echo-request counter accept' && nft list table inet t | grep counter",
    ),
    (
        "iptables",
        "iptables -A INPUT -p icmp -j ACCEPT && iptables -S | grep icmp",
    ),
    (
        "ping",
        "ping -c 1 -W 5 203.0.113.80 && ping -6 -c 1 -W 5 2001:db8:ffff::80",
    ),
    (
        "sysctl",
        "sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.lo.accept_ra=0 && grep -x 1 /proc/sys/net/ipv4/ip_forward",
    ),
    (
        "tcpdump",
        "timeout 20 tcpdump -ni lo -c 1 icmp -w /tmp/seen.pcap & sleep 1; ping -c 5 -i 0.3 127.0.0.1; wait && tcpdump -nr /tmp/seen.pcap | grep ICMP",
    ),
    ("ss", "ss -tulpn | grep :53"),
    (
        "python3",
        "python3 -m http.server 80 --bind 127.0.0.1 >/tmp/http.log 2>&1 &",
    ),
    (
        "curl",
        "curl --retry 20 --retry-connrefused --retry-delay 1 -sf http://127.0.0.1/ | grep -i directory",
    ),
    (
        "tuntap",
        "ip tuntap add t0 mode tap && ip link set t0 up && ip tuntap delete t0 mode tap",
    ),
    (
        "strange-names",
        "mkfifo /run/f /tmp/f && echo x >/dev/null && head -c 8 /dev/urandom | wc -c && date && id && hostname && cat /etc/hosts /etc/os-release && ls /sys/class/net/v0/",
    ),
    ("what-it-left", "test -p /tmp/f && rm -r /tmp/*"),
];

#[tokio::test]
async fn the_tools_of_networks_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(lab) = lab(folder.path()).await else {
        return;
    };
    let router = lab.vantage(CONFINED).expect("a machine");
    let (mut wrong, mut absent) = (Vec::new(), Vec::new());
    for (tool, line) in WORK {
        let named = ["strange-names", "what-it-left"].contains(&tool);
        let there = match tool {
            // udev lets everybody open it. Where only root may, a command may not either.
            "tuntap" => open(router, "ls -l /dev/net/tun | grep ^crw.rw.rw").await.0,
            _ => open(router, &format!("command -v {tool}")).await.0,
        };
        if !named && !there {
            match tool {
                "tuntap" => eprintln!("left out: /dev/net/tun is root's alone"),
                _ => absent.push(tool),
            }
            continue;
        }
        let got = confined(router, &format!("tool-{tool}"), line).await;
        if !got.starts_with("status 0; ended with 0") {
            wrong.push(format!("{tool}: {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    lab.finish().await.expect("a report");
    lacks(&absent);
}

/// Servers that a step leaves running live as long as their machine. A command that runs into its time limit is killed with
/// all that it has started, wherever that hides.
#[tokio::test]
async fn what_is_left_running_lives_with_the_machine_and_what_is_late_dies() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(lab) = lab(folder.path()).await else {
        return;
    };
    let router = lab.vantage(CONFINED).expect("a machine");
    let step = |line: &str| {
        let mut run = words("command", line);
        run.insert("on".to_owned(), Value::from(CONFINED.to_owned()));
        keys("run", run)
    };
    let runs = async |what: &str| open(router, &format!("pgrep -f 'sleep {what}'")).await.0;
    let left = step("sleep 98761 & setsid sleep 98761 >/dev/null 2>&1 & echo started");
    let report = lab.step("left", left).await.expect("an answer");
    assert_eq!(report.outcome, StepOutcome::Done, "{report:?}");
    let mut late = step(
        "(setsid sh -c 'sleep 98762 & sleep 98762' & setsid setsid sleep 98762 &) ; sleep 98762",
    );
    late.insert("within".to_owned(), Value::from("2s".to_owned()));
    late.insert("may_fail".to_owned(), Value::from(true));
    let report = lab.step("late", late).await.expect("an answer");
    assert_ne!(report.outcome, StepOutcome::Done, "{report:?}");
    // The lab looks at processes from outside, and sees those of the cell.
    let mut process = Table::new();
    process.insert("name".to_owned(), Value::from("sleep".to_owned()));
    let seen = router
        .check("seen", keys("process", process))
        .await
        .expect("an answer");
    assert_eq!(seen.outcome, CheckOutcome::Passed, "{seen:?}");
    assert!(seen.got.contains("65533"), "{seen:?}");
    for _ in 0..100 {
        if !runs("9876[2]").await {
            break;
        }
    }
    assert!(!runs("9876[2]").await, "what was late still runs");
    assert!(runs("9876[1]").await, "what was left to run does not");
    // A command can end the processes of its own cell and nothing else: a later command still runs there.
    let mut all = step("pkill -f 9876[1]; kill -9 1; kill -9 -1");
    all.insert("may_fail".to_owned(), Value::from(true));
    lab.step("end-all", all).await.expect("an answer");
    assert_eq!(
        confined(router, "still", "true").await,
        "status 0; ended with 0"
    );
    assert!(!runs("9876[1]").await);
    lab.step("left-again", step("sleep 98763 >/dev/null 2>&1 &"))
        .await
        .expect("an answer");
    let report = lab.finish().await.expect("a report");
    assert_eq!(report.leaks, [""; 0]);
    // What was killed before, and what ran into its limit, was not left running.
    let left = report.others["left_running"].as_array().expect("a list");
    let left: Vec<_> = left
        .iter()
        .map(|one| (&one["command"], &one["machine"]))
        .collect();
    assert_eq!(left, [(&"sleep 98763".into(), &CONFINED.into())]);
    wait_until("nothing of the cell is left", || {
        let output = std::process::Command::new("pgrep")
            .args(["-f", "sleep 98763"])
            .output();
        match output.expect("pgrep runs").status.success() {
            true => Err("it still sleeps".to_owned()),
            false => Ok(()),
        }
    });
}
