//! Steps that run commands, also in the background until they are ended.

use super::{ByHand, CarryOut, Doing};
use crate::check::{ProbeError, Vantage, in_container, no_docker, not_in_cell};
use crate::deadline::Deadline;
use crate::diagnostic::Diagnostic;
use crate::guest::background;
use crate::guest::ssh::GuestCommand;
use crate::lab::assignment::Assignment;
use crate::lab::background::{Begun, EndedEarly, Ending};
use crate::lab::record::Record;
use crate::lab::run::Run;
use crate::lab::steps::NotDone;
use crate::lab::steps::command::{refusal, words_of};
use crate::lab::testbed::Testbed;
use crate::plan::{GuestKind, shell};
use crate::scenario::declare::{
    Asked, Change, Declared, Fault, KeyType, TableKeys, Takes, code, may, must, our_name, parsed,
    table_keys,
};
use crate::scenario::names::StepId;
use crate::scenario::step::Answer;
use crate::scenario::{Scenario, Step, VantagePoint};

/// Programs that show and change only the network of the namespace that they run in.
const NETWORK_PROGRAMS: [&str; 12] = [
    "arping",
    "bridge",
    "dig",
    "getent",
    "ip",
    "networkctl",
    "nft",
    "ping",
    "sysctl",
    "tc",
    "tcpdump",
    "traceroute",
];

/// Runs a command and compares its exit status.
#[derive(Debug)]
pub(super) struct RunCommand {
    on: VantagePoint,
    /// Program and arguments; no shell.
    command: Vec<String>,
    /// Expected exit status; not used for a command in the background.
    status: u8,
    /// Whether the command goes on while later steps and checks are carried out, until a [`Kill`] or the end of the last check.
    background: bool,
}

