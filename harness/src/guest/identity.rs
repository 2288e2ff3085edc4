//! What makes a guest this guest and no other: machine-id, host name, SSH host key, and the key that may log in.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::GuestError;
use crate::image::seed::Seed;
use crate::scenario::UnitFile;

/// An SSH key pair in OpenSSH's format. The private half is never shown by `Debug`.
#[derive(Clone)]
pub struct KeyPair {
    private: String,
    public: String,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl KeyPair {
    /// `ssh-keygen -t ed25519 -N '' -f FILE` in a private folder.
    ///
    /// # Errors
    /// [`GuestError::Identity`] with what ssh-keygen said.
    pub fn generate(guest: &str, file: &Path) -> Result<Self, GuestError> {
        let failed = |why: String| GuestError::Identity {
            guest: guest.to_owned(),
            why,
        };
        let output = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", guest, "-f"])
            .arg(file)
            .output()
            .map_err(|e| failed(format!("ssh-keygen: {e}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(format!("ssh-keygen: {}", said.trim())));
        }
        let read = |path: PathBuf| {
            std::fs::read_to_string(&path).map_err(|e| failed(format!("{}: {e}", path.display())))
        };
        Ok(Self {
            private: read(file.to_owned())?,
            public: read(file.with_extension("pub"))?.trim().to_owned(),
        })
    }

    /// The private key, for libssh2.
    pub(crate) fn private(&self) -> &str {
        &self.private
    }

    /// The line for `authorized_keys`.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The public key as on the wire, in base64: the second word of its line.
    pub fn public_blob(&self) -> &str {
        self.public.split_whitespace().nth(1).unwrap_or_default()
    }
}

/// A guest's identity for one run.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Host name; the guest's name in the scenario.
    pub hostname: String,
    /// machine-id(5).
    pub machine_id: String,
    /// The guest's SSH host key.
    pub host_key: KeyPair,
    /// The key that may log in as root.
    pub login: KeyPair,
}

impl Identity {
    /// A new identity for `guest`; host keys are made in `folder`, which must be private.
    ///
    /// # Errors
    /// [`GuestError::Identity`].
    pub fn generate(guest: &str, folder: &Path, login: &KeyPair) -> Result<Self, GuestError> {
        let host_key = KeyPair::generate(guest, &folder.join("ssh_host_ed25519_key"))?;
        // As unique as the key is random, and 128 bits long as machine-id(5) wants it.
        let hash = Sha256::digest(host_key.public.as_bytes());
        let machine_id = hash
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self {
            hostname: guest.to_owned(),
            machine_id,
            host_key,
            login: login.clone(),
        })
    }

    /// Replaces the machine-id(5), for example by that of the guest which this one is a clone of. `None` leaves it as
    /// it is.
    #[must_use]
    pub fn with_machine_id(mut self, id: Option<&str>) -> Self {
        if let Some(id) = id {
            self.machine_id = id.to_owned();
        }
        self
    }

    /// The seed that gives a guest this identity and these unit files.
    pub fn seed(&self, units: &[UnitFile]) -> Seed {
        let mut seed = Seed::default();
        let line = |text: &str| format!("{text}\n");
        seed.file("/etc/hostname", 0o644, line(&self.hostname))
            .file("/etc/machine-id", 0o444, line(&self.machine_id))
            .file(
                "/etc/hosts",
                0o644,
                format!(
                    "127.0.0.1 localhost\n127.0.1.1 {}\n::1 localhost\n",
                    self.hostname
                ),
            )
            .file(
                "/etc/ssh/ssh_host_ed25519_key",
                0o600,
                self.host_key.private(),
            )
            .file(
                "/etc/ssh/ssh_host_ed25519_key.pub",
                0o644,
                line(self.host_key.public()),
            )
            .file(
                "/root/.ssh/authorized_keys",
                0o600,
                line(self.login.public()),
            );
        for unit in units {
            seed.file(
                &format!("/etc/systemd/{}", unit.below_systemd()),
                0o644,
                unit.bytes.to_vec(),
            );
        }
        seed
    }
}
