use bridgelab_model::scenario::units::{asked, not_applied, not_applied_in_a_ghost};
use bridgelab_model::scenario::{Scenario, load_text};

const MACHINE: &str = "version = 1\nsummary = 'x'\n[machines.host]\nnetworkd = 'host'\n\
    [guests.a]\ninterfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01' }]\n";

/// The warnings of a scenario with these unit files beside it, in its green form: `FILE:LINE message`.
fn told(scenario: &str, files: &[(&str, &str)]) -> Vec<String> {
    form(scenario, files)
        .warnings
        .iter()
        .map(|fault| {
            let file = fault.file.file_name().unwrap_or_default().to_string_lossy();
            format!("{file}:{} {}", fault.line, fault.message)
        })
        .collect()
}

fn form(scenario: &str, files: &[(&str, &str)]) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let loaded = load_text(&folder.path().join("x.toml"), scenario.to_owned());
    let loaded = loaded.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    loaded.scenario(None).unwrap()
}

fn host(text: &str) -> Vec<String> {
    told(MACHINE, &[("host/10-lan.network", text)])
}

#[test]
fn a_match_must_find_a_link_of_its_machine() {
    let none = "10-lan.network:2 `10-lan.network` matches no link of machine `host`";
    for (text, wanted) in [
        ("[Match]\nName=eno1\n", &[][..]),
        ("[Match]\nName=vm-*\n", &[]),
        ("[Match]\nName=lo\n", &[]),
        ("[Match]\nName=enp3s0\n", &[none]),
        ("[Match]\nName=vm-b\n", &[none]),
        ("[Match]\nMACAddress=02:00:00:00:00:01\n", &[none]),
        ("[Match]\nType=wlan\n", &[none]),
        ("[Match]\nType=ether\n", &[]),
        ("[Match]\nKind=tun\n", &[]),
        ("[Match]\nKind=macvtap\n", &[none]),
        ("[Match]\nDriver=e1000e\n", &[none]),
        ("[Match]\nSSID=home\n", &[none]),
        ("[Match]\nPath=pci-*\n", &[none]),
    ] {
        assert_eq!(host(text), wanted, "{text}");
    }
    let nothing = "10-lan.network:1 `10-lan.network` has no valid setting in [Match]";
    assert_eq!(host("[Network]\nDHCP=no\n"), [nothing]);
    assert_eq!(host("[Match]\nName=\n"), [nothing]);
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    let netdev = "\u{feff}[NetDev]\nName=br0\nKind=bridge\n";
    let network = "\u{feff}[Match]\nName=br0\n[Netwrok]\n";
    let files = [("host/br0.netdev", netdev), ("host/10-br.network", network)];
    // What is wrong keeps its line.
    assert_eq!(
        told(MACHINE, &files),
        ["10-br.network:3 unknown section [Netwrok]"]
    );
}

#[test]
fn a_near_name_is_proposed() {
    let scenario = form(MACHINE, &[("host/10-lan.network", "[Match]\nName=eno2\n")]);
    let help = scenario.warnings[0].help.as_deref();
    assert_eq!(help, Some("did you mean `eno1`?"));
}

#[test]
fn the_line_that_no_link_fits_is_told_with_what_could_stand_there() {
    let scenario = MACHINE.replace("[guests.a]\n", "[guests.a]\nunits = 'guest'\n");
    let lan = ("host/10-lan.network", "[Match]\nName=eno1\n");
    let of = |text: &str| {
        let form = form(&scenario, &[lan, ("guest/20-lan.network", text)]);
        let told: Vec<_> = form.warnings.iter().collect();
        let [fault] = told.as_slice() else {
            panic!("{text}: {told:?}");
        };
        (fault.line, fault.help.clone().unwrap_or_default())
    };
    for (text, line, help) in [
        (
            "[Match]\nName=eth0\nType=ethr\n",
            3,
            "did you mean `ether`?",
        ),
        ("[Match]\nType=ethr\nName=eth7\n", 3, "did you mean `eth0`?"),
        (
            "[Match]\nMACAddress=02:00:00:00:00:02\n",
            2,
            "did you mean `02:00:00:00:00:01`?",
        ),
        (
            "[Match]\nKind=wlan0\n",
            2,
            "kinds of links of guest `a`: `bridge`, `veth`",
        ),
        // Each has its link, and both together have none.
        (
            "[Match]\nType=loopback\nMACAddress=02:00:00:00:00:01\n",
            2,
            "",
        ),
    ] {
        assert_eq!(of(text), (line, help.to_owned()), "{text}");
    }
    let netdev = "[NetDev]\nName=br0\nKind=bridge\n";
    for (text, warnings) in [("Type=bridge", 0), ("Kind=bridge", 0), ("Kind=bond", 1)] {
        let text = format!("[Match]\n{text}\n");
        let files = [
            lan,
            ("guest/br0.netdev", netdev),
            ("guest/20-lan.network", text.as_str()),
        ];
        assert_eq!(form(&scenario, &files).warnings.len(), warnings, "{text}");
    }
}

