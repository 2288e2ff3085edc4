//! What a guest without networkd is given instead of unit files, and its host key for dropbear.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::identity::{Identity, KeyPair};
use super::{GuestError, contents};
use crate::image::seed::Seed;
use crate::plan::sysctl::accept_ra;
use crate::scenario::provides::Provides;
use crate::scenario::{Guest, UnitFile};

/// The file that the tiny guest's init applies before it announces itself.
const NETWORK: &str = "/etc/bridgelab/network";
/// The host key where the tiny guest's SSH server looks for it.
const HOST_KEY: &str = "/etc/dropbear/host_key";

/// The seed of a guest: its identity, and its network as its image takes it.
///
/// # Errors
/// [`GuestError::Identity`] when the host key cannot be written in the server's format.
pub fn seed(identity: &Identity, guest: &Guest) -> Result<Seed, GuestError> {
    let provides = Provides::of(&guest.image);
    let mut seed = self::identity(identity, provides, &guest.units)?;
    contents::add(&mut seed, guest);
    if !provides.networkd {
        seed.file(NETWORK, 0o644, network(guest));
    }
    Ok(seed)
}

/// The part of [`seed`] that a template has too: identity, host key and unit files, without a scenario's contents and
/// network.
///
/// # Errors
/// As [`seed`].
pub fn identity(
    identity: &Identity,
    image: &Provides,
    units: &[UnitFile],
) -> Result<Seed, GuestError> {
    let mut seed = identity.seed(units);
    if !image.networkd {
        let key = dropbear_key(&identity.host_key).ok_or_else(|| GuestError::Identity {
            guest: identity.hostname.clone(),
            why: "ssh-keygen wrote an ed25519 key in another format than OpenSSH's".to_owned(),
        })?;
        seed.file(HOST_KEY, 0o600, key);
    }
    Ok(seed)
}

/// `/etc/bridgelab/network`: a line for each thing, which `images/tiny/rootfs/init` documents and applies. Links go by
/// MAC address, for the scenario does not know what the guest's kernel calls them.
fn network(guest: &Guest) -> String {
    let mut text = String::new();
    let mut line = |args: std::fmt::Arguments<'_>| {
        // Writing to a String never fails.
        let _ = writeln!(text, "{args}");
    };
    for interface in &guest.interfaces {
        let accept = u8::from(interface.accept_ra).to_string();
        let accept = accept_ra(guest, interface).unwrap_or(&accept);
        line(format_args!("link {} accept_ra {accept}", interface.mac));
        for address in &interface.addresses {
            line(format_args!("address {address}"));
        }
    }
    for route in &guest.routes {
        line(format_args!("route {route}"));
    }
    for server in &guest.dns {
        line(format_args!("dns {server}"));
    }
    text
}

/// An ed25519 key pair as dropbear keeps it: the key's name, then private and public half in one string (`buf_put_
/// ed25519_priv_key` in dropbear's ed25519.c). `None` when the pair is not an unencrypted ed25519 key.
fn dropbear_key(pair: &KeyPair) -> Option<Vec<u8>> {
    // PROTOCOL.key of OpenSSH: magic, cipher, KDF, its options, the number of keys, the public key; then the private
    // section: two equal check numbers, the key's name, its public half, and private and public half together.
    let lines = pair.private().lines();
    let base64: String = lines.filter(|line| !line.starts_with('-')).collect();
    let bytes = STANDARD.decode(base64).ok()?;
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    if string(&mut rest)? != b"none" {
        return None;
    }
    string(&mut rest)?;
    string(&mut rest)?;
    rest = rest.strip_prefix(&1_u32.to_be_bytes())?;
    string(&mut rest)?;
    let mut private = string(&mut rest)?.get(8..)?;
    let name = string(&mut private)?;
    string(&mut private)?;
    let both = string(&mut private)?;
    if name != b"ssh-ed25519" || both.len() != 64 {
        return None;
    }
    let mut key = Vec::new();
    for part in [name, both] {
        key.extend((part.len() as u32).to_be_bytes());
        key.extend(part);
    }
    Some(key)
}

/// Takes a string of the SSH protocol (RFC 4251 section 5): its length in four bytes, and the bytes.
fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (string, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::any::guest_on_a_tap;
    use crate::scenario::Route;

    fn guest() -> Guest {
        let mut guest = guest_on_a_tap();
        guest.image = "tiny".to_owned();
        let nic = &mut guest.interfaces[0];
        nic.addresses = vec![
            "192.168.1.3/24".parse().expect("an address"),
            "2001:db8::b/64".parse().expect("an address"),
        ];
        nic.accept_ra = false;
        guest.routes = vec![Route::via(
            "0.0.0.0/0".parse().expect("a prefix"),
            "192.168.1.1".parse().expect("an address"),
        )];
        guest.dns = vec!["192.168.1.1".parse().expect("an address")];
        guest
    }

    #[test]
    fn everything_that_the_scenario_says_is_a_line() {
        let lines = [
            "link 02:00:00:00:00:01 accept_ra 0",
            "address 192.168.1.3/24",
            "address 2001:db8::b/64",
            "route 0.0.0.0/0 via 192.168.1.1",
            "dns 192.168.1.1",
        ];
        assert_eq!(network(&guest()).lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn the_key_in_dropbear_s_format_ends_with_the_public_one() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let pair = KeyPair::generate("test1", &folder.path().join("key")).expect("a key");
        let key = dropbear_key(&pair).expect("an ed25519 key");
        let public = STANDARD.decode(pair.public_blob()).expect("base64");
        // Both begin with the name; the public blob's last 32 bytes are the public half.
        assert_eq!(key[..15], public[..15]);
        assert_eq!(key[15..19], 64_u32.to_be_bytes());
        assert_eq!(key[51..], public[19..]);
        assert_eq!(key.len(), 83);
    }

    #[test]
    fn only_a_guest_without_networkd_gets_the_plain_files() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let login = KeyPair::generate("login", &folder.path().join("login")).expect("a key");
        let identity = Identity::generate("test1", folder.path(), &login).expect("an identity");
        let has = |guest: &Guest, path: &str| {
            let archive = seed(&identity, guest).expect("a seed").to_cpio();
            let name = format!("bridgelab-seed{path}\0");
            archive.windows(name.len()).any(|w| w == name.as_bytes())
        };
        let mut guest = guest();
        assert!(has(&guest, NETWORK) && has(&guest, HOST_KEY));
        guest.image = "debian".to_owned();
        assert!(!has(&guest, NETWORK) && !has(&guest, HOST_KEY));
        assert!(has(&guest, "/etc/hostname"));
    }
}
