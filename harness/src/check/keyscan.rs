//! The output of `ssh-keyscan -t ed25519 HOST`.

/// The key in base64: the third word of the first line that is not a comment. OpenSSH 10 writes the server's banner as
/// a comment to standard output, older ones to standard error.
pub fn key(stdout: &str) -> Option<&str> {
    let mut lines = stdout.lines().filter(|line| !line.starts_with('#'));
    lines.find_map(|line| line.split_whitespace().nth(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_is_not_the_key() {
        let text = "# 192.168.1.4:22 SSH-2.0-dropbear_2025.89\n192.168.1.4 ssh-ed25519 AAAAC3Nz\n";
        assert_eq!(key(text), Some("AAAAC3Nz"));
        assert_eq!(key("# 192.168.1.4:22 SSH-2.0-dropbear_2025.89\n"), None);
        assert_eq!(key(""), None);
    }
}
