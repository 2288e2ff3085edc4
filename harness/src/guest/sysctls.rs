//! Sysctls of a guest: a script in the guest sets them as if its NICs were made afterwards, and reports each of them.
//! Pure.
//!
//! In a namespace sysctls are set before there are NICs, so the NICs take over the values of `default`. A MicroVM has
//! its NICs before any program runs in it, so the script sets the values of `default` on each NIC as well. In both this
//! happens before networkd, or the image's init, configures a NIC, so sysctls that these set win in both.

use crate::image::seed::Seed;
use crate::plan::shell::quote;
use crate::plan::sysctl::{for_link, is_default, is_of_links, nic_of};
use crate::scenario::Guest;
use crate::scenario::provides::Provides;

/// The file that `systemd-sysctl` reads at boot, after those of the distribution. A guest from a template reads it when
/// it takes on its identity.
const EARLY: &str = "/etc/sysctl.d/90-bridgelab.conf";
/// The script that sets all sysctls, once, and reports in [`REPORT`] how that went.
const SCRIPT: &str = "/etc/bridgelab/sysctls";
/// The script's report, a line for each sysctl: `KEY = VALUE` as the kernel gives it back, or
/// `FAILED KEY = VALUE: why`.
const REPORT: &str = "/run/bridgelab-sysctls";
const UNIT: &str = "bridgelab-sysctls.service";

/// What the report's line begins with for a sysctl that could not be set.
const FAILED: &str = "FAILED ";

/// The unit that runs the script. It runs before networkd, and after udev, which renames NICs and gives each the
/// sysctls of the distribution.
const SERVICE: &str = "\
[Unit]
Description=Set the sysctls of the scenario
DefaultDependencies=no
After=systemd-sysctl.service systemd-udevd.service systemd-udev-trigger.service
Before=network-pre.target systemd-networkd.service
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-udevadm settle --timeout=60
ExecStart=/bin/busybox sh /etc/bridgelab/sysctls
";

/// The script's functions. The shell is busybox's, which every image has, and which tells the kernel's own words.
const FUNCTIONS: &str = r#"#!/bin/busybox sh
# Sets the sysctls of the scenario.
[ ! -e /run/bridgelab-sysctls ] || exit 0
exec >/run/bridgelab-sysctls 2>&1

# Sets $1, which is at $3 below /proc/sys, to $2.
put() {
	path=/proc/sys/$3
	if [ ! -e "$path" ]; then
		echo "FAILED $1 = $2: No such file or directory ($path)"
	elif said=$({ echo "$2" >"$path"; } 2>&1); then
		# Several values stand apart by tabs.
		# shellcheck disable=SC2046
		echo "$1 =" $(cat "$path")
	else
		echo "FAILED $1 = $2: ${said##*: }"
	fi
}

# The same for the NIC with the MAC address $4, whose name stands in $3 as NIC; a NIC takes over what there is a file for.
put_on_nic() {
	for link in /sys/class/net/*; do
		read -r address <"$link/address" || continue
		[ "$address" = "$4" ] || continue
		place=${3%%/NIC/*}/${link##*/}/${3##*/NIC/}
		[ -z "$5" ] || [ -e "/proc/sys/$place" ] || return
		put "$1" "$2" "$place"
		return
	done
	echo "FAILED $1 = $2: no NIC has the MAC address $4"
}

"#;

/// Adds the script, and what runs it at boot, to the guest's seed.
pub(super) fn add(seed: &mut Seed, guest: &Guest) {
    if guest.sysctls.is_empty() {
        return;
    }
    let general = guest.sysctls.iter().filter(|(key, _)| !is_of_links(key));
    let lines = general.map(|(key, value)| format!("{} = {value}\n", path(key)));
    let text: String = lines.collect();
    if !text.is_empty() {
        seed.file(EARLY, 0o644, text);
    }
    seed.file(SCRIPT, 0o755, script(guest));
    if by_service(guest) {
        let folder = "/etc/systemd/system";
        seed.file(&format!("{folder}/{UNIT}"), 0o644, SERVICE);
        let wanted = format!("{folder}/systemd-networkd.service.wants/{UNIT}");
        seed.link(&wanted, &format!("{folder}/{UNIT}"));
    }
}

/// Whether a service sets the sysctls before networkd. `false`: the image's init sets them, or the line of [`told`],
/// which is soon enough where no sysctl is about a link.
fn by_service(guest: &Guest) -> bool {
    Provides::of(&guest.image).networkd && at_boot(guest).is_some()
}

/// The first sysctl that must be set before a link is configured.
pub fn at_boot(guest: &Guest) -> Option<&str> {
    let mut keys = guest.sysctls.keys().map(String::as_str);
    keys.find(|key| is_of_links(key))
}

