//! Inputs that are long but not too long: time and memory for reading them grow only with their length.

use super::*;

/// Most bytes of a unit file.
const UNIT: usize = 1 << 20;

/// Reads and plans the scenario `evil`. `check` must say these words; `plan` must end with this code, 2 where it is refused.
#[track_caller]
fn read(what: &str, root: &Path, code: i32, words: &str) {
    let (ended, said) = bridgelab(root, &["plan", "evil"]);
    assert_eq!(ended, Some(code), "{what}: {}", beginning(&said));
    let (_, listed) = bridgelab(root, &["list"]);
    let word = if code == 0 { "evil/green" } else { "invalid" };
    assert!(listed.contains(word), "{what}: {}", beginning(&listed));
    let all = said + &listed;
    assert!(
        all.contains(words),
        "{what}: {words:?} in {}",
        beginning(&all)
    );
}

fn beginning(said: &str) -> String {
    said.chars().take(2000).collect()
}

/// A unit file of the greatest length: a head, and as many of these lines as fit.
fn unit(head: &str, line: &str) -> String {
    let lines = (UNIT - head.len()) / line.len();
    format!("{head}{}", line.repeat(lines))
}

#[test]
fn a_unit_file_of_lines_that_networkd_ignores_is_told_of_by_a_hundred() {
    let head = "[Match]\nName=br0\n[Network]\n";
    for (what, text) in [
        ("unknown keys", unit(head, "k=1234\n")),
        ("unknown sections", unit(head, "[a]\n")),
        ("lines of nothing", unit(head, "ab\n")),
        ("known keys", unit(head, "DNS=1\n")),
        (
            "one value over many lines",
            unit(&format!("{head}DNS=1"), "\\\n1"),
        ),
        ("one line of many values", unit("[Match]\nName=br0", " br0")),
    ] {
        let root = library(&naming("networkd", "host"));
        let host = root.path().join("scenarios/evil/host");
        fs::write(host.join("br0.network"), text).unwrap();
        read(what, root.path(), 0, "evil");
    }
    // Of many faults, a hundred are printed, and the number of the others.
    let root = library(&naming("networkd", "host"));
    let host = root.path().join("scenarios/evil/host");
    let text = format!("{head}{}", "k=1\n".repeat(3000));
    fs::write(host.join("br0.network"), text).unwrap();
    let (code, said) = bridgelab(root.path(), &["check", "evil"]);
    assert_eq!(code, Some(0), "{}", beginning(&said));
    assert!(said.contains("and 1 more"), "{}", beginning(&said));
    assert_eq!(said.matches("unknown key `k`").count(), 100);
}

#[test]
fn a_long_unit_file_in_many_forms_is_read_as_often_as_the_limit_of_values_allows() {
    let head = "[Match]\nName=br0\n[Network]\n";
    let forms = |count: usize| {
        let one = |n| {
            format!(
                "[variants.v{n}.machines.internet.http]\nport = {}\n",
                n + 1000
            )
        };
        (0..count).map(one).collect::<String>()
    };
    let root = library(&(naming("networkd", "host") + &forms(200)));
    let host = root.path().join("scenarios/evil/host");
    fs::write(host.join("br0.network"), unit(head, "k=1234\n")).unwrap();
    refused(
        "200 forms",
        root.path(),
        "all forms together have more than 262144 values",
    );
}

#[test]
fn many_addresses_and_many_routes_are_compared_in_one_pass() {
    let scenario = |second: u8| {
        let net = |first: u8, n: usize, host: u8| format!("{first}.{}.{}.{host}", n >> 8, n & 255);
        let addresses = (0..16_000).map(|n| format!("'{}/24',", net(10, n, 1)));
        let routes = (0..3000).map(|n| {
            format!(
                "{{ to = '{}/24', via = '{}' }},",
                net(12, n, 0),
                net(second, n, 9)
            )
        });
        format!(
            "version = 1\nsummary = 'evil'\n[machines.m]\n\
             interfaces = [{{ name = 'e', segment = 'lan', addresses = [{}] }}]\nroutes = [{}]\n",
            addresses.collect::<String>(),
            routes.collect::<String>()
        )
    };
    read(
        "next hops that are there",
        library(&scenario(10)).path(),
        0,
        "evil",
    );
    let words = "machine `m` has no way to the next hop `11.0.0.9`";
    read(
        "next hops that are nowhere",
        library(&scenario(11)).path(),
        2,
        words,
    );
}

#[test]
fn files_of_guests_are_in_memory_once_however_many_forms_have_them() {
    let mut text = "version = 1\nsummary = 'evil'\n".to_owned();
    for n in 0..16 {
        text += &format!(
            "[guests.g{n}]\nfiles = 'laid'\n\
             interfaces = [{{ type = 'tap', id = 'vm-{n}', mac = '02:00:00:00:01:{n:02x}' }}]\n"
        );
    }
    for n in 0..400 {
        text += &format!(
            "[variants.v{n}.machines.internet.http]\nport = {}\n",
            n + 1000
        );
    }
    let root = library(&text);
    let mut deep = root.path().join("scenarios/evil/laid");
    for name in ["d", "e", "f"] {
        deep.push(name.repeat(200));
    }
    fs::create_dir_all(&deep).unwrap();
    // The paths alone are 4 MB; copied into each guest of each form they would be 25 GB.
    for number in 0..4000 {
        fs::write(deep.join(format!("{number:0200}")), "x").unwrap();
    }
    let (code, said) = bridgelab(root.path(), &["list"]);
    assert_eq!(code, Some(0), "{}", beginning(&said));
    assert_eq!(said.matches("evil/").count(), 401);
}
