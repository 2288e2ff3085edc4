//! What networkd says of links: `networkctl --json=short status`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;

/// What networkd says of a link.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(in crate::diagnosis) struct Managed {
    name: String,
    /// `configured`, `configuring`, `unmanaged`, `failed`, ...
    #[serde(rename = "AdministrativeState")]
    pub(in crate::diagnosis) setup: String,
    /// `routable`, `enslaved`, `no-carrier`, ...
    #[serde(rename = "OperationalState")]
    pub(in crate::diagnosis) operational: String,
    /// `online`, `partial`, `offline`.
    #[serde(rename = "OnlineState")]
    pub(in crate::diagnosis) online: Option<String>,
    /// Path of its `.network` file.
    pub(in crate::diagnosis) network_file: Option<String>,
    /// Whether wait-online waits for it.
    pub(in crate::diagnosis) required_for_online: Option<bool>,
    #[serde(rename = "DNS")]
    dns: Vec<Value>,
}

impl Managed {
    /// Name of its `.network` file, without the folder.
    pub(in crate::diagnosis) fn file(&self) -> Option<&str> {
        self.network_file.as_deref()?.rsplit('/').next()
    }

    /// Its DNS servers.
    pub(in crate::diagnosis) fn servers(&self) -> Vec<IpAddr> {
        let bytes = |server: &Value| serde_json::from_value::<Vec<u8>>(server["Address"].clone());
        let read = self.dns.iter().filter_map(|server| {
            let bytes = bytes(server).ok()?;
            let v4 = <[u8; 4]>::try_from(bytes.as_slice()).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(bytes.as_slice()).map(IpAddr::from))
                .ok()
        });
        read.collect()
    }
}

/// Reads all links; `None`: networkd did not answer.
pub(super) fn read(text: &str) -> Option<BTreeMap<String, Managed>> {
    let status: Value = serde_json::from_str(text).ok()?;
    let links = status["Interfaces"].as_array()?.iter();
    let read = links.filter_map(|link| serde_json::from_value::<Managed>(link.clone()).ok());
    Some(read.map(|link| (link.name.clone(), link)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_its_file_its_states_and_its_servers() {
        // systemd 257, cut.
        let text = r#"{"Interfaces":[{"Index":1,"Name":"lo","AdministrativeState":"unmanaged","OperationalState":"carrier","OnlineState":null},
            {"Index":3,"Name":"br0","AdministrativeState":"configured","OperationalState":"routable","OnlineState":"online",
             "NetworkFile":"/run/systemd/network/10-lan-bridge.network","RequiredForOnline":true,
             "DNS":[{"Family":2,"Address":[192,168,1,1],"ConfigSource":"static"},
                    {"Family":10,"Address":[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1],"ConfigSource":"NDisc"}]}]}"#;
        let links = read(text).expect("links");
        assert_eq!(
            (links["lo"].setup.as_str(), links["lo"].file()),
            ("unmanaged", None)
        );
        let br0 = &links["br0"];
        assert_eq!(br0.file(), Some("10-lan-bridge.network"));
        let servers: Vec<String> = br0.servers().iter().map(IpAddr::to_string).collect();
        assert_eq!(servers, ["192.168.1.1", "2001:db8::1"]);
        assert_eq!(read(""), None);
    }
}
