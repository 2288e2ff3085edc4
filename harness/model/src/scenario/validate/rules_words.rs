//! Words of a ruleset that would make its tool read or run something else of the machine that the lab runs on.

use crate::scenario::RulesetTool;

/// What a ruleset may not say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) what: &'static str,
    pub(crate) help: &'static str,
}

/// The first such word.
pub(crate) fn refused(tool: RulesetTool, text: &str) -> Option<Refused> {
    match tool {
        RulesetTool::Nftables => included(text),
        RulesetTool::Iptables | RulesetTool::Ip6tables => loaded(text),
    }
}

/// `include "FILE"` of nft(8): read by nft with the rights of the lab, and quoted in its errors. The words are cut as
/// nft's scanner.l cuts them: a comment ends with its line, a string with the next `"`, and neither knows an escape.
fn included(text: &str) -> Option<Refused> {
    let mut line = 1;
    let mut word = String::new();
    let (mut comment, mut quoted) = (false, false);
    for c in text.chars().chain(['\n']) {
        let inside = !comment && !quoted && (c.is_ascii_alphanumeric() || "_./-".contains(c));
        if inside {
            word.push(c);
        } else if is_include(&std::mem::take(&mut word)) {
            return Some(Refused {
                line,
                what: "an `include`",
                help: "put what it includes into the file itself",
            });
        }
        match c {
            '\n' => (line, comment) = (line + 1, false),
            '"' if !comment => quoted = !quoted,
            '#' if !quoted => comment = true,
            _ => {}
        }
    }
    None
}

/// A number before it is a word of its own.
fn is_include(word: &str) -> bool {
    word.trim_start_matches(|c: char| !c.is_ascii_alphabetic()) == "include"
}

/// `--modprobe=PROGRAM` of iptables(8), which iptables-restore takes in each rule and runs. Its quotes and backslashes are
/// dropped, and words are cut at every white space: what is found then is at least what the tool would find.
fn loaded(text: &str) -> Option<Refused> {
    let number = text.lines().position(|line| {
        let bare = line.replace(['"', '\'', '\\'], "");
        bare.split_whitespace().any(is_modprobe)
    })?;
    Some(Refused {
        line: number + 1,
        what: "`--modprobe`",
        help: "leave it out: the lab loads no module for a ruleset",
    })
}

/// `-M`, also behind options that take no value, and `--modprobe`, also abbreviated as getopt_long(3) takes it.
fn is_modprobe(word: &str) -> bool {
    if let Some(long) = word.strip_prefix("--") {
        let name = long.split('=').next().unwrap_or(long);
        return name.len() > 1 && "modprobe".starts_with(name);
    }
    let short = word.strip_prefix('-');
    short.is_some_and(|short| {
        short
            .trim_start_matches(|c| "fvnxh46wW0123456789".contains(c))
            .starts_with('M')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_include_is_found_wherever_nft_would_find_one() {
        for (text, line) in [
            ("include \"/etc/shadow\"\n", Some(1)),
            ("table ip a {\n  include\t\"x\"\n}\n", Some(2)),
            ("# a \" quote\ninclude \"x\"\n", Some(2)),
            ("add rule a b comment \"#\"; include \"x\"", Some(1)),
            ("define a = \"two\nlines\"\ninclude \\\n\"x\"", Some(3)),
            ("table ip a { chain b { } };include'x'", Some(1)),
            ("# include \"x\"\ntable ip a { }\n", None),
            ("add rule a b comment \"do not include \"\n", None),
            ("add chain a included\nadd chain a pre-include\n", None),
        ] {
            let found = refused(RulesetTool::Nftables, text);
            assert_eq!(found.map(|found| found.line), line, "{text:?}");
        }
    }

    #[test]
    fn a_program_for_iptables_is_found_in_each_of_its_spellings() {
        for (text, line) in [
            ("*nat\n-A A --modprobe=/tmp/x -j B\n", Some(2)),
            ("-A A --modp /tmp/x", Some(1)),
            ("-A A \"--mod\"probe=/tmp/x", Some(1)),
            ("-A A -M /tmp/x", Some(1)),
            ("-A A -nvM/tmp/x", Some(1)),
            ("-A A '-M' /tmp/x", Some(1)),
            ("-A A -\\M /tmp/x", Some(1)),
            (
                "*mangle\n-A A -m statistic --mode random -j MARK\nCOMMIT\n",
                None,
            ),
            ("-A A -i eno1 -m mark --mark 1 -j M\n", None),
        ] {
            let found = refused(RulesetTool::Iptables, text);
            assert_eq!(found.map(|found| found.line), line, "{text:?}");
        }
    }
}
