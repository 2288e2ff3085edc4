//! Processes: which program runs, as whom.

use super::Verdict;
use crate::scenario::Process;

/// Prints a line for each process whose network namespace is that of the shell: `PID UID PROGRAM`, the program being
/// the file name of its first argument, or its name where it has none. Needs a POSIX shell and no more, so that
/// busybox will do.
pub const SCRIPT: &str = r#"
own=$(readlink /proc/self/ns/net)
for process in /proc/[0-9]*; do
	[ "$(readlink "$process/ns/net" 2>/dev/null)" = "$own" ] || continue
	uid=
	while read -r key value _; do
		[ "$key" != Uid: ] || uid=$value
	done <"$process/status" 2>/dev/null
	program=$(tr '\0' '\n' <"$process/cmdline" 2>/dev/null | head -n 1)
	[ -n "$program" ] || read -r program <"$process/comm" 2>/dev/null
	[ -z "$uid" ] || echo "${process#/proc/} $uid ${program##*/}"
done
true
"#;

/// Judges what [`SCRIPT`] printed; `user` is the number of the user that is wanted.
pub fn judge(wanted: &Process, user: Option<u32>, printed: &str) -> Verdict {
    let name = &wanted.name;
    let mut found = printed.lines().filter_map(|line| {
        let (pid, rest) = line.split_once(' ')?;
        let (uid, program) = rest.split_once(' ')?;
        let uid: u32 = uid.parse().ok()?;
        (program == name).then_some((pid, uid))
    });
    let mut first = None;
    let right = found.find(|&(pid, uid)| {
        first.get_or_insert((pid, uid));
        user.is_none_or(|user| user == uid)
    });
    let told = match right.or(first) {
        None => format!("no {name} runs"),
        Some((pid, uid)) => format!("{name} runs as user {uid}, process {pid}"),
    };
    match right.is_some() != wanted.absent {
        true => Verdict::holds(told),
        false => Verdict::violated(told),
    }
}

/// What is wanted, in words.
pub fn expected(wanted: &Process) -> String {
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

    /// From a machine that holds a guest.
    const PRINTED: &str = "71 0 systemd-networkd\n90 65534 qemu-system-x86_64\n91 0 sh\n";

    fn process(name: &str, absent: bool) -> Process {
        Process {
            name: name.to_owned(),
            user: None,
            absent,
        }
    }

    #[test]
    fn a_program_is_found_by_its_whole_name_and_judged_by_its_user() {
        let qemu = process("qemu-system-x86_64", false);
        let told = "qemu-system-x86_64 runs as user 65534, process 90";
        assert_eq!(judge(&qemu, Some(65_534), PRINTED), Verdict::holds(told));
        assert_eq!(judge(&qemu, Some(0), PRINTED), Verdict::violated(told));
        assert!(judge(&qemu, None, PRINTED).holds);
        assert_eq!(
            judge(&process("qemu", false), None, PRINTED),
            Verdict::violated("no qemu runs")
        );
        assert!(judge(&process("qemu", true), None, PRINTED).holds);
        assert!(!judge(&process("sh", true), None, PRINTED).holds);
    }
}
