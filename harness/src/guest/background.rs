//! Shell lines that start a scenario's background commands in a guest, end them, and find the processes that they have
//! left; and the reading of what these lines print. [`crate::lab`] runs them.
//!
//! A command in the background has a session of its own and a folder in `/run`, where its status appears when it ends.
//! The folder keeps the beginning and the end of the command's output, however long the output is. Every process that a
//! scenario's command starts inherits an environment variable, by which the process is found again.

use crate::plan::shell;

/// Bytes of a command's output that are kept of its end.
const TAIL: usize = 512 << 10;
/// Blocks of at most 4 KiB that are kept of the output's beginning; `dd` counts a short read as a block.
const HEAD: usize = 128;

/// The environment variable that marks the processes of a scenario's commands.
const MARK: &str = "BRIDGELAB_COMMAND";

/// The variable with its value for the command `id`. The slash, which no id contains, keeps an id from being the
/// beginning of another.
fn mark(id: &str) -> String {
    format!("{MARK}={id}/")
}

fn folder(id: &str) -> String {
    format!("/run/bridgelab/command-{id}")
}

/// The line that runs a command in the foreground, with the mark.
pub fn marked(id: &str, words: &[&str]) -> String {
    format!("{} {}", mark(id), shell::join(words))
}

/// Starts a command in the background and prints the number of its process; status 127 where there is no such program.
pub fn start(id: &str, words: &[&str]) -> String {
    let (program, mark) = (shell::quote(words.first().unwrap_or(&"")), mark(id));
    let line = shell::join(words);
    let folder = folder(id);
    // `dd` takes no byte from the pipe that it does not write, so that `tail` gets all the rest.
    let inner = format!(
        "{{ {mark} setsid {line} </dev/null & echo $! >up; wait $!; echo $? >status; }} 2>&1 |\n\
         {{ dd bs=4096 count={HEAD} of=head 2>/dev/null; tail -c {TAIL} >tail; }}; : >over"
    );
    format!(
        "command -v {program} >/dev/null || {{ echo {program}: not found >&2; exit 127; }}\n\
         rm -rf {folder} && mkdir -p {folder} && cd {folder} && mkfifo up || exit 1\n\
         setsid sh -c {} </dev/null >/dev/null 2>&1 &\n\
         read -r process <up && echo $process | tee process",
        shell::quote(&inner)
    )
}

/// Prints the status of a command in the background, or nothing while it runs.
pub fn status(id: &str) -> String {
    format!("cat {}/status 2>/dev/null; :", folder(id))
}

/// Sends SIGTERM to a command in the background; prints its status where it had ended before.
pub fn ask(id: &str) -> String {
    let folder = folder(id);
    format!("cd {folder} && {{ cat status 2>/dev/null || kill -TERM -$(cat process); }}")
}

/// Tests, by its exit status, whether a command in the background has ended and its output is complete.
pub fn is_over(id: &str) -> String {
    format!("test -e {}/over", folder(id))
}

/// Kills all that a command has started.
pub fn kill(id: &str) -> String {
    format!(
        "kill -KILL $(grep -l {} /proc/[0-9]*/environ 2>/dev/null | tr -cd '0-9\\n') 2>/dev/null; :",
        mark(id)
    )
}

/// Prints the output of a command in the background.
pub fn print_output(id: &str) -> String {
    format!(
        "cd {} && cat head && if [ $(wc -c <tail) -eq {TAIL} ]; then \
         printf '\\n[... what was said meanwhile is left out ...]\\n'; fi && cat tail",
        folder(id)
    )
}

/// Prints what the commands of the scenario have left running; [`left_of`] reads it.
pub fn left() -> String {
    format!(
        "for file in $(grep -l {MARK}= /proc/[0-9]*/environ 2>/dev/null); do \
         printf '\\036'; cat ${{file%environ}}stat ${{file%environ}}cmdline 2>/dev/null; done"
    )
}