#[test]
fn what_netdevs_and_steps_make_counts() {
    let netdev = ("host/br0.netdev", "[NetDev]\nName=br0\nKind=bridge\n");
    let lan = ("host/10-lan.network", "[Match]\nName=br0\n");
    assert_eq!(told(MACHINE, &[netdev, lan]), [] as [&str; 0]);
    let steps = [
        "write_unit = { on = 'host', name = 'br0.netdev', content = '''[NetDev]\nName=br0\nKind=bridge\n''' }",
        "add_bridge = { on = 'host', name = 'br0' }",
        "run = { on = 'host', command = ['ip', 'link', 'add', 'br0', 'type', 'dummy'] }",
    ];
    for step in steps {
        let scenario = format!("{MACHINE}[[steps]]\nid = 's'\n{step}\n");
        assert_eq!(told(&scenario, &[lan]), [] as [&str; 0], "{step}");
    }
    let written =
        "write_unit = { on = 'host', name = '20-x.network', content = '''[Match]\nNmae=x\n''' }";
    let scenario = format!("{MACHINE}[[steps]]\nid = 's'\n{written}\n");
    let lan = ("host/10-lan.network", "[Match]\nName=eno1\n");
    assert_eq!(
        told(&scenario, &[lan]),
        [
            "20-x.network:1 `20-x.network` has no valid setting in [Match]",
            "20-x.network:2 unknown key `Nmae` in section [Match]"
        ]
    );
}

#[test]
fn a_guest_has_nics_and_docker_s_links() {
    let guest = |text: &str| {
        let scenario = MACHINE.replace("[guests.a]\n", "[guests.a]\nunits = 'guest'\n");
        let lan = ("host/10-lan.network", "[Match]\nName=eno1\n");
        told(&scenario, &[lan, ("guest/20-lan.network", text)])
    };
    for fits in [
        "Name=eth0",
        "Name=enp1s0",
        "Name=veth*",
        "Name=docker0",
        "Type=ether",
    ] {
        assert_eq!(
            guest(&format!("[Match]\n{fits}\n")),
            [] as [&str; 0],
            "{fits}"
        );
    }
    let none = "20-lan.network:2 `20-lan.network` matches no link of guest `a`";
    for wrong in ["Name=vm-a", "Name=eth1", "MACAddress=02:00:00:00:00:02"] {
        assert_eq!(guest(&format!("[Match]\n{wrong}\n")), [none], "{wrong}");
    }
}

#[test]
fn of_two_files_the_one_that_counts_for_nothing_is_told() {
    let lan = |name: &'static str, text: &'static str| (name, text);
    let first = lan("host/10-a.network", "[Match]\nName=eno1\n");
    let again = lan("host/20-b.network", "[Match]\nName=vm-* eno1\n");
    assert_eq!(
        told(MACHINE, &[first, again]),
        ["20-b.network:2 `eno1` is matched by two files"]
    );
    let hidden = lan("host/20-b.network", "[Match]\nName=eno*\n");
    assert_eq!(
        told(MACHINE, &[first, hidden]),
        ["20-b.network:1 `20-b.network` is never used"]
    );
    // A general one behind a special one takes the rest.
    let rest = lan("host/20-b.network", "[Match]\nName=*\n");
    assert_eq!(told(MACHINE, &[first, rest]), [] as [&str; 0]);
    // Whether this one is read depends on the machine.
    let elsewhere = lan("host/10-a.network", "[Match]\nName=eno1\nHost=other\n");
    assert_eq!(told(MACHINE, &[elsewhere, again]), [] as [&str; 0]);
    let masked = lan("host/10-a.network", "");
    assert_eq!(told(MACHINE, &[masked, again]), [] as [&str; 0]);
}

#[test]
fn drop_ins_belong_to_their_unit() {
    let unit = ("host/10-a.network", "[Match]\nName=enp3s0\n");
    let drop_in = (
        "host/10-a.network.d/x.conf",
        "[Match]\nName=eno1\n[Netwrok]\n",
    );
    assert_eq!(
        told(MACHINE, &[unit, drop_in]),
        ["x.conf:3 unknown section [Netwrok]"]
    );
    let alone = ("host/20-b.network.d/x.conf", "[Match]\nName=eno1\n");
    let lan = ("host/10-a.network", "[Match]\nName=eno1\n");
    assert_eq!(
        told(MACHINE, &[lan, alone]),
        ["x.conf:1 there is no `20-b.network` that this would be a drop-in of"]
    );
}

