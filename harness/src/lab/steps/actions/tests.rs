use crate::lab::by_hand;
use crate::plan::GuestKind;
use crate::scenario::{LoadedScenario, load_text};

/// Each action with the command that does the same by hand, with MicroVMs and with ghosts; `=` where both are the same.
const BY_HAND: &[[&str; 3]] = &[
    ["start = { guest = 'g' }", "systemctl start microvm@g", "="],
    ["stop = { guest = 'g' }", "systemctl stop microvm@g", "="],
    [
        "restart = { guest = 'g' }",
        "systemctl restart microvm@g",
        "=",
    ],
    [
        "start_daemon = { on = 'router', daemon = 'dnsmasq' }",
        "ip netns exec router systemctl start dnsmasq",
        "=",
    ],
    // In a guest, Docker's socket would start Docker again, so it is stopped too; a ghost has no systemd.
    [
        "stop_daemon = { on = 'g', daemon = 'docker' }",
        "systemctl stop docker.socket docker.service  # in guest g",
        "ip netns exec g systemctl stop docker",
    ],
    [
        "reload = { on = 'host' }",
        "ip netns exec host networkctl reload",
        "=",
    ],
    [
        "reload = { on = 'host', interface = 'eno1' }",
        "ip netns exec host networkctl reconfigure eno1",
        "=",
    ],
    [
        "reload = { on = 'router', daemon = 'dnsmasq' }",
        "ip netns exec router killall -HUP dnsmasq",
        "=",
    ],
    [
        "link_up = { on = 'g', interface = 'vm-g' }",
        "ip link set vm-g up  # in guest g",
        "ip -n g link set vm-g up",
    ],
    [
        "link_down = { on = 'host', interface = 'eno1' }",
        "ip -n host link set eno1 down",
        "=",
    ],
    [
        "delete_link = { on = 'desktop', interface = 'eth0' }",
        "ip -n desktop link delete eth0",
        "=",
    ],
    // The bridge is made before its ports are put on it, and set up last.
    [
        "add_bridge = { on = 'desktop', name = 'br0', stp = true, forward_delay = '4s', mac = '02:00:00:00:00:0b', \
         mtu = 1400, addresses = ['192.168.1.2/24'], ports = ['eth0'] }",
        "ip -n desktop link add br0 address 02:00:00:00:00:0b type bridge stp_state 1 forward_delay 400 && \
         ip -n desktop link set br0 mtu 1400 && ip -n desktop link set eth0 master br0 && \
         ip -n desktop addr add 192.168.1.2/24 dev br0 && ip -n desktop link set br0 up",
        "=",
    ],
    [
        "bridge_port = { on = 'host', interface = 'vm-g', hairpin = true }",
        "ip -n host link set vm-g type bridge_slave hairpin on",
        "=",
    ],
    [
        "unplug = { guest = 'g', interface = 'vm-g' }",
        "# device_del and netdev_del of vm-g in QEMU's monitor of g; its TAP on host goes",
        "=",
    ],
    [
        "write_unit = { on = 'g', name = 'a.network', content = '' }",
        "cp a.network /etc/systemd/network/  # in guest g",
        "ip netns exec g cp a.network /run/systemd/network/",
    ],
    [
        "remove_unit = { on = 'host', name = 'a.network' }",
        "ip netns exec host rm /run/systemd/network/a.network",
        "=",
    ],
    [
        "run = { on = 'host', command = ['echo', 'a b'] }",
        "ip netns exec host echo 'a b'",
        "=",
    ],
    [
        "run = { on = 'desktop', command = ['sleep', '9'], background = true }",
        "ip netns exec desktop sleep 9 &",
        "=",
    ],
    ["kill = { run = 'step-17' }", "kill %step-17", "="],
    [
        "send = { on = 'desktop', interface = 'eth0', announce = '192.168.1.3' }",
        "ip netns exec desktop arping -U -c 1 -I eth0  # sends an announcement of 192.168.1.3 at its own address",
        "=",
    ],
    [
        "send = { on = 'desktop', interface = 'eth0', hex = 'ffffffffffff 020000000001 0806', count = 3 }",
        "ip netns exec desktop arping -U -c 3 -I eth0  # sends 14 bytes",
        "=",
    ],
    // What the step does not name is not impaired.
    [
        "impair = { on = 'router', interface = 'lan0', loss = 10, delay = '100ms', rate = 256 }",
        "ip netns exec router tc qdisc replace dev lan0 root netem delay 100ms loss 10% rate 256kbit",
        "=",
    ],
    [
        "impair = { on = 'router', interface = 'lan0', loss = 100 }",
        "ip netns exec router tc qdisc replace dev lan0 root netem loss 100%",
        "=",
    ],
    [
        "unimpair = { on = 'router', interface = 'lan0' }",
        "ip netns exec router tc qdisc delete dev lan0 root",
        "=",
    ],
    // The words are those of ethtool.
    [
        "offload = { on = 'desktop', interface = 'eth0', checksum = true, segmentation = false }",
        "ip netns exec desktop ethtool -K eth0 tx on tso off gso off",
        "=",
    ],
    [
        "offload = { on = 'desktop', interface = 'eth0', checksum = false }",
        "ip netns exec desktop ethtool -K eth0 tx off",
        "=",
    ],
    [
        "flush = { on = 'g', neighbours = true }",
        "ip neigh flush all  # in guest g",
        "ip -n g neigh flush all",
    ],
    [
        "flush = { on = 'host', neighbours = true, interface = 'eno1' }",
        "ip -n host neigh flush dev eno1",
        "=",
    ],
    [
        "flush = { on = 'host', fdb = 'eno1' }",
        "ip -n host link set eno1 type bridge fdb_flush",
        "=",
    ],
    [
        "sysctl = { on = 'router', key = 'net.ipv4.ip_forward', value = '0' }",
        "ip netns exec router sysctl -w net.ipv4.ip_forward=0",
        "=",
    ],
    [
        "wait_for = { from = 'host', ping = { to = '192.168.1.1' } }",
        "a reply from 192.168.1.1 at host",
        "=",
    ],
];

