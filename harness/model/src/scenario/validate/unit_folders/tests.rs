use super::*;

/// What networkd reads of a folder: systemd.network(5), "Configuration files are" and "drop-in".
#[test]
fn a_folder_is_taken_as_networkd_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let link = |name: &str, target: &str| {
        std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    };
    write("br0.netdev", "[NetDev]\nName=no\nKind=bridge\n");
    write("br0.netdev.d/name.conf", "[NetDev]\nName=br0\n");
    write("br0.netdev.d/README", "x");
    write("br0.netdev.d/.name.conf.swp", "x");
    write("files/lan", "[Match]\nName=eno1\n");
    link("10-lan.network", "files/lan");
    write("files/drop/mtu.conf", "[Link]\nMTUBytes=1400\n");
    link("10-lan.network.d", "files/drop");
    link("20-masked.network", "/dev/null");
    write("30-masked.network", "");
    write("networkd.conf", "[Network]\n");
    write("networkd.conf.d/rules.conf", "[Network]\n");
    write("networkd.conf.d/README", "x");
    for passed_over in [
        "README",
        "10-lan.network~",
        "10-lan.network.bak",
        ".10-lan.network",
    ] {
        write(passed_over, "x");
    }
    let read = UnitFolder::read(&Beneath::at(folder.path(), Path::new("")), Path::new(""));
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    let units = read.units.iter();
    let units: Vec<_> = units
        .map(|unit| (unit.name.as_str(), unit.bytes.len()))
        .collect();
    assert_eq!(
        units,
        [
            ("10-lan.network", 18),
            ("10-lan.network.d/mtu.conf", 21),
            ("20-masked.network", 0),
            ("30-masked.network", 0),
            ("br0.netdev", 29),
            ("br0.netdev.d/name.conf", 18),
            ("networkd.conf", 10),
            ("networkd.conf.d/rules.conf", 10),
        ]
    );
    assert_eq!(read.netdevs, BTreeSet::from(["br0".to_owned()]));
    assert_eq!(read.units[1].drop_in_of(), Some("10-lan.network"));
    let places = [1, 6, 7].map(|unit: usize| read.units[unit].below_systemd());
    let expected = [
        "network/10-lan.network.d/mtu.conf",
        "networkd.conf",
        "networkd.conf.d/rules.conf",
    ];
    assert_eq!(places, expected);
}

#[test]
fn a_drop_in_folder_that_is_not_read_is_told() {
    let told = |target: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("20-br0.network"), "[Match]\nName=br0\n").unwrap();
        std::os::unix::fs::symlink(target, path("20-br0.network.d")).unwrap();
        let files = Beneath::at(folder.path(), Path::new(""));
        let read = UnitFolder::read(&files, Path::new(""));
        let codes: Vec<_> = read.problems.iter().map(|one| one.code).collect();
        assert_eq!(read.units.len(), 1);
        (codes, read.passed_over)
    };
    for outside in ["/etc", "../", "/nowhere"] {
        assert_eq!(told(outside), (vec![code::OUTSIDE], vec![]), "{outside}");
    }
    assert_eq!(told("nowhere"), (vec![code::UNIT_FILE], vec![]));
    assert_eq!(told("20-br0.network.d"), (vec![code::UNIT_FILE], vec![]));
    // Of a file the warning is that of anything else which networkd passes over.
    let file = vec!["20-br0.network.d".to_owned()];
    assert_eq!(told("20-br0.network"), (vec![], file));
}
