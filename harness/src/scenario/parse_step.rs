//! What single strings mean in steps: delays, frames, daemons.

use std::time::Duration;

use super::parse::{bad, duration, one_of};
use super::read::Bad;
use super::step::Daemon;

/// What netem delays a frame by.
pub(super) fn delay(text: &str) -> Result<Duration, Bad> {
    let delay = duration(text)?;
    if delay < Duration::from_millis(1) || delay > Duration::from_secs(60) {
        let message = format!("`{text}` is not a delay of a link");
        return Err(bad(message, "must be between `1ms` and `1m`"));
    }
    Ok(delay)
}

/// A frame in hexadecimal digits, with blanks or colons where one likes.
pub(super) fn frame(text: &str) -> Result<Vec<u8>, Bad> {
    let fault = |label: String| {
        let fault = bad("`hex` is not an Ethernet frame", label);
        fault.help("from the destination address on, without the checksum: `ffffffffffff 020000000001 0806 ...`")
    };
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| !b.is_ascii_whitespace() && *b != b':')
        .collect();
    let digit = |b: u8| char::from(b).to_digit(16);
    if let Some(other) = digits.iter().find(|b| digit(**b).is_none()) {
        let label = format!("`{}` is not a hexadecimal digit", char::from(*other));
        return Err(fault(label));
    }
    let bytes: Vec<u8> = digits
        .chunks(2)
        .filter_map(|pair| Some((digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?) as u8))
        .collect();
    // Its header alone is 14 bytes; what a jumbo frame holds is the most that anybody sends.
    if digits.len() % 2 == 1 || !(14..=9018).contains(&bytes.len()) {
        return Err(fault(format!(
            "{} digits, must be pairs, for 14 to 9018 bytes",
            digits.len()
        )));
    }
    Ok(bytes)
}

/// A daemon that steps start and stop.
pub(super) fn daemon(text: &str) -> Result<Daemon, Bad> {
    let daemons = [
        Daemon::Networkd,
        Daemon::Dnsmasq,
        Daemon::Http,
        Daemon::Resolved,
        Daemon::Docker,
    ];
    one_of(
        text,
        "daemon",
        &daemons.map(|daemon| (daemon.name(), daemon)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_pairs_of_digits() {
        let header = "ffffffffffff 02:00:00:00:00:01 0806";
        assert_eq!(
            frame(header).unwrap(),
            [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6]
        );
        for bad in ["", "ff", &format!("{header} 0"), &format!("{header} zz")] {
            assert!(frame(bad).is_err(), "{bad}");
        }
        assert!(delay("100ms").is_ok());
        assert!(delay("1us").is_err() && delay("2m").is_err());
    }
}
