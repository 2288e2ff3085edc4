use std::path::Path;

use bridgelab_model::plan::sysctl::{for_link, nic_of};
use bridgelab_model::scenario::load_text;

#[test]
fn an_id_in_a_key_is_a_nic() {
    let text = "version = 1\nsummary = 'x'\n[guests.any]\n\
        interfaces = [{ type = 'tap', id = 'vm-any', mac = '02:00:00:00:00:01' }]\n";
    let loaded = load_text(Path::new("any.toml"), text.to_owned()).expect("a valid scenario");
    let scenario = loaded.scenario(None).expect("its green form");
    let guest = &scenario.guests["any"];
    let id = guest.interfaces[0].id.as_str();
    let key = format!("net.ipv6.conf.{id}.accept_ra");
    let found = nic_of(&key, guest).map(|(place, nic)| (place, nic.id.as_str()));
    assert_eq!(found, Some((0, id)));
    assert_eq!(for_link(&key, "eth0"), "net.ipv6.conf.eth0.accept_ra");
    assert_eq!(for_link(&key, "eth0.10"), "net.ipv6.conf.eth0/10.accept_ra");
    for key in [
        "net.ipv6.conf.eth0.accept_ra",
        "net.ipv6.conf.all.accept_ra",
        "net.ipv4.ip_forward",
    ] {
        assert!(nic_of(key, guest).is_none(), "{key}");
    }
}