fn script(guest: &Guest) -> String {
    let mut text = FUNCTIONS.to_owned();
    for (key, value) in &guest.sysctls {
        let words = |key: &str| format!("{} {}", quote(key), quote(value));
        if let Some((_, nic)) = nic_of(key, guest) {
            let place = path(&for_link(key, "NIC"));
            let line = format!("put_on_nic {} {place} {} ''\n", words(key), nic.mac);
            text.push_str(&line);
            continue;
        }
        text.push_str(&format!("put {} {}\n", words(key), quote(&path(key))));
        let nics = guest.interfaces.iter().filter(|_| is_default(key));
        for nic in nics {
            let own = for_link(key, nic.id.as_str());
            if !guest.sysctls.contains_key(&own) {
                let place = path(&for_link(key, "NIC"));
                let line = format!("put_on_nic {} {place} {} taken\n", words(&own), nic.mac);
                text.push_str(&line);
            }
        }
    }
    text
}

/// A line for the guest's shell that waits until all sysctls are set, and prints the script's report. `None`: the
/// scenario sets none.
pub fn report_line(guest: &Guest) -> Option<String> {
    if guest.sysctls.is_empty() {
        return None;
    }
    let set = if by_service(guest) {
        // `systemctl start` returns when a service of type `oneshot` has ended.
        format!("systemctl start {UNIT}")
    } else if Provides::of(&guest.image).networkd {
        format!("systemctl start systemd-sysctl.service && busybox sh {SCRIPT}")
    } else {
        "true".to_owned()
    };
    Some(format!("{set} && cat {REPORT}"))
}

/// Sysctls of a guest could not be set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct NotSet {
    /// Which of them, and why.
    pub said: String,
}

/// Reads the script's report: what was set, a line each.
///
/// # Errors
/// [`NotSet`]
pub fn set(printed: &str) -> Result<Vec<String>, NotSet> {
    let failed: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.strip_prefix(FAILED))
        .collect();
    match failed.is_empty() {
        true => Ok(printed.lines().map(str::to_owned).collect()),
        false => Err(NotSet {
            said: failed.join("; "),
        }),
    }
}

/// A sysctl's path below `/proc/sys`. A scenario writes a dot within a name as a slash, as sysctl(8) takes it.
pub fn path(key: &str) -> String {
    let swapped = |c| match c {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    key.chars().map(swapped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::any::guest_on_a_tap;

    fn with(keys: &[(&str, &str)]) -> Guest {
        let mut guest = guest_on_a_tap();
        let keys = keys.iter();
        let keys = keys.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        guest.sysctls.extend(keys);
        guest
    }

    /// The script's own lines.
    fn lines(guest: &Guest) -> Vec<String> {
        let text = script(guest);
        let own = text.strip_prefix(FUNCTIONS).unwrap_or_default();
        own.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_nic_is_found_by_its_mac_address_and_takes_over_the_default() {
        let mut guest = with(&[("net.ipv6.conf.default.accept_dad", "0")]);
        let nic = &guest.interfaces[0];
        let (id, mac) = (nic.id.to_string(), nic.mac.to_string());
        assert_eq!(
            lines(&guest),
            [
                "put net.ipv6.conf.default.accept_dad 0 net/ipv6/conf/default/accept_dad"
                    .to_owned(),
                format!(
                    "put_on_nic net.ipv6.conf.{id}.accept_dad 0 net/ipv6/conf/NIC/accept_dad {mac} taken"
                ),
            ]
        );
        let own = format!("net.ipv6.conf.{id}.accept_dad");
        guest.sysctls.insert(own.clone(), "2".to_owned());
        assert_eq!(
            lines(&guest)[1..],
            [format!(
                "put_on_nic {own} 2 net/ipv6/conf/NIC/accept_dad {mac} ''"
            )]
        );
    }

    #[test]
    fn what_is_about_links_is_set_before_networkd() {
        let early = |keys: &[(&str, &str)]| {
            let mut seed = Seed::default();
            add(&mut seed, &with(keys));
            String::from_utf8_lossy(&seed.to_cpio()).contains(UNIT)
        };
        assert!(!early(&[("net.ipv4.ip_forward", "1")]));
        assert!(early(&[("net.ipv6.conf.all.forwarding", "1")]));
        assert!(early(&[("net.ipv6.conf.eth0.forwarding", "1")]));
        assert_eq!(report_line(&guest_on_a_tap()), None);
    }

    #[test]
    fn every_sysctl_that_failed_is_told() {
        let printed = "a = 1\nFAILED b = 2: Invalid argument\nFAILED c = 3: no NIC\n";
        let why = "b = 2: Invalid argument; c = 3: no NIC";
        let told = set(printed).expect_err("two failed");
        assert_eq!(told.to_string(), why);
        assert_eq!(set("a = 1\n"), Ok(vec!["a = 1".to_owned()]));
    }

    #[test]
    fn sysctls_are_written_as_paths() {
        assert_eq!(path("net.ipv4.ip_forward"), "net/ipv4/ip_forward");
        assert_eq!(
            path("net.ipv4.conf.eth0/10.rp_filter"),
            "net/ipv4/conf/eth0.10/rp_filter"
        );
    }
}