/// A machine and a guest with networkd, and a step for each row. Each step may fail, so that none depends on an earlier one.
fn loaded() -> LoadedScenario {
    let mut text = "version = 1\nsummary = 'x'\n[machines.host]\nnetworkd = 'host'\n[guests.g]\nunits = 'guest'\n\
        interfaces = [{ type = 'tap', id = 'vm-g', mac = '02:00:00:00:00:01' }]\n"
        .to_owned();
    for (index, [action, ..]) in BY_HAND.iter().enumerate() {
        text += &format!("[[steps]]\nid = 'step-{index}'\nmay_fail = true\n{action}\n");
    }
    let folder = tempfile::tempdir().expect("a folder");
    for units in ["host", "guest"] {
        let units = folder.path().join(units);
        std::fs::create_dir(&units).expect("a folder");
        std::fs::write(units.join("10-e.network"), "[Match]\nName=e*\n").expect("a unit");
    }
    load_text(&folder.path().join("x.toml"), text).expect("a scenario")
}

#[test]
fn what_does_the_same_by_hand_is_said_for_each() {
    let scenario = loaded().scenario(None).expect("its green form");
    for guests in [GuestKind::Vm, GuestKind::Ghost] {
        let said = by_hand(&scenario, guests);
        let said: Vec<_> = said.map(|(_, by_hand)| by_hand.line(guests)).collect();
        assert_eq!(said.len(), BY_HAND.len());
        for ([action, vm, ghost], said) in BY_HAND.iter().zip(said) {
            let other = guests == GuestKind::Ghost && *ghost != "=";
            assert_eq!(said, if other { *ghost } else { *vm }, "{action}");
        }
    }
}

/// Steps that are carried out as commands run just the commands that are shown, one after another.
#[test]
fn only_what_is_commands_is_carried_out_by_them() {
    let scenario = loaded().scenario(None).expect("its green form");
    let with = |guests| -> Vec<_> {
        let all = by_hand(&scenario, guests);
        let commands = all.filter(|(_, by_hand)| by_hand.commands().is_some());
        commands
            .map(|(step, _)| step.id.as_str().to_owned())
            .collect()
    };
    let (vm, ghost) = (with(GuestKind::Vm), with(GuestKind::Ghost));
    let docker = "step-4".to_owned();
    assert!(
        vm.contains(&docker) && !ghost.contains(&docker),
        "{ghost:?}"
    );
    assert!(vm.contains(&"step-5".to_owned()) && !vm.contains(&"step-7".to_owned()));
}
