//! Checks of processes, of rules' counters and of captured frames.

use super::*;

#[test]
fn what_runs_and_what_is_counted_is_seen_right_and_wrong() {
    let mut rows = vec![
        (
            "says",
            Passed,
            "status 0; on stdout: Linux",
            "desktop",
            "command = { run = [\"uname\", \"-s\"], stdout = \"Linux\" }",
        ),
        (
            "says-otherwise",
            Failed,
            "status 0; on stdout: Linux",
            "desktop",
            "command = { run = [\"uname\", \"-s\"], stdout = \"Plan 9\" }",
        ),
        (
            "ends-badly",
            Passed,
            "status 3",
            "desktop",
            "command = { run = [\"sh\", \"-c\", \"exit 3\"], status = 3 }",
        ),
        (
            "networkd",
            Passed,
            "systemd-networkd runs as user ",
            "host",
            "process = { name = \"systemd-networkd\" }",
        ),
        (
            "networkd-of-another",
            Failed,
            "systemd-networkd runs as user ",
            "host",
            "process = { name = \"systemd-networkd\", user = \"nobody\" }",
        ),
        (
            "no-networkd",
            Failed,
            "systemd-networkd runs as user ",
            "host",
            "process = { name = \"systemd-networkd\", absent = true }",
        ),
        // dnsmasq runs on another machine.
        (
            "no-dnsmasq",
            Passed,
            "no dnsmasq runs",
            "host",
            "process = { name = \"dnsmasq\", absent = true }",
        ),
    ];
    if Command::new("nft").arg("-v").output().is_ok() {
        rows.extend([
            (
                "rule",
                Passed,
                "status 0",
                "router",
                "command = { run = [\"nft\", \"add table inet lab; add chain inet lab out { type filter hook output priority 0; }; add rule inet lab out ip daddr 192.168.1.20 counter accept\"] }",
            ),
            ("answers", Passed, "a reply", "desktop", "holds_for = \"1s\"\nping = { to = \"192.168.1.1\" }"),
            (
                "counted",
                Passed,
                "packets counted by `ip daddr 192.168.1.20 accept`",
                "router",
                "counter = { table = \"inet lab\", chain = \"out\", rule = \"192.168.1.20\" }",
            ),
            (
                "none-counted",
                Failed,
                "packets counted by `ip daddr 192.168.1.20 accept`",
                "router",
                "counter = { table = \"inet lab\", chain = \"out\", rule = \"192.168.1.20\", packets = [0, 0] }",
            ),
            (
                "not-counted",
                NotRun,
                "no rule with \"drop\" in chain out in table inet lab; nearest: `ip daddr 192.168.1.20 accept`",
                "router",
                "counter = { table = \"inet lab\", chain = \"out\", rule = \"drop\" }",
            ),
            (
                "no-chain",
                NotRun,
                "there is no chain out in table inet lab, and no other",
                "desktop",
                "counter = { table = \"inet lab\", chain = \"out\" }",
            ),
        ]);
    } else {
        support::skip("counters are left out: there is no nft");
    }
    let mut cases = table(&rows);
    // A check that holds in every other second.
    cases.push(case(
        "flaps",
        Failed,
        "but no more at",
        "from = \"desktop\"\nholds_for = \"3s\"\ncommand = { run = [\"sh\", \"-c\", \"exit $(($(date +%s) % 2))\"] }",
    ));
    judge(&cases);
}

/// The rule or chain that a check counts by must exist. A rule in other words than those of `nft -nn` matches none, and then
/// the check has no verdict, not even where it must fail.
#[test]
fn a_counter_that_is_not_there_is_soon_no_verdict() {
    if Command::new("nft").arg("-v").output().is_err() {
        return support::skip("there is no nft");
    }
    let ruleset = "table inet lab {\n\tchain out {\n\t\ttype filter hook output priority 0\n\t\ttcp dport 22 counter accept\n\
        \t\tudp dport 53 accept\n\t}\n}\n";
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("lab.nft");
    std::fs::write(&path, ruleset).expect("a ruleset");
    let machines = "[machines.desktop]\nnftables = \"lab.nft\"\ninterfaces = [{ name = \"eth0\", segment = \"lan\", addresses = [\"192.168.1.20/24\", \"2001:db8::20/64\"] }]\n\n";
    let other_words = "no rule with \"tcp dport ssh\" in chain out in table inet lab; nearest: `tcp dport 22 accept`";
    // Each of these checks would have two minutes.
    let cases = [
        case(
            "other-words",
            NotRun,
            other_words,
            "from = \"desktop\"\nwithin = \"2min\"\ncounter = { table = \"inet lab\", chain = \"out\", rule = \"tcp dport ssh\" }",
        ),
        case(
            "other-words-red",
            NotRun,
            other_words,
            "from = \"desktop\"\nfails = true\ncounter = { table = \"inet lab\", chain = \"out\", rule = \"tcp dport ssh\" }",
        ),
        case(
            "other-words-none",
            NotRun,
            other_words,
            "from = \"desktop\"\ncounter = { table = \"inet lab\", chain = \"out\", rule = \"tcp dport ssh\", packets = [0, 0] }",
        ),
        case(
            "no-counter",
            NotRun,
            "`udp dport 53 accept` in chain out in table inet lab has no counter; nearest: `tcp dport 22 accept`",
            "from = \"desktop\"\ncounter = { table = \"inet lab\", chain = \"out\", rule = \"udp dport 53\" }",
        ),
        case(
            "other-chain",
            NotRun,
            "there is no chain output in table inet lab; there is chain out in table inet lab",
            "from = \"desktop\"\ncounter = { table = \"inet lab\", chain = \"output\", rule = \"tcp dport 22\" }",
        ),
        case(
            "other-table",
            NotRun,
            "there is no chain out in table ip lab; there is chain out in table inet lab",
            "from = \"desktop\"\ncounter = { table = \"ip lab\", chain = \"out\" }",
        ),
        case(
            "there",
            Passed,
            "0 packets counted by `tcp dport 22 accept`",
            "from = \"desktop\"\ncounter = { table = \"inet lab\", chain = \"out\", rule = \"tcp dport 22\", packets = [0, 0] }",
        ),
    ];
    let Some(checks) = judge_among(machines, folder.path(), &cases) else {
        return;
    };
    for check in checks.iter().filter(|check| check.outcome == NotRun) {
        assert!(check.ms < 20_000, "{}: {} ms", check.id, check.ms);
    }
}
