//! What networkd says of a link, in its own words: `networkctl status`, systemd.network(5), networkctl(1).

use super::parse::{bad, one_of};
use super::read::Bad;

/// The operational states, from the least to the most.
pub(super) const OPERATIONAL: [&str; 9] = [
    "missing",
    "off",
    "no-carrier",
    "dormant",
    "degraded-carrier",
    "carrier",
    "degraded",
    "enslaved",
    "routable",
];

fn word(text: &str, key: &str, words: &[&'static str]) -> Result<String, Bad> {
    let words: Vec<_> = words.iter().map(|&word| (word, word)).collect();
    one_of(text, key, &words).map(str::to_owned)
}

/// The SETUP column of `networkctl list`.
pub(super) fn setup(text: &str) -> Result<String, Bad> {
    let states = [
        "pending",
        "initialized",
        "configuring",
        "configured",
        "unmanaged",
        "failed",
        "linger",
    ];
    word(text, "setup", &states)
}

/// The OPERATIONAL column of `networkctl list`.
pub(super) fn operational(text: &str) -> Result<String, Bad> {
    word(text, "operational", &OPERATIONAL)
}

/// The online state.
pub(super) fn online(text: &str) -> Result<String, Bad> {
    word(text, "online", &["online", "partial", "offline"])
}

/// What `RequiredForOnline=` takes: a boolean, an operational state, or two of them with a colon between.
pub(super) fn required_for_online(text: &str) -> Result<String, Bad> {
    let mut parts = text.split(':');
    let two_states = parts.clone().count() == 2;
    if text == "yes" || text == "no" || two_states && parts.all(|part| OPERATIONAL.contains(&part))
    {
        return Ok(text.to_owned());
    }
    word(text, "required_for_online", &OPERATIONAL).map_err(|fault| match text {
        "true" => fault.help("`\"yes\"`"),
        "false" => fault.help("`\"no\"`"),
        _ => fault,
    })
}

/// A search domain.
pub(super) fn domain(text: &str) -> Result<String, Bad> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(bad(
        format!("{text:?} is not a search domain"),
        "one domain name",
    ))
}

/// The name of a `.network` file, without its folder.
pub(super) fn file(text: &str) -> Result<String, Bad> {
    let stem = text.strip_suffix(".network").unwrap_or_default();
    if !stem.is_empty() && !stem.contains('/') {
        return Ok(text.to_owned());
    }
    let fault = bad(
        format!("{text:?} is not the name of a .network file"),
        "a name that ends in `.network`, without its folder",
    );
    Err(fault.help("for example `10-lan.network`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_for_online_is_what_the_unit_file_takes() {
        for good in ["yes", "no", "routable", "degraded-carrier:routable"] {
            assert_eq!(required_for_online(good).unwrap(), good);
        }
        for bad in ["", "maybe", "routable:", "a:b", "off:carrier:routable"] {
            assert!(required_for_online(bad).is_err(), "{bad}");
        }
        let help = required_for_online("true").unwrap_err().help;
        assert_eq!(help.as_deref(), Some("`\"yes\"`"));
    }

    #[test]
    fn a_network_file_goes_by_its_name() {
        assert!(file("10-lan.network").is_ok());
        for bad in [
            "/etc/systemd/network/10-lan.network",
            ".network",
            "br0.netdev",
        ] {
            assert!(file(bad).is_err(), "{bad}");
        }
    }
}
