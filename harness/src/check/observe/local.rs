//! Looking at what is set and what runs at a vantage.

use super::links::{has_link, json, link_name};
use super::{Surroundings, as_words};
use crate::check::command::{self, Ended};
use crate::check::{ProbeError, Vantage, Verdict, counter, process};
use crate::deadline::Deadline;
use crate::guest::sysctls;
use crate::plan::sysctl::{for_link, link_of};
use crate::scenario::{Command, Counter, Firewall, Process};

/// `sysctl -n KEY`, without the program, which busybox and procps have and some images do not. An interface in the key
/// is named as everywhere in a check.
pub(super) async fn sysctl(
    key: &str,
    value: &str,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let written = link_of(key).map(|link| link.replace('/', "."));
    let local = match &written {
        Some(link) => Some(link_name(link, from, surroundings, by).await?),
        None => None,
    };
    let named = local.as_deref().map(|link| for_link(key, link));
    let path = format!(
        "/proc/sys/{}",
        sysctls::path(named.as_deref().unwrap_or(key))
    );
    let output = from.exec(&["cat", &path], by).await?;
    if !output.success() {
        // Neither right nor wrong: its interface may not be there, or a module.
        let missing = ProbeError::NoSysctl {
            key: key.to_owned(),
            said: output.stderr.trim().to_owned(),
        };
        let Some((name, local)) = written.zip(local) else {
            return Err(missing);
        };
        let links = json(from, &["ip", "-j", "link"], by).await?;
        return Err(match has_link(&links, &local) {
            true => missing,
            false => ProbeError::NoLink {
                name,
                why: missing.to_string(),
            },
        });
    }
    // Several values stand apart by tabs.
    let words: Vec<&str> = output.stdout.split_whitespace().collect();
    let got = format!("{key} = {}", words.join(" "));
    Ok(match words.iter().copied().eq(value.split_whitespace()) {
        true => Verdict::holds(got),
        false => Verdict::violated(got),
    })
}

pub(super) async fn command(
    wanted: &Command,
    from: &Vantage,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let output = from.exec_foreign(&as_words(&wanted.run), by).await?;
    let ended = Ended {
        status: output.status,
        stdout: &output.stdout,
        stderr: &output.stderr,
    };
    // A shell's words: there is no such program, or it cannot be executed.
    let absent = |why| ProbeError::Absent(not_started(&wanted.run, from, why).to_string());
    command::judge(wanted, ended).map_err(absent)
}

pub(super) async fn counter(
    wanted: &Counter,
    from: &Vantage,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let words = counter::command(wanted);
    let output = from.exec_in_net(&as_words(&words), by).await?;
    if output.success() {
        return counter::judge(wanted, &output.stdout).map_err(ProbeError::Absent);
    }
    // What nft says about a table or chain that is not there; iptables about a table.
    let said = output.stderr.trim();
    let absent = ["No such file or directory", "does not exist"];
    if !absent.iter().any(|words| said.contains(words)) {
        return Err(not_started(&words, from, said.to_owned()));
    }
    let others = match wanted.firewall {
        Firewall::Nft => from.exec_in_net(&counter::CHAINS, by).await?.stdout,
        // There is no such table.
        Firewall::Iptables | Firewall::Ip6tables => String::new(),
    };
    Err(ProbeError::Absent(counter::no_chain(wanted, &others)))
}

pub(super) async fn process(
    wanted: &Process,
    from: &Vantage,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let user = match &wanted.user {
        None => None,
        Some(user) => match user.parse() {
            Ok(number) => Some(number),
            Err(_) => Some(number_of(user, from, by).await?),
        },
    };
    let output = from.exec(&["sh", "-c", process::SCRIPT], by).await?;
    // Processes come and go while they are listed, and each that has gone is complained about.
    process::judge(wanted, user, &output.stdout).map_err(|printed| ProbeError::Output {
        command: "list the processes".to_owned(),
        printed: format!("{printed}{}", output.stderr.trim()),
    })
}

/// The number of a user, as the vantage knows it.
async fn number_of(user: &str, from: &Vantage, by: Deadline) -> Result<u32, ProbeError> {
    let output = from.exec(&["id", "-u", user], by).await?;
    if !output.success() {
        let said = output.stderr.trim();
        return Err(ProbeError::Absent(format!(
            "there is no user {user}: {said}"
        )));
    }
    output
        .stdout
        .trim()
        .parse()
        .map_err(|_| ProbeError::Output {
            command: format!("id -u {user}"),
            printed: output.stdout,
        })
}

fn not_started(words: &[String], from: &Vantage, why: String) -> ProbeError {
    ProbeError::Tool {
        command: words.join(" "),
        machine: from.owner().to_owned(),
        why,
    }
}