/// Processes, each with its command line, as [`left`] printed them.
pub fn left_of(printed: &str) -> Vec<(u32, String)> {
    let each = printed.split('\u{1e}').skip(1);
    each.filter_map(|one| {
        let (stat, line) = one.split_once('\n')?;
        let (process, rest) = stat.split_once(' ')?;
        // A process's name may hold anything, parentheses too.
        let (name, _) = rest.strip_prefix('(')?.rsplit_once(')')?;
        let line = shell::of_process(line).unwrap_or_else(|| format!("[{name}]"));
        Some((process.parse().ok()?, line))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::deadline::Deadline;
    use crate::wait::until;

    /// Runs lines as a guest's shell does, with the commands' folders in a temporary directory.
    struct Shell(tempfile::TempDir);

    impl Shell {
        fn run(&self, line: &str) -> (String, Option<i32>) {
            let line = line.replace("/run/bridgelab", &self.0.path().display().to_string());
            let quoted = shell::quote(&line);
            let ran = Command::new("sh")
                .args(["-c", &format!("(eval {quoted}) </dev/null")])
                .output()
                .expect("sh runs");
            let said = String::from_utf8_lossy(&ran.stdout);
            let errors = String::from_utf8_lossy(&ran.stderr);
            ((said + errors).trim().to_owned(), ran.status.code())
        }

        async fn is_over(&self, id: &str) {
            let over = until(Deadline::secs(20), "its end", async || {
                match self.run(&is_over(id)).1 {
                    Some(0) => Ok(()),
                    _ => Err("it runs"),
                }
            });
            over.await.expect("it ends");
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            // A failed assertion may have left commands running.
            for folder in std::fs::read_dir(self.0.path())
                .into_iter()
                .flatten()
                .flatten()
            {
                let name = folder.file_name().to_string_lossy().into_owned();
                self.run(&kill(name.trim_start_matches("command-")));
            }
        }
    }

    fn shell() -> Shell {
        Shell(tempfile::tempdir().expect("a temporary directory"))
    }

    /// An id that no other test has, nor another run of this one.
    fn id(name: &str) -> String {
        format!("{name}-{}", std::process::id())
    }

    #[tokio::test]
    async fn a_command_runs_until_it_is_asked_to_end() {
        let (shell, id) = (shell(), id("asked"));
        let sleep = format!("sleep 1{}", std::process::id());
        let line = format!("trap 'echo bye; exit 7' TERM; echo it''s here; {sleep} & wait");
        let (process, status) = shell.run(&start(&id, &["sh", "-c", &line]));
        assert_eq!(status, Some(0), "{process}");
        let process: u32 = process.parse().expect("a number");
        assert_eq!(shell.run(&super::status(&id)).0, "", "it runs");
        // Each has the mark from its exec(2) on, which may come after its number was told.
        let both = until(Deadline::secs(20), "both processes", async || {
            let left = left_of(&shell.run(&left()).0).into_iter();
            let own = left.filter(|(pid, line)| *pid == process || *line == sleep);
            match own.count() {
                2 => Ok(()),
                other => Err(format!("{other} of 2")),
            }
        });
        both.await.expect("both have the mark");
        assert_eq!(shell.run(&ask(&id)), (String::new(), Some(0)));
        shell.is_over(&id).await;
        assert_eq!(shell.run(&super::status(&id)).0, "7");
        assert!(
            shell.run(&print_output(&id)).0.starts_with("its here\n"),
            "{:?}",
            shell.run(&print_output(&id))
        );
        assert_eq!(shell.run(&ask(&id)).0, "7", "it had ended before");
    }

    #[tokio::test]
    async fn one_that_hides_is_killed_with_all_that_it_has_started() {
        let (shell, id) = (shell(), id("hides"));
        let line = "trap '' TERM; echo deaf; setsid sleep 1001 & while :; do sleep 1001; done";
        let (process, status) = shell.run(&start(&id, &["sh", "-c", line]));
        assert_eq!(status, Some(0), "{process}");
        let deaf = until(Deadline::secs(20), "its trap", async || {
            match shell.run(&print_output(&id)).0.contains("deaf") {
                true => Ok(()),
                false => Err("it has not said so"),
            }
        });
        deaf.await.expect("it is deaf");
        shell.run(&ask(&id));
        assert_eq!(shell.run(&super::status(&id)).0, "", "it does not listen");
        // A process that the command starts during a kill is killed by the next one.
        let dead = until(Deadline::secs(20), "its end", async || {
            shell.run(&kill(&id));
            match shell.run(&is_over(&id)).1 {
                Some(0) => Ok(()),
                _ => Err("it runs"),
            }
        });
        dead.await.expect("it is dead");
        assert_eq!(shell.run(&super::status(&id)).0, "137");
        let mine = mark(&id);
        let look = format!("grep -l {mine} /proc/[0-9]*/environ 2>/dev/null");
        assert_eq!(shell.run(&look).0, "");
    }

    #[tokio::test]
    async fn of_much_the_first_and_the_last_are_kept() {
        let (shell, id) = (shell(), id("much"));
        let line = "echo first; head -c 5000000 /dev/zero | tr '\\0' x; echo last; exit 3";
        let (process, started) = shell.run(&start(&id, &["sh", "-c", line]));
        assert_eq!(started, Some(0), "{process}");
        shell.is_over(&id).await;
        assert_eq!(shell.run(&ask(&id)).0, "3");
        let said = shell.run(&print_output(&id)).0;
        assert!(said.starts_with("first\nx") && said.ends_with("xlast"));
        assert!(said.contains("\n[... what was said meanwhile is left out ...]\n"));
        assert!(said.len() < 2 * TAIL + 100, "{}", said.len());
    }

    #[test]
    fn what_is_no_program_is_not_started() {
        let (said, status) = shell().run(&start("none", &["no such program", "-x"]));
        assert_eq!(status, Some(127));
        assert_eq!(said, "no such program: not found");
    }

    #[test]
    fn what_was_left_is_read() {
        let printed = "\u{1e}7 (sleep) S 1 1\nsleep\x009\0\u{1e}9 (a) b) S 1 1\n\u{1e}11 (sh) S 1";
        let left = left_of(printed);
        let expected = [(7, "sleep 9".to_owned()), (9, "[a) b]".to_owned())];
        assert_eq!(left, expected);
    }
}
