//! Text of strangers, as it may be shown: a guest's words, a command's output, an HTTP body or a file's name can hold what moves a
//! terminal's cursor, renames its window, answers in its user's stead, or turns the order of letters round
//! (ECMA-48; Unicode TR 36, "Trojan Source": CVE-2021-42574).

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every character that is no letter of it written as `\u{1b}`. Line feeds and tabs stay, and a carriage return before a
/// line feed goes. JSON needs none of this: reports keep the exact text.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            letter if is_hidden(letter) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => shown.push(letter),
        }
    }
    Cow::Owned(shown)
}

/// Control characters C0 and C1, what sets the direction of writing or has no width, and what XML cannot hold.
fn is_hidden(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => {
            true
        }
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' => true,
        '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        for (text, shown) in [
            (
                "plain, ünïcode 家\tand\nlines",
                "plain, ünïcode 家\tand\nlines",
            ),
            ("\u{1b}[2J\u{1b}]0;t\u{7}", "\\u{1b}[2J\\u{1b}]0;t\\u{7}"),
            (
                "C1: \u{9b}31m \u{90}q\u{9c}",
                "C1: \\u{9b}31m \\u{90}q\\u{9c}",
            ),
            (
                "over\rwritten\r\nline\u{8}\u{7f}\0",
                "over\\u{d}written\nline\\u{8}\\u{7f}\\u{0}",
            ),
            (
                "\u{202e}cod.exe\u{2066}x\u{2069}\u{200f}\u{61c}",
                "\\u{202e}cod.exe\\u{2066}x\\u{2069}\\u{200f}\\u{61c}",
            ),
            (
                "\u{feff}a\u{200b}b\u{e0041}\u{ffff}",
                "\\u{feff}a\\u{200b}b\\u{e0041}\\u{ffff}",
            ),
        ] {
            assert_eq!(visible(text), shown);
        }
    }
}
