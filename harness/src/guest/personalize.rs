//! Personalization: what a guest that starts from a template is sent, and the proof that it has taken that on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::identity::Identity;
use super::personalization_error::PersonalizationError;
use crate::image::seed::Seed;
use crate::scenario::provides::Provides;

/// Tolerance for the guest's clock, which the guest tells in whole seconds.
const SECOND: Duration = Duration::from_secs(1);

/// What a guest that starts from a template is sent.
#[derive(Debug)]
pub struct Personalization {
    identity: Identity,
    seed: Seed,
    boot_id: String,
    entropy: Vec<u8>,
    image: &'static Provides,
    /// The last four bytes of the MAC address of `docker0`. They are random, as those are that Docker itself chooses.
    docker0: [u8; 4],
    state: File,
}

impl Personalization {
    /// A personalization by `identity`, with its `seed`, from the template of `image` whose devices' state is in `state`,
    /// with random bytes and a boot id from this machine's kernel.
    ///
    /// # Errors
    /// When `/dev/urandom` or `/proc/sys/kernel/random/uuid` cannot be read.
    pub fn new(
        identity: &Identity,
        seed: Seed,
        image: &'static Provides,
        state: File,
    ) -> io::Result<Self> {
        let mut entropy = vec![0; 64];
        let mut docker0 = [0; 4];
        let mut random = File::open("/dev/urandom")?;
        random.read_exact(&mut entropy)?;
        random.read_exact(&mut docker0)?;
        Ok(Self {
            identity: identity.clone(),
            seed,
            boot_id: std::fs::read_to_string("/proc/sys/kernel/random/uuid")?
                .trim()
                .to_owned(),
            entropy,
            image,
            docker0,
            state,
        })
    }

    /// The devices' state.
    pub(super) fn state(&self) -> &File {
        &self.state
    }

    /// The cpio archive for the guest: its seed, and what a first boot would make by itself (clock, random bytes, boot
    /// id).
    pub(super) fn archive(&self, now: SystemTime) -> Vec<u8> {
        let clock = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut seed = self.seed.clone();
        if self.image.docker {
            add(&mut seed, "docker0", format!("{}\n", self.docker0()));
        }
        add(&mut seed, "clock", format!("{:.3}\n", clock.as_secs_f64()));
        add(&mut seed, "entropy", self.entropy.clone());
        add(&mut seed, "boot_id", format!("{}\n", self.boot_id));
        seed.to_cpio()
    }

    /// The MAC address of Docker's bridge.
    fn docker0(&self) -> String {
        let [a, b, c, d] = self.docker0;
        format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
    }

    /// Checks that what the guest says of itself is what it was sent, and nothing of the template's.
    ///
    /// Its clock must lie between `sent`, to which the guest set it, and `now`, when its answer was read.
    ///
    /// # Errors
    /// The first thing that is not so.
    pub(super) fn prove(
        &self,
        said: &str,
        sent: SystemTime,
        now: SystemTime,
    ) -> Result<(), PersonalizationError> {
        let said: BTreeMap<&str, &str> = facts(said).collect();
        let is = |key: &str| said.get(key).copied().unwrap_or_default();
        // Only networkd keeps leases.
        let leases = self.image.networkd.then_some(("leases", "0"));
        let always = [
            ("machine_id", self.identity.machine_id.as_str()),
            ("hostname", &self.identity.hostname),
            ("boot_id", &self.boot_id),
            ("neighbours", "0"),
        ];
        let docker0 = self.docker0();
        // Only OpenSSH's host key is told here. A tiny guest's dropbear has the same key, and every SSH session checks
        // it.
        let host_key = self.identity.host_key.public_blob();
        let host_key = self.image.networkd.then_some(("host_key", host_key));
        let docker0 = self.image.docker.then_some(("docker0", docker0.as_str()));
        let others = leases.into_iter().chain(host_key).chain(docker0);
        for (key, wanted) in always.into_iter().chain(others) {
            if is(key) != wanted {
                return Err(PersonalizationError::Other {
                    key,
                    is: is(key).to_owned(),
                    wanted: wanted.to_owned(),
                });
            }
        }
        if !is_uuid(is("random")) {
            return Err(PersonalizationError::Random {
                is: is("random").to_owned(),
            });
        }
        let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let clock = is("clock").parse::<u64>().map(Duration::from_secs);
        let clock = clock.map_err(|source| PersonalizationError::NoClock {
            is: is("clock").to_owned(),
            source,
        })?;
        let (earliest, latest) = (since(sent).saturating_sub(SECOND), since(now) + SECOND);
        if clock < earliest || clock > latest {
            let off = clock.abs_diff(since(now));
            return Err(PersonalizationError::Clock { off });
        }
        Ok(())
    }
}

