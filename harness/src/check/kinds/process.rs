//! Processes: which program runs, as whom.

use std::collections::BTreeMap;

use futures_util::FutureExt;

use crate::check::ghosts::Ghosts;
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::check::no_verdict::NoVerdict;
use crate::check::{ProbeError, Verdict};
use crate::scenario::check_kind::{ABSENT, Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::{HypervisorKind, VantagePoint, parse};

/// A process at the vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// File name of the program, as in its first argument.
    pub name: String,
    /// User that it must run as, by name or number, when that matters.
    pub user: Option<String>,
    /// There must be none.
    pub absent: bool,
}

impl Declared for Process {
    const KEYS: TableKeys = table_keys(
        "process",
        "the program runs in the vantage's network, as that user",
        &[
            must("name", KeyType::Text, "program"),
            may("user", KeyType::Text, "any", "user"),
            ABSENT,
        ],
    );
    const HOLDS: &'static str = "the program runs in the vantage's network, as that user";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let absent = asked.not_with_absent(&["user"]);
        let name = reader.need("name", reader.word("name", parse::plain_name));
        let user = reader.word("user", parse::plain_name);
        Some(Self {
            name: name?.value,
            user: user.map(|user| user.value),
            absent,
        })
    }
}

impl Kind for Process {
    fn expected(&self) -> String {
        expected(self)
    }

    fn holds_by_lack(&self) -> bool {
        self.absent
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        match ghosts.from {
            VantagePoint::Guest(guest) => Some(format!(
                "{guest} is a ghost: systemd-networkd is the only process in it"
            )),
            VantagePoint::Machine(_)
                if HypervisorKind::all().any(|kind| kind.is_process(&self.name)) =>
            {
                ghosts.hold_here().then(|| "ghosts have no VMM".to_owned())
            }
            VantagePoint::Machine(_) | VantagePoint::Container(..) => None,
        }
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async { look(self, at).await }.boxed_local()
    }
}

async fn look(wanted: &Process, at: &Looking<'_>) -> Result<Verdict, ProbeError> {
    let user = match &wanted.user {
        None => None,
        Some(user) => match user.parse() {
            Ok(number) => Some(number),
            Err(_) => Some(number_of(user, at).await?),
        },
    };
    let output = at.exec(&["sh", "-c", SCRIPT]).await?;
    // Errors of the script are no fault: processes end while they are listed, and the tools complain of each.
    judge(wanted, user, &output.stdout).map_err(|unread| ProbeError::Output {
        command: "list the processes".to_owned(),
        printed: format!("{}{}", unread.why, output.stderr.trim()),
    })
}

/// The number of a user, as the vantage knows it.
async fn number_of(user: &str, at: &Looking<'_>) -> Result<u32, ProbeError> {
    let words = ["id", "-u", user];
    let output = at.exec(&words).await?;
    if !output.success() {
        let said = output.stderr.trim();
        return Err(ProbeError::Absent(format!(
            "there is no user {user}: {said}"
        )));
    }
    let number = output.stdout.trim().parse();
    number.map_err(|_| ProbeError::Output {
        command: words.join(" "),
        printed: output.stdout,
    })
}

/// Prints what `/proc` has about all processes. A POSIX shell with busybox will do; and it starts few programs, since a
/// guest on an emulated CPU takes long to start one.
const SCRIPT: &str = "cd /proc
readlink self/ns/net
ls -l [0-9]*/ns/net
grep -H '^Uid:' [0-9]*/status
grep -H '' [0-9]*/comm
head -c 300 [0-9]*/cmdline | tr '\\0' '\\n'
";

/// A process, as [`SCRIPT`] printed it.
#[derive(Debug, Default)]
struct Seen<'a> {
    /// Whether it is in the network namespace in which the script ran.
    inside: bool,
    uid: Option<u32>,
    /// Its name, at most 15 bytes of it.
    comm: &'a str,
    /// Its first argument; empty for a thread of the kernel.
    program: &'a str,
}

impl Seen<'_> {
    fn is(&self, name: &str) -> bool {
        self.comm == name || self.program.rsplit('/').next() == Some(name)
    }
}

