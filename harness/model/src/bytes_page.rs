//! Known bytes, so many of them: the page `/bytes/N` of the lab's web servers, and what a check sends there.

use std::sync::LazyLock;

/// Most bytes of either.
pub const MOST_BYTES: u32 = 100_000_000;
/// What the page is made of. Its length is no power of two, so that no lost block goes unseen.
static PATTERN: [u8; 65_521] = pattern();

/// What is sent to it, again and again, each with a line's end: what `yes LINE` prints. No segment of TCP holds a whole number
/// of them, so that none takes another's place unseen.
pub const LINE: &str = "what leaves one end of the lab arrives at the other as it was";
static LINES: LazyLock<Vec<u8>> = LazyLock::new(|| format!("{LINE}\n").repeat(1000).into_bytes());
/// After how many bytes they are the same again.
const PERIOD: usize = LINE.len() + 1;

const fn pattern() -> [u8; 65_521] {
    let mut pattern = [0; 65_521];
    let mut at = 0;
    while at < pattern.len() {
        pattern[at] = (at % 251) as u8;
        at += 1;
    }
    pattern
}

/// The page of so many bytes, in parts.
pub fn page(bytes: u32) -> impl Iterator<Item = &'static [u8]> {
    parts(&PATTERN, bytes)
}

/// So many bytes of [`LINE`]s, in parts: `yes LINE | head -c BYTES`.
pub fn lines(bytes: u32) -> impl Iterator<Item = &'static [u8]> {
    parts(&LINES, bytes)
}

fn parts(whole: &'static [u8], bytes: u32) -> impl Iterator<Item = &'static [u8]> {
    let mut left = bytes as usize;
    std::iter::from_fn(move || {
        let part = &whole[..left.min(whole.len())];
        left -= part.len();
        (!part.is_empty()).then_some(part)
    })
}

/// Where the first byte is that is not as in [`lines`], counted from their beginning; `part` begins `from` bytes after it.
pub fn first_other(part: &[u8], mut from: u64) -> Option<u64> {
    for piece in part.chunks(LINES.len() - PERIOD) {
        let at = (from % PERIOD as u64) as usize;
        let sent = &LINES[at..at + piece.len()];
        if piece != sent {
            let same = piece.iter().zip(sent).take_while(|(one, two)| one == two);
            return Some(from + same.count() as u64);
        }
        from += piece.len() as u64;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_usual_segment_holds_whole_lines() {
        // Of 1500 bytes with and without time stamps, of IPv6, of 9000, of a TUN's 1420, and the least of all (RFC 9293).
        for segment in [1460, 1448, 1440, 1428, 8948, 1368, 536] {
            assert_ne!(segment % PERIOD, 0, "{segment}");
        }
    }

    #[test]
    fn the_first_byte_that_is_another_is_found_wherever_a_part_begins() {
        let whole: Vec<u8> = lines(200_000).flatten().copied().collect();
        assert_eq!(whole.len(), 200_000);
        assert!(whole.starts_with(format!("{LINE}\n{LINE}").as_bytes()));
        for from in [0, 1, 61, 62, 63, 70_000, 199_999] {
            assert_eq!(first_other(&whole[from..], from as u64), None, "{from}");
        }
        let mut harmed = whole.clone();
        harmed[150_000] ^= 1;
        for from in [0, 1000, 150_000] {
            let found = first_other(&harmed[from..], from as u64);
            assert_eq!(found, Some(150_000), "{from}");
        }
        // One segment is gone, and the next is in its place.
        assert_eq!(first_other(&whole[2896..], 1448), Some(1448));
        assert_eq!(first_other(&[], 7), None);
    }
}