/// What a guest says of itself, `KEY=VALUE` words.
pub(super) fn facts(said: &str) -> impl Iterator<Item = (&str, &str)> {
    said.split_whitespace()
        .filter_map(|word| word.split_once('='))
}

/// Whether this is a UUID, as /proc/sys/kernel/random/uuid draws one at each look: 122 random bits.
fn is_uuid(text: &str) -> bool {
    let parts = text.split('-').map(str::len);
    let hex = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    parts.eq([8, 4, 4, 4, 12]) && text.bytes().all(hex)
}

fn add(seed: &mut Seed, name: &str, bytes: impl Into<Vec<u8>>) {
    seed.file(&format!("/run/bridgelab/{name}"), 0o400, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::identity::KeyPair;

    fn personalization(image: &str) -> Personalization {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let login = KeyPair::generate("login", &folder.path().join("login")).expect("a key");
        let identity = Identity::generate("test1", folder.path(), &login).expect("an identity");
        let state = tempfile::tempfile().expect("a temporary file");
        Personalization::new(&identity, identity.seed(&[]), Provides::of(image), state)
            .expect("the kernel has random numbers")
    }

    #[test]
    fn the_proof_wants_every_identity_and_the_time() {
        let personalization = personalization("debian");
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let machine_id = personalization.identity.machine_id.clone();
        let (docker0, host_key) = (
            personalization.docker0(),
            personalization.identity.host_key.public_blob(),
        );
        let good = format!(
            "boot_id={} clock=1800000001 docker0={docker0} host_key={host_key} hostname=test1 leases=0 \
             machine_id={machine_id} neighbours=0 random=00112233-4455-4677-8899-aabbccddeeff",
            personalization.boot_id
        );
        let proven = personalization.prove(&good, now - SECOND, now);
        proven.expect("it says what it was sent");
        for (right, wrong, word) in [
            ("hostname=test1", "hostname=template", "template"),
            ("clock=1800000001", "clock=1799999997", "off"),
            ("clock=1800000001", "clock=1800000003", "off"),
            ("clock=1800000001", "clock=", "clock"),
            ("neighbours=0", "neighbours=2", "neighbours"),
            ("leases=0", "leases=1", "leases"),
            ("leases=0", "", "leases"),
            ("random=0011", "random=", "random"),
            ("random=0011", "random=zz11", "random"),
            (docker0.as_str(), "02:42:00:00:00:00", "docker0"),
            (host_key, "AAAA", "host_key"),
            (machine_id.as_str(), "0123456789", "machine_id"),
            (personalization.boot_id.as_str(), "", "boot_id"),
        ] {
            let bad = good.replace(right, wrong);
            let why = personalization
                .prove(&bad, now - SECOND, now)
                .expect_err("not proven")
                .to_string();
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn only_a_guest_with_networkd_is_asked_for_leases() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        for (image, proven) in [("debian", false), ("tiny", true)] {
            let personalization = personalization(image);
            let said = format!(
                "boot_id={0} clock=1800000000 hostname=test1 machine_id={1} neighbours=0 random={0}",
                personalization.boot_id, personalization.identity.machine_id
            );
            assert_eq!(
                personalization.prove(&said, now, now).is_ok(),
                proven,
                "{image}"
            );
        }
    }

    #[test]
    fn two_takeovers_share_no_randomness() {
        let (one, other) = (personalization("tiny"), personalization("tiny"));
        assert_ne!(one.entropy, other.entropy);
        assert_ne!(one.boot_id, other.boot_id);
        assert_ne!(one.identity.machine_id, other.identity.machine_id);
    }
}
