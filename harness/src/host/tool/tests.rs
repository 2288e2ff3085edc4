//! Version banners as the programs print them, and programs that misbehave.

use super::*;

fn vmm(name: &str) -> Tool {
    Tool::Vmm(HypervisorKind::named(name).expect("a row"))
}

#[test]
fn versions_are_read_from_real_banners() {
    let banners = [
        (
            "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)",
            "7.2.22",
        ),
        ("mmdebstrap 1.3.5", "1.3.5"),
        (
            "Dnsmasq version 2.90  Copyright (c) 2000-2024 Simon Kelley",
            "2.90",
        ),
        (
            "mke2fs 1.47.0 (5-Feb-2023)\n\tUsing EXT2FS Library version 1.47.0",
            "1.47.0",
        ),
        ("ip utility, iproute2-6.1.0, libbpf 1.1.2", "6.1.0"),
        ("bridge utility, 6.1.0", "6.1.0"),
        ("systemd 252 (252.38-1~deb12u1)", "252"),
        ("systemd 257 (257.13-1~deb13u1)", "257"),
        ("D-Bus Message Bus Daemon 1.14.10", "1.14.10"),
        ("cloud-hypervisor v53.0.0-dirty", "53.0.0"),
        ("alioth 0.12.0", "0.12.0"),
        ("Firecracker v1.13.1", "1.13.1"),
        ("nftables v1.0.6 (Lester Gooch #5)", "1.0.6"),
        ("iptables-restore v1.8.9 (nf_tables)", "1.8.9"),
    ];
    for (banner, version) in banners {
        assert_eq!(version_in(banner).as_deref(), Some(version), "{banner}");
    }
    assert_eq!(version_in(""), None);
    assert_eq!(version_in("usage: tool [-q]"), None);
}

#[test]
fn system_folders_are_searched_after_path() {
    let path = search_path(Some("/opt/x/bin:/usr/bin".into()), Tool::Ip);
    assert_eq!(path, "/opt/x/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/sbin");
    let path = search_path(None, Tool::Networkd);
    assert_eq!(path, "/usr/lib/systemd:/lib/systemd");
}

#[tokio::test]
async fn a_tool_that_hangs_or_fails_is_reported_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let script = |name: &str, body: &str| {
        let path = dir.path().join(name);
        command::write_script(&path, body);
        path
    };
    let debian = Distribution::parse("ID=debian\nVERSION_ID=\"12\"\n");
    let instead = BTreeMap::from([(vmm("qemu"), script("hangs", "sleep 60"))]);
    let by = Deadline::after(Duration::from_millis(500));
    let tools = Tools::find(&instead, &debian, by).await;
    assert!(by.elapsed() < Duration::from_secs(30));
    let qemu = tools.get(vmm("qemu")).unwrap_err();
    assert!(qemu.reason.contains("still running"), "{qemu}");

    // On a busy machine a script that ends at once may need a second.
    let instead = BTreeMap::from([
        (
            Tool::Dnsmasq,
            script("fails", "echo no such library >&2; exit 127"),
        ),
        (vmm("alioth"), script("old", "echo alioth 0.11.2")),
        (
            vmm("cloud-hypervisor"),
            script("works", "echo cloud-hypervisor v53.0"),
        ),
    ]);
    let tools = Tools::find(&instead, &debian, Deadline::secs(30)).await;
    let dnsmasq = tools.get(Tool::Dnsmasq).unwrap_err();
    assert!(dnsmasq.reason.contains("no such library"), "{dnsmasq}");
    assert!(dnsmasq.remedy.unwrap().contains("dnsmasq-base"));
    let alioth = tools.get(vmm("alioth")).unwrap_err();
    let words = "` is version 0.11.2, and at least 0.12 is needed";
    assert!(alioth.reason.ends_with(words), "{alioth}");
    assert_eq!(
        tools
            .get(vmm("cloud-hypervisor"))
            .unwrap()
            .version
            .as_deref(),
        Some("53.0")
    );
}
