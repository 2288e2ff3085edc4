//! What iproute2 prints in JSON (`ip -j`), versions 6.1 to 6.15.

use serde_json::Value;

/// Whether an address came from a router advertisement: it has a lifetime (`dynamic`) unless the router gave it for ever, and
/// networkd and the kernel both mark it with `mngtmpaddr`. A static address has neither.
pub(super) fn from_advertisement(entry: &Value) -> bool {
    entry["dynamic"] == true || entry["mngtmpaddr"] == true
}

pub(super) fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn entries<'a>(
    links: &'a Value,
    interface: Option<&'a str>,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    array(links)
        .filter(move |link| interface.is_none_or(|name| link["ifname"] == name))
        .flat_map(|link| array(&link["addr_info"]).map(move |entry| (text(link, "ifname"), entry)))
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub(super) fn trouble(entry: &Value) -> Option<&'static str> {
    if entry["dadfailed"] == true {
        Some("dadfailed: another has it, or its own solicitation came back")
    } else if entry["tentative"] == true {
        Some("tentative: duplicate address detection is under way")
    } else {
        None
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    /// What `ip -j addr` prints on a guest with a container.
    pub(in crate::check) fn addresses() -> Value {
        json!([
            {"ifindex": 2, "ifname": "eth0", "addr_info": [
                {"family": "inet", "local": "192.168.1.3", "prefixlen": 24, "scope": "global"},
                {"family": "inet6", "local": "2001:db8::b", "prefixlen": 64, "scope": "global"},
                {"family": "inet6", "local": "2001:db8::ff:fe00:1", "prefixlen": 64, "scope": "global", "dynamic": true},
                {"family": "inet6", "local": "2001:db8::c", "prefixlen": 64, "scope": "global", "tentative": true}
            ]},
            {"ifindex": 5, "ifname": "veth1", "addr_info": [
                {"family": "inet", "local": "192.168.1.3", "prefixlen": 24, "scope": "global"}
            ]},
            {"ifindex": 6, "ifname": "veth2", "master": "docker0", "addr_info": []}
        ])
    }
}
