//! Asking an SSH server for its host key.

use std::net::IpAddr;
use std::time::Duration;

use crate::check::kinds::tcp::connect::connect;
use crate::check::looking::Looking;
use crate::check::source::Ends;
use crate::check::{ProbeError, Vantage, Verdict};
use crate::guest::ssh::network_host_key;

pub(super) async fn look(
    to: IpAddr,
    source: Option<IpAddr>,
    key: &str,
    at: &Looking<'_>,
) -> Result<Verdict, ProbeError> {
    let (from, by) = (at.from, at.by);
    let got = match from {
        Vantage::Machine(machine) => match connect(machine, Ends::new(to, 22, source)).await? {
            Err(why) => return Ok(Verdict::violated(why.to_string())),
            Ok(stream) => {
                let stream = stream
                    .into_std()
                    .and_then(|s| s.set_nonblocking(false).map(|()| s));
                let by = by.child(Duration::from_secs(20));
                let (reply, answer) = tokio::sync::oneshot::channel();
                // libssh2 blocks, so it gets a thread; its own timeout ends it.
                std::thread::spawn(move || {
                    let key = stream
                        .map_err(|e| e.to_string())
                        .and_then(|stream| network_host_key(stream, by).map_err(|e| e.to_string()));
                    let _ = reply.send(key);
                });
                answer
                    .await
                    .unwrap_or_else(|_| Err("the probe died".to_owned()))
            }
        },
        Vantage::Guest(_) if source.is_some() => {
            return Err(ProbeError::Impossible(
                "`ssh-keyscan` sends from no given address".to_owned(),
            ));
        }
        Vantage::Guest(_) => {
            let address = to.to_string();
            let output = from
                .exec(&["ssh-keyscan", "-T", "10", "-t", "ed25519", &address], by)
                .await?;
            key_in(&output.stdout)
                .map(str::to_owned)
                .ok_or_else(|| output.stderr.trim().to_owned())
        }
        Vantage::Container { .. } => {
            return Err(ProbeError::Impossible(
                "the container image has no SSH client".to_owned(),
            ));
        }
    };
    Ok(match got {
        Ok(got) if got == key => Verdict::holds(format!("the right host key from {to}")),
        Ok(got) => Verdict::violated(format!("another host key from {to}: {got}")),
        Err(why) => Verdict::violated(format!("no SSH server at {to}: {why}")),
    })
}

/// The key in base64: the third word of the first line that is not a comment. OpenSSH 10 writes the server's banner as
/// a comment to standard output, older ones to standard error.
fn key_in(stdout: &str) -> Option<&str> {
    let mut lines = stdout.lines().filter(|line| !line.starts_with('#'));
    lines.find_map(|line| line.split_whitespace().nth(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_is_not_the_key_in() {
        let text = "# 192.168.1.4:22 SSH-2.0-dropbear_2025.89\n192.168.1.4 ssh-ed25519 AAAAC3Nz\n";
        assert_eq!(key_in(text), Some("AAAAC3Nz"));
        assert_eq!(key_in("# 192.168.1.4:22 SSH-2.0-dropbear_2025.89\n"), None);
        assert_eq!(key_in(""), None);
    }
}
