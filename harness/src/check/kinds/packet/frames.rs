//! Frames of a capture, and what tcpdump says of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An enhanced packet block (draft-ietf-opsawg-pcapng, 4.3).
const ENHANCED_PACKET: u32 = 6;

/// The part of a pcapng file that consists of whole blocks, without the frames from before `since`.
///
/// The lab's own capture wrote the file: one section, one interface with times in nanoseconds, in this machine's byte order.
pub(super) fn cut(file: &[u8], since: SystemTime) -> Vec<u8> {
    let since = since.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let mut rest = file;
    let mut part = Vec::with_capacity(file.len());
    while let (Some(kind), Some(length)) = (word(rest, 0), word(rest, 4)) {
        let length = length as usize;
        let Some(block) = rest.get(..length) else {
            break;
        };
        if length < 12 {
            break;
        }
        let early = kind == ENHANCED_PACKET && time(block).is_some_and(|time| time < since);
        if !early {
            part.extend_from_slice(block);
        }
        rest = &rest[length..];
    }
    part
}

/// Time stamp of an enhanced packet block.
fn time(block: &[u8]) -> Option<Duration> {
    let (high, low) = (word(block, 12)?, word(block, 16)?);
    Some(Duration::from_nanos(u64::from(high) << 32 | u64::from(low)))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// The count that `tcpdump --count` printed: `1 packet`, `12 packets`.
pub(super) fn counted(stdout: &str) -> Option<u64> {
    let line = stdout.lines().find(|line| line.contains(" packet"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// How many frames have these words in what `tcpdump -vv` printed about them. The first line of each is not indented.
pub(super) fn saying(stdout: &str, words: &str) -> u64 {
    let mut frames = 0;
    let mut said = true;
    for line in stdout.lines() {
        if !line.starts_with(char::is_whitespace) {
            said = false;
        }
        if !said && line.contains(words) {
            said = true;
            frames += 1;
        }
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(kind: u32, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32 + 12).to_ne_bytes();
        [&kind.to_ne_bytes(), &length[..], body, &length[..]].concat()
    }

    fn frame(seconds: u64) -> Vec<u8> {
        let nanos = seconds * 1_000_000_000;
        let (high, low) = ((nanos >> 32) as u32, nanos as u32);
        let words = [0, high, low, 4, 4, 0xAABB_CCDD_u32];
        block(ENHANCED_PACKET, &words.map(u32::to_ne_bytes).concat())
    }

    #[test]
    fn only_whole_blocks_and_late_frames_are_kept() {
        let header = [block(0x0A0D_0D0A, &[0; 16]), block(1, &[0; 8])].concat();
        let (early, late) = (frame(1_000), frame(2_000));
        let file = [&header[..], &early, &late].concat();
        assert_eq!(cut(&file, UNIX_EPOCH), file);
        let since = UNIX_EPOCH + Duration::from_secs(1_500);
        assert_eq!(cut(&file, since), [&header[..], &late].concat());
        // Leave out a frame that is still being written.
        for missing in 1..late.len() {
            let part = &file[..file.len() - missing];
            assert_eq!(cut(part, UNIX_EPOCH), [&header[..], &early].concat());
        }
        // Stop at bytes that are no block.
        assert_eq!(cut(&[&header[..], &[0; 64]].concat(), UNIX_EPOCH), header);
    }

    /// Descriptions by tcpdump 4.99, with and without a checksum that the sender left to its NIC.
    const DESCRIBED: &str = "\
12:00:00.000001 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto UDP (17), length 63)
    192.168.1.3.40000 > 192.168.1.1.53: [udp sum ok] 2+ A? www.internet.test. (35)
12:00:00.000002 IP (tos 0x0, ttl 64, id 2, offset 0, flags [DF], proto UDP (17), length 79)
    192.168.1.1.53 > 192.168.1.3.40000: [bad udp cksum 0x838f -> 0x1234!] 2* q: A? www.internet.test. 1/0/0 www.internet.test. A 203.0.113.80 (51)
12:00:00.000003 ARP, Ethernet (len 6), IPv4 (len 4), Request who-has 192.168.1.3 tell 192.168.1.1, length 28
";

    #[test]
    fn a_frame_is_counted_once_whatever_of_it_has_the_words() {
        assert_eq!(saying(DESCRIBED, "bad udp cksum"), 1);
        assert_eq!(saying(DESCRIBED, "udp sum ok"), 1);
        assert_eq!(saying(DESCRIBED, "192.168.1.3"), 3);
        assert_eq!(saying(DESCRIBED, "icmp"), 0);
        assert_eq!(saying("", "x"), 0);
    }

    #[test]
    fn tcpdump_s_count_is_read() {
        assert_eq!(counted("0 packets\n"), Some(0));
        assert_eq!(counted("1 packet\n"), Some(1));
        assert_eq!(counted("12 packets\n"), Some(12));
        assert_eq!(counted(""), None);
    }
}
