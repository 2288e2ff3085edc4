//! A scenario's file without its variants, each line at its place.
//!
//! A mutant of the green form must not be refused for what it does to a variant, and what is said of a line must name the line of the
//! user's own file. So the lines of variants become empty ones.

use toml::Table;

/// The text with empty lines in the place of `[variants...]`. Where variants are written otherwise, the text as it is.
pub fn green_only(text: &str) -> String {
    let mut of_variant = false;
    let lines = text.split_inclusive('\n').map(|line| {
        let header = line.trim_start().strip_prefix('[');
        if let Some(header) = header.filter(|header| is_header(header)) {
            let name = header.trim_start_matches('[').trim_start();
            let name = name.trim_start_matches(['"', '\'']);
            of_variant = name
                .strip_prefix("variants")
                .is_some_and(|rest| rest.starts_with(['.', ']', '"', '\'', ' ']));
        }
        match of_variant {
            true if line.ends_with('\n') => "\n",
            true => "",
            false => line,
        }
    });
    let green: String = lines.collect();
    match (text.parse::<Table>(), green.parse::<Table>()) {
        (Ok(mut whole), Ok(left)) => {
            whole.remove("variants");
            if whole == left {
                green
            } else {
                text.to_owned()
            }
        }
        _ => text.to_owned(),
    }
}

/// Whether what follows `[` at a line's beginning is a header, and not an array's next line.
fn is_header(rest: &str) -> bool {
    let code = rest.split('#').next().unwrap_or_default().trim_end();
    code.ends_with(']') && !code.contains(',') && !code.contains('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_become_empty_lines() {
        let text = "version = 1\n[variants.a]\nmust_fail = [\n\"x\"]\n[[variants.a.checks]]\nid = \"x\"\n[guests.b]\nmem = 1\n";
        assert_eq!(
            green_only(text),
            "version = 1\n\n\n\n\n\n[guests.b]\nmem = 1\n"
        );
    }

    #[test]
    fn what_is_written_otherwise_stays() {
        for text in [
            "variants.a.summary = \"x\"\n",
            "x = \"\"\"\n[variants.a]\n\"\"\"\n",
            "no toml [",
        ] {
            assert_eq!(green_only(text), text);
        }
    }
}
