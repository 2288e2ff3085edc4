//! Command lines as one would paste them into a shell.

/// Quotes a word for a POSIX shell, only where it needs it.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A whole command line.
pub fn join(words: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quote(word.as_ref())).collect();
    quoted.join(" ")
}

/// The command line of a process as proc_pid_cmdline(5) has it: words, each with a zero byte behind it. `None`: it has none, as a
/// thread of the kernel or a zombie.
pub fn of_process(cmdline: &str) -> Option<String> {
    let words: Vec<&str> = cmdline.trim_end_matches('\0').split('\0').collect();
    (words != [""]).then(|| join(&words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_only_where_a_shell_needs_it() {
        assert_eq!(quote("-netdev"), "-netdev");
        assert_eq!(quote("tap,id=n0,fd=3"), "tap,id=n0,fd=3");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