impl Declared for RunCommand {
    const KEYS: TableKeys = table_keys(
        "run",
        "the command; its exit status must be `status`",
        &[
            must(
                "on",
                KeyType::Text,
                "where it is run: a machine, a guest, or `\"GUEST/CONTAINER\"`",
            ),
            must(
                "command",
                KeyType::List(&KeyType::Text),
                "program and arguments; no shell",
            ),
            may("status", KeyType::Integer(0, 255), "0", "exit status"),
            may(
                "background",
                KeyType::Flag,
                "false",
                "`COMMAND &`: it goes on while later steps are done and checks are looked at; its end before the last of them, \
                 and before a `kill`, leaves no verdict",
            ),
        ],
    );
    const REMARK: &'static str =
        "On a machine it has the machine's network and [little else](../harness/docs/trust.md)";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let on = asked.on(Takes::Any);
        let reader = asked.reader;
        let entry = reader.need("command", reader.entry("command"));
        let words = reader.texts("command");
        let status = reader.number::<u8>("status");
        let background = reader.flag("background").unwrap_or(false);
        if background && let Some(entry) = reader.entry("status") {
            let message = "a command in the background is not waited for";
            let label = "so no exit status is expected of it";
            asked.fault(&entry.key, code::CONFLICT, message, label);
        }
        let empty = words.first().is_none_or(|word| word.value.is_empty());
        if let Some(entry) = entry
            && empty
            && entry.node.value.is_array()
        {
            let message = "`command` names no program".to_owned();
            let label = "must be a program and its arguments".to_owned();
            let fault = Fault::new(&entry.node.place, code::BAD_VALUE, message, label);
            let help = "for example `command = [\"ip\", \"link\"]`; a shell is `[\"sh\", \"-c\", \"...\"]`";
            asked.context.faults.add(fault.help(help.to_owned()));
        }
        let on = on?.value;
        if background && let Some(step) = asked.step {
            asked.state.start_command(step.as_str(), &on);
        }
        Some(Self {
            on,
            command: words.iter().map(|word| word.value.to_owned()).collect(),
            status: status.unwrap_or(0),
            background,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        vec![Change::MayChangeAnything { on: &self.on }]
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for RunCommand {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        let on = self.on.clone();
        match self.background {
            true => ByHand::Line(on, format!("{} &", shell::join(&self.command))),
            false => ByHand::Commands(on, vec![self.command.clone()]),
        }
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        match &self.on {
            VantagePoint::Guest(guest) => {
                let program = self.command.first().map_or("", String::as_str);
                let known = NETWORK_PROGRAMS.contains(&program);
                (!known).then(|| {
                    format!("{guest} is a ghost: `{program}` there would be this machine's, not the guest's")
                })
            }
            VantagePoint::Container(guest, _) => Some(no_docker(guest)),
            VantagePoint::Machine(_) => None,
        }
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, step: &'r Step, by: Deadline) -> Doing<'r> {
        match self.background {
            true => Box::pin(self.start_in_background(step, run.asked, &mut run.testbed, by)),
            false => Box::pin(self.run_foreign(&mut run.testbed, by)),
        }
    }
}

/// Ends a command in the background with SIGTERM, and then everything that it has started.
#[derive(Debug)]
pub(super) struct Kill {
    /// The step that started it.
    run: StepId,
}

impl Declared for Kill {
    const KEYS: TableKeys = table_keys(
        "kill",
        "`kill %RUN`: ends a command in the background, with everything that it has started",
        &[must(
            "run",
            KeyType::ID,
            "the id of the step that started it",
        )],
    );
    const REMARK: &'static str = "It is sent SIGTERM, and after two seconds SIGKILL";

    fn read(asked: &mut Asked<'_, '_>) -> Option<Self> {
        let run = asked.reader.need("run", asked.reader.text("run"))?;
        asked.state.end_command(asked.context, &run);
        Some(Self {
            run: parsed(run, our_name, asked.context.faults)?.value,
        })
    }

    fn changes(&self) -> Vec<Change<'_>> {
        Vec::new()
    }

    fn needs(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl CarryOut for Kill {
    fn by_hand(&self, _: &Scenario, _: GuestKind) -> ByHand {
        ByHand::Words(format!("kill %{}", self.run))
    }

    fn ghost_limit(&self, _: &Scenario) -> Option<String> {
        None
    }

    fn act<'r>(&'r self, run: &'r mut Run<'_>, _: &'r Step, _: Deadline) -> Doing<'r> {
        Box::pin(self.kill(&mut run.testbed, &mut run.record))
    }
}

impl RunCommand {
    /// Runs a command of the scenario. In a guest the command may leave something behind, so the guest is noted.
    async fn run_foreign(&self, testbed: &mut Testbed, by: Deadline) -> Result<String, NotDone> {
        let place = testbed.vantage(&self.on)?;
        if let VantagePoint::Guest(guest) | VantagePoint::Container(guest, _) = &self.on {
            testbed.used_shell_of(guest);
        }
        let words: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let _turn = place.turn().await;
        let output = place.exec_foreign(&words, by).await?;
        let wanted = i32::from(self.status);
        match output.status == Some(wanted) {
            true => Ok(words_of(&output)),
            false => Err(NotDone::Refused(refusal(&self.command, &output, wanted))),
        }
    }

    /// Starts a command in the background; the step is done when the program runs.
    async fn start_in_background(
        &self,
        step: &Step,
        asked: Assignment<'_>,
        testbed: &mut Testbed,
        by: Deadline,
    ) -> Result<String, NotDone> {
        let Self { on, command, .. } = self;
        let guests = asked.job.guests;
        let begun = Begun {
            step: &step.id,
            on,
            command: self.by_hand(asked.scenario, guests).line(guests),
            may_end: step.answer == Answer::Either,
        };
        let place = testbed.vantage(on)?;
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let (guest, words) = match &place {
            Vantage::Machine(machine) => {
                let start = async |tell| {
                    let words = command.clone();
                    let started = machine.start_confined(words, by, tell).await?;
                    started.map_err(|why| not_in_cell(machine, shell::join(command), why, by))
                };
                testbed
                    .backgrounds
                    .begin_in_cell::<ProbeError>(begun, start)
                    .await?;
                return Ok(String::new());
            }
            Vantage::Container { guest, name } => (guest, in_container(name, &words)),
            Vantage::Guest(guest) => (guest, words),
        };
        let turn = guest.turn().await;
        let line = GuestCommand::shell(background::start(step.id.as_str(), &words));
        let output = guest.exec(line, by).await.map_err(ProbeError::from)?;
        drop(turn);
        if !output.success() {
            return Err(NotDone::Refused(refusal(command, &output, 0)));
        }
        if let VantagePoint::Guest(name) | VantagePoint::Container(name, _) = on {
            testbed.backgrounds.began_in_guest(begun, name);
            testbed.used_shell_of(name);
        }
        Ok(format!("process {}", output.stdout.trim()))
    }
}

impl Kill {
    /// Ends the command that a step has started.
    async fn kill(
        &self,
        testbed: &mut Testbed,
        record: &mut Record<'_>,
    ) -> Result<String, NotDone> {
        let run = &self.run;
        let Testbed {
            backgrounds,
            guests,
            ..
        } = testbed;
        let ended = backgrounds.end_one(run, &**guests, record).await;
        let ended = ended.map_err(ProbeError::from)?;
        match ended {
            None => Err(NotDone::Refused(format!(
                "no command of step `{run}` runs in the background"
            ))),
            Some(Ending::Asked(ran)) => Ok(format!("after {ran:.1?}")),
            Some(Ending::Allowed(early)) => Ok(early.to_string()),
            Some(Ending::Early(early)) => Err(broken(&early)),
        }
    }
}

fn broken(early: &EndedEarly) -> NotDone {
    NotDone::Broken(Diagnostic::new(early))
}