#[test]
fn what_udev_would_do_is_told_of_machines_alone() {
    let link = "[Match]\nOriginalName=eno1\n[Link]\nName=lan0\nMTUBytes=1400\nDescription=x\n";
    let lan = ("host/10-lan.network", "[Match]\nName=eno1\n");
    let files = [lan, ("host/10-lan.link", link)];
    assert_eq!(
        told(MACHINE, &files),
        [
            "10-lan.link:4 `Name=` has no effect on `host`",
            "10-lan.link:5 `MTUBytes=` has no effect on `host`"
        ]
    );
    assert_eq!(
        not_applied(&form(MACHINE, &files)),
        [
            "10-lan.link: Name=lan0 of host",
            "10-lan.link: MTUBytes=1400 of host"
        ]
    );
    let scenario = MACHINE.replace("[guests.a]\n", "[guests.a]\nunits = 'guest'\n");
    let link = link.replace("OriginalName=eno1", "MACAddress=02:00:00:00:00:01");
    let files = [lan, ("guest/10-lan.link", link.as_str())];
    assert_eq!(told(&scenario, &files), [] as [&str; 0]);
    // A ghost in its place has no udev either.
    let form = form(&scenario, &files);
    let (name, _) = form.guests.first_key_value().unwrap();
    assert_eq!(
        not_applied_in_a_ghost(&form, name),
        ["10-lan.link: Name=lan0", "10-lan.link: MTUBytes=1400"]
    );
}

#[test]
fn what_is_meant_is_not_told_and_must_be_there() {
    let scenario = MACHINE.replace("'host'\n", "'host'\nfaulty_units = ['10-lan.network']\n");
    let wrong = ("host/10-lan.network", "[Match]\nName=eno2\n[Netwrok]\n");
    assert_eq!(told(&scenario, &[wrong]), [] as [&str; 0]);
    let other = ("host/20-lan.network", "[Match]\nName=eno1\n");
    assert_eq!(
        told(&scenario, &[other]),
        ["x.toml:5 `faulty_units` names `10-lan.network`, which is not there"]
    );
}

#[test]
fn what_networkd_says_is_a_warning_unless_it_was_told_or_is_meant() {
    let text = "[Match]\nName=eno1\n[Netwrok]\n[Network]\nDHCP=perhaps\n";
    let scenario = form(MACHINE, &[("host/10-lan.network", text)]);
    let place = asked(&scenario).remove(0);
    let fault = |line, words: &str| {
        let told = place.fault("10-lan.network", line, words, &scenario.warnings);
        told.map(|fault| (fault.line, fault.message, fault.help))
    };
    let words = "Failed to parse DHCP option, ignoring: perhaps";
    assert_eq!(fault(Some(5), words), Some((5, words.to_owned(), None)));
    assert_eq!(fault(Some(3), "Unknown section 'Netwrok'. Ignoring."), None);
    // One that is newer than this networkd.
    let words = "Unknown key 'UseDNR' in section [DHCPv6], ignoring.";
    let help = fault(Some(2), words).unwrap().2;
    assert_eq!(help.as_deref(), Some("it came with systemd 257"));
    let meant = MACHINE.replace("'host'\n", "'host'\nfaulty_units = ['10-lan.network']\n");
    let meant = form(&meant, &[("host/10-lan.network", text)]);
    let place = asked(&meant).remove(0);
    assert!(place.fault("10-lan.network", Some(5), "Bad", &[]).is_none());
}

#[test]
fn what_networkd_says_of_no_line_has_the_line_that_it_names() {
    let network = "[Match]\nName=eno1\n[Network]\nBridge=br1\n";
    let drop_in = "[Network]\nVRF=blue\n";
    let netdev = "[NetDev]\nName=br0\nKind=bridge\n";
    let files = [
        ("host/10-lan.network", network),
        ("host/10-lan.network.d/vrf.conf", drop_in),
        ("host/br0.netdev", netdev),
    ];
    let scenario = form(MACHINE, &files);
    let place = asked(&scenario).remove(0);
    let told = |words: &str| {
        let fault = place.fault("10-lan.network", None, words, &[]).unwrap();
        let file = fault.file.file_name().unwrap().to_owned();
        (file.into_string().unwrap(), fault.line, fault.help)
    };
    let (file, line, help) = told("br1 NetDev could not be found, ignoring assignment.");
    assert_eq!((file.as_str(), line), ("10-lan.network", 4));
    assert_eq!(help.as_deref(), Some("did you mean `br0`?"));
    let (file, line, help) = told("blue NetDev could not be found, ignoring assignment.");
    assert_eq!((file.as_str(), line), ("vrf.conf", 2));
    let links = "links that `.netdev` files make: `br0`";
    assert_eq!(help.as_deref(), Some(links));
    let (file, line, help) = told("Something else");
    assert_eq!((file.as_str(), line, help), ("10-lan.network", 1, None));
}
