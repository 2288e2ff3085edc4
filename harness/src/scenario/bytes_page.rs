//! The page `/bytes/N` of the lab's web servers: what a server sends and a check expects.

/// Most bytes of such a page.
pub const MOST_BYTES: u32 = 100_000_000;
/// What it is made of. Its length is no power of two, so that no lost block goes unseen.
static PATTERN: [u8; 65_521] = pattern();

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
    let mut left = bytes as usize;
    std::iter::from_fn(move || {
        let part = &PATTERN[..left.min(PATTERN.len())];
        left -= part.len();
        (!part.is_empty()).then_some(part)
    })
}