/// Reads what [`SCRIPT`] printed: each line about the process whose number it begins with.
fn read(printed: &str) -> BTreeMap<u32, Seen<'_>> {
    let mut found: BTreeMap<u32, Seen<'_>> = BTreeMap::new();
    let mut lines = printed.lines();
    let own = lines.next().unwrap_or_default();
    let mut begins = None;
    for line in lines {
        // `==> 71/cmdline <==`, then the arguments, of which only the first counts.
        if let Some(pid) = numbered(line, "==> ", "/cmdline <==") {
            begins = Some(pid);
        } else if let Some(pid) = begins.take() {
            found.entry(pid).or_default().program = line;
        } else if let Some((path, network)) = line.split_once(" -> ") {
            let path = path.rsplit(' ').next().unwrap_or_default();
            if let Some(pid) = numbered(path, "", "/ns/net") {
                found.entry(pid).or_default().inside = network == own;
            }
        } else if let Some((path, rest)) = line.split_once(':') {
            if let Some(pid) = numbered(path, "", "/status") {
                let uid = rest.split_whitespace().nth(1);
                found.entry(pid).or_default().uid = uid.and_then(|uid| uid.parse().ok());
            } else if let Some(pid) = numbered(path, "", "/comm") {
                found.entry(pid).or_default().comm = rest;
            }
        }
    }
    found
}

fn numbered(text: &str, before: &str, after: &str) -> Option<u32> {
    let number = text.strip_prefix(before)?.strip_suffix(after)?;
    number.parse().ok()
}

/// Judges what [`SCRIPT`] printed; `user` is the number of the user that is wanted.
///
/// # Errors
/// When the script printed nothing of use.
fn judge(wanted: &Process, user: Option<u32>, printed: &str) -> Result<Verdict, NoVerdict> {
    let name = &wanted.name;
    let processes = read(printed);
    if !processes.values().any(|process| process.inside) {
        return Err(NoVerdict::new(printed.trim()));
    }
    let found: Vec<(u32, u32)> = processes
        .iter()
        .filter(|(_, process)| process.inside && process.is(name))
        .filter_map(|(pid, process)| Some((*pid, process.uid?)))
        .collect();
    let right = found
        .iter()
        .find(|(_, uid)| user.is_none_or(|user| user == *uid));
    let told = match right.or(found.first()) {
        None => format!("no {name} runs"),
        Some((pid, uid)) => format!("{name} runs as user {uid}, process {pid}"),
    };
    Ok(match right.is_some() != wanted.absent {
        true => Verdict::holds(told),
        false => Verdict::violated(told),
    })
}

/// What is wanted, in words.
fn expected(wanted: &Process) -> String {
    let name = &wanted.name;
    match (&wanted.user, wanted.absent) {
        (_, true) => format!("no {name} to run"),
        (None, false) => format!("{name} to run"),
        (Some(user), false) => format!("{name} to run as {user}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed on a machine that holds a guest, by busybox, and shortened. The last process is another machine's.
    const PRINTED: &str = "net:[4026532281]
lrwxrwxrwx    1 0        0                0 Nov 24 09:10 71/ns/net -> net:[4026532281]
lrwxrwxrwx    1 65534    65534            0 Nov 24 09:10 90/ns/net -> net:[4026532281]
lrwxrwxrwx    1 0        0                0 Nov 24 09:10 95/ns/net -> net:[4026531840]
71/status:Uid:\t998\t998\t998\t998
90/status:Uid:\t65534\t65534\t65534\t65534
95/status:Uid:\t0\t0\t0\t0
71/comm:systemd-network
90/comm:qemu-system-x86
95/comm:dnsmasq
==> 71/cmdline <==
/lib/systemd/systemd-networkd

==> 90/cmdline <==
qemu-system-x86_64
-name
test1
==> 95/cmdline <==
dnsmasq
--keep-in-foreground
";

    fn process(name: &str, absent: bool) -> Process {
        Process {
            name: name.to_owned(),
            user: None,
            absent,
        }
    }

    fn seen(wanted: &Process, user: Option<u32>) -> Verdict {
        judge(wanted, user, PRINTED).expect("a verdict")
    }

    #[test]
    fn a_program_is_found_by_its_whole_name_and_judged_by_its_user() {
        let qemu = process("qemu-system-x86_64", false);
        let told = "qemu-system-x86_64 runs as user 65534, process 90";
        assert_eq!(seen(&qemu, Some(65_534)), Verdict::holds(told));
        assert_eq!(seen(&qemu, Some(0)), Verdict::violated(told));
        assert!(seen(&qemu, None).holds);
        assert_eq!(
            seen(&process("qemu", false), None),
            Verdict::violated("no qemu runs")
        );
        assert!(seen(&process("qemu", true), None).holds);
        assert!(seen(&process("systemd-networkd", false), Some(998)).holds);
        assert!(!seen(&process("systemd-networkd", true), None).holds);
    }

    #[test]
    fn another_machine_s_process_is_not_this_one_s() {
        assert!(seen(&process("dnsmasq", true), None).holds);
    }

    #[test]
    fn nothing_to_read_is_nothing_seen() {
        assert!(judge(&process("sh", true), None, "").is_err());
        assert!(judge(&process("sh", true), None, "sh: readlink: not found\n").is_err());
    }
}
