//! What is said about unit files where there is no networkd to ask.

use support::output;
use support::units::{path, scenario};

const FAULTY: [(&str, &str); 2] = [
    (
        "host/10-lan.network",
        "[Match]\nNmae=eno1\nName=enp3s0\n\n[Netwrok]\nAddress=192.168.1.2/24\n",
    ),
    ("host/20-lan.nework", "[Match]\nName=eno1\n"),
];

#[test]
fn slips_in_unit_files_are_warnings_and_errors_where_that_is_asked_for() {
    let folder = scenario(&FAULTY);
    let path = path(&folder);
    let (code, out, err) = output(&["check", path]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("valid, 0 variants, 4 warnings"), "{out}");
    for told in [
        "warning[unit.unknown-key]: unknown key `Nmae` in section [Match]",
        "10-lan.network:2:1",
        "did you mean `Name=`?",
        "warning[unit.no-match]: `10-lan.network` matches no link of machine `host`",
        "10-lan.network:3:6",
        "warning[unit.unknown-section]: unknown section [Netwrok]",
        "10-lan.network:5:1",
        "warning[unit.passed-over]: networkd does not read `20-lan.nework`",
    ] {
        assert!(err.contains(told), "{told}:\n{err}");
    }
    for command in ["check", "plan", "run"] {
        let (code, out, err) = output(&[command, path, "--strict"]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{command}: {err}");
        assert!(err.contains("error[unit.unknown-key]"), "{command}: {err}");
    }
    let (code, _, err) = output(&["plan", path]);
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("warning[unit.unknown-key]"), "{err}");
}

#[test]
fn a_clean_scenario_is_strictly_valid() {
    let lan = ("host/10-lan.network", "[Match]\nName=eno1\n");
    let folder = scenario(&[lan, ("host/README", "x"), ("host/10-lan.network~", "x")]);
    let (code, out, err) = output(&["check", path(&folder), "--strict"]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.trim_end().ends_with("valid, 0 variants"), "{out}");
}
