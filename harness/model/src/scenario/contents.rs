//! What is put into a guest before its first boot, and the containers in it.

use std::net::IpAddr;
use std::sync::Arc;

/// A file that is laid over the guest's root file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestFile {
    /// Absolute path in the guest.
    pub path: String,
    /// What it is.
    pub kind: GuestFileKind,
}

/// What a [`GuestFile`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuestFileKind {
    /// A regular file of root's.
    File {
        /// Whether it may be executed: mode 0755, else 0644.
        executable: bool,
        /// Content.
        bytes: Arc<[u8]>,
    },
    /// A symbolic link.
    Link {
        /// Where it points.
        target: String,
    },
}

/// A container that Docker runs in a guest: `docker run --detach --name NAME ... IMAGE COMMAND`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// Image; all there is to run is in the guest's image, as `bridgelab/IMAGE`.
    pub image: String,
    /// `--network`: Docker's own `bridge`, `host`, `none`, or a bridge network that is made for it; `None`: Docker's default.
    pub network: Option<String>,
    /// `--publish`, as Docker takes it: `8080:80`, `192.168.1.3:53:53/udp`.
    pub ports: Vec<String>,
    /// `--env`.
    pub environment: Vec<(String, String)>,
    /// `--dns`.
    pub dns: Vec<IpAddr>,
    /// What runs in it; empty: something that waits for ever.
    pub command: Vec<String>,
}

/// Networks of Docker that are always there.
pub const DOCKER_NETWORKS: [&str; 3] = ["bridge", "host", "none"];

impl Container {
    /// A container of this image, as Docker has it by itself.
    pub fn of(image: &str) -> Self {
        Self {
            image: image.to_owned(),
            ..Self::default()
        }
    }

    /// The network that must be made for it.
    pub fn own_network(&self) -> Option<&str> {
        let network = self.network.as_deref()?;
        (!DOCKER_NETWORKS.contains(&network)).then_some(network)
    }
}
