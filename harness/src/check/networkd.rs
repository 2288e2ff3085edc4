//! networkd's own view: the state files behind `networkctl list` (`/run/systemd/netif/links/IFINDEX`).

use super::Verdict;

/// Judges a link's state file.
pub fn judge(
    interface: &str,
    setup: Option<&str>,
    operational: Option<&str>,
    file: &str,
) -> Verdict {
    let value = |key: &str| {
        file.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .unwrap_or("unknown")
    };
    let (is_setup, is_operational) = (value("ADMIN_STATE"), value("OPER_STATE"));
    let got = format!("{interface} is {is_operational} ({is_setup})");
    let right = setup.is_none_or(|wanted| wanted == is_setup)
        && operational.is_none_or(|wanted| wanted == is_operational);
    if right {
        Verdict::holds(got)
    } else {
        Verdict::violated(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_columns_count_when_they_matter() {
        let file =
            "# This is private data. Do not parse.\nADMIN_STATE=configuring\nOPER_STATE=routable\n";
        assert!(judge("br0", None, Some("routable"), file).holds);
        let verdict = judge("br0", Some("configured"), Some("routable"), file);
        assert_eq!(verdict, Verdict::violated("br0 is routable (configuring)"));
        assert_eq!(
            judge("br0", Some("configured"), None, "").got,
            "br0 is unknown (unknown)"
        );
    }
}
