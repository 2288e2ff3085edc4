//! `bridgelab run`.

mod again;
mod damaged;
mod evidence;
mod github;
mod hold;
mod needs;
mod outputs;
mod page;
mod place;
mod planned;
mod proven;
mod queue;
mod screen;
mod unstarted;
pub(crate) mod wanted;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime};

use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::host::capability::strict;
use bridgelab_harness::host::finding::Unmet;
use bridgelab_harness::host::jobserver::{Jobserver, Waiting};
use bridgelab_harness::hypervisor::Accelerator;
use bridgelab_harness::image::Image;
use bridgelab_harness::lab::supervise::{News, run_job};
use bridgelab_harness::lab::vm;
use bridgelab_harness::lab::{Event, Job, JobImage};
use bridgelab_harness::plan::shell::quote;
use bridgelab_harness::report::{Outcome, RunReport, exit_code, moment};
use futures_util::{StreamExt, stream};
use tokio::sync::{mpsc, watch};

use crate::cli::{Guests, Lab, RunArgs};
use crate::commands::ready_image;
use crate::doctor::Accelerated;
use crate::rerun::Rerun;
use crate::signals::{self, Signals};
use crate::template::{Starts, Templates};
use crate::{enter, report};
use outputs::Outputs;
use planned::Planned;
use queue::Turn;
use screen::Screen;
use wanted::{Wanted, prepare};

pub(crate) fn run(args: &RunArgs) -> i32 {
    if args.hold {
        hold::greet();
    }
    let signals = match Signals::listen(Box::new(signals::before_anything)) {
        Ok(signals) => signals,
        Err(code) => return code,
    };
    if args.keep && args.lab != Lab::Here {
        let _ = writeln!(
            anstream::stderr(),
            "error: a lab in a VM cannot be kept: `bridgelab enter` reaches machines of this one; leave out `--keep` \
             or `--lab`"
        );
        return exit_code::INVALID;
    }
    let wishes = signals.wishes();
    match prepare(args) {
        Ok(wanted) => match reports(args, &wanted, signals) {
            Ok(mut runs) => {
                let outputs = Outputs::of(args);
                if args.prove {
                    proven::prove(&wanted, &mut runs, &wishes, outputs.verdicts);
                }
                github::tell(&wanted, &runs, outputs.verdicts);
                outputs.finish(runs)
            }
            Err(code) => code,
        },
        Err(code) => code,
    }
}

/// Carries out runs, shows each verdict, and returns the reports in the order asked for.
///
/// # Errors
/// The exit code, when nothing could begin and no run is to blame.
pub(crate) fn reports(
    args: &RunArgs,
    wanted: &[Wanted],
    signals: Signals,
) -> Result<Vec<RunReport>, i32> {
    reports_each(args, wanted, signals, &|_, _| None)
}

/// As [`reports`]; each run's end is told to `each`, with the run's place among `wanted`. What that returns is shown as a line.
///
/// # Errors
/// As of [`reports`].
pub(crate) fn reports_each(
    args: &RunArgs,
    wanted: &[Wanted],
    signals: Signals,
    each: &dyn Fn(usize, &RunReport) -> Option<String>,
) -> Result<Vec<RunReport>, i32> {
    let told = Outputs::of(args);
    if let Err(unwritable) = told.tried(args) {
        return Err(unwritable.complain());
    }
    signals.until_begun(unstarted::ended_by_signal(args, wanted));
    // What broke before the first run may be the work of a signal that is about to end this process.
    let unbegun = |runs: Vec<RunReport>| {
        if runs.iter().any(|run| run.outcome == Outcome::Broken) {
            signals.settle_unbegun();
        }
        Ok(told.unbegun(runs))
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(anstream::stderr(), "error: start the runtime: {error}");
            return Err(exit_code::BROKEN);
        }
    };
    let ready = crate::doctor::ready(
        &runtime,
        args,
        wanted
            .iter()
            .find_map(|one| one.images.first())
            .map(String::as_str),
    );
    let mut planned: Vec<Planned<'_>> = wanted.iter().map(Planned::new).collect();
    needs::find_lacking(&runtime, &mut planned, args);
    let lacking = planned.iter().flat_map(|run| &run.lacking);
    if args.setup && crate::doctor::install_crates(&runtime, lacking) {
        needs::find_lacking(&runtime, &mut planned, args);
    }
    let ready = match ready {
        Ok(ready) => ready,
        Err(unmet) => {
            let runs = wanted
                .iter()
                .map(|one| unstarted::unable(args, one, &unmet));
            return unbegun(runs.collect());
        }
    };
    let here = match ready.here {
        Ok(here) => here,
        Err(unmet) => {
            for run in &mut planned {
                run.lacking.push(unmet.clone());
            }
            (Accelerator::Kvm, unmet.reason)
        }
    };
    for run in &mut planned {
        let kvm = (&here, ready.kvm_unanswered);
        let missing = needs::without_kvm(run.wanted, args.guests.into(), kvm);
        run.lacking.extend(missing);
        run.in_vm = place::choose(args.lab, &mut run.lacking);
    }
    // Build images before anything runs: building one takes minutes, in which nothing else would go on.
    let mut images = BTreeMap::new();
    let runs = planned.iter().filter(|run| run.lacking.is_empty());
    for name in runs.flat_map(|run| &run.wanted.images) {
        if !images.contains_key(name) {
            match ready_image(name) {
                Ok(image) => images.insert(name.clone(), image),
                Err(error) => {
                    let why = Diagnostic::new(&error);
                    let broken =
                        |one| unstarted::report(args, one, Outcome::Broken, Some(why.clone()));
                    return unbegun(wanted.iter().map(broken).collect());
                }
            };
        }
    }
    for run in &mut planned {
        let Some(reason) = &run.in_vm else {
            continue;
        };
        match ready_image(vm::IMAGE) {
            Ok(image) => {
                let vm = place::lab_vm(args, run.wanted, &image, &ready.lab_vm, reason);
                run.vm = Some(vm);
            }
            Err(error) => {
                let why = Diagnostic::new(&error);
                let broken = |one| unstarted::report(args, one, Outcome::Broken, Some(why.clone()));
                return unbegun(wanted.iter().map(broken).collect());
            }
        }
    }
    let unanswered = |unmet: &Unmet| unmet.unanswered;
    if planned.iter().flat_map(|run| &run.lacking).any(unanswered) {
        signals.settle_unbegun();
    }
    let templates = Templates::default();
    for run in &planned {
        let guests = &run.wanted.scenario.guests;
        run.starts.set(match (args.guests, &run.vm) {
            (Guests::Vm, None) => templates.starts(guests, &images, here.0, args.cold),
            (Guests::Vm, Some(_)) => Starts::in_a_vm(guests),
            (Guests::Ghost, _) => Starts::default(),
        });
    }
    let handed = hold::Handed::default();
    let asked = args.hold.then(|| hold::asked(&handed, signals.wisher()));
    signals.begin();
    let all = All {
        args,
        planned,
        here,
        images,
        templates,
        jobserver: queue::jobserver(args),
        interrupts: signals.wishes(),
        signals,
        handed,
        asked: Cell::new(asked),
        told,
        each,
        screen: Screen::new(wanted.len(), !args.mutants),
    };
    let runs = runtime.block_on(async {
        tokio::select! {
            runs = all.carry_out() => runs,
            () = all.keep_current() => Vec::new(),
        }
    });
    Ok(runs)
}

/// The runs of one invocation, and what they share.
struct All<'a> {
    args: &'a RunArgs,
    /// The runs in the order in which they were asked for.
    planned: Vec<Planned<'a>>,
    /// Accelerator of guests on this machine, and why.
    here: Accelerated,
    images: BTreeMap<String, Image>,
    templates: Templates,
    jobserver: Jobserver,
    interrupts: watch::Receiver<u32>,
    signals: Signals,
    handed: hold::Handed,
    /// Requests to a held lab.
    asked: Cell<Option<mpsc::UnboundedReceiver<String>>>,
    told: Outputs,
    /// What is told of each run's end.
    each: &'a dyn Fn(usize, &RunReport) -> Option<String>,
    screen: Screen,
}

impl All<'_> {
    /// Begins the runs one after another, each when there is room, and shows each verdict when it comes. Returns the
    /// reports in the order asked for.
    async fn carry_out(&self) -> Vec<RunReport> {
        let titles = self.planned.iter().map(|run| run.wanted.title());
        let (mut order, remembered) = queue::order(&titles.collect::<Vec<_>>(), self.here.0.name());
        order.retain(|&index| self.planned[index].lacking.is_empty());
        let count = order.len();
        let begun = Instant::now();
        // Once one run has waited, so have those behind it.
        let full = Cell::new(false);
        // Let only one of these runs wait in the queue, so that other processes get their turns between them.
        let turns = stream::iter(order.into_iter().enumerate()).then(async |(before, index)| {
            let run = &self.planned[index];
            let need = run.need(self.args.guests, self.here.0);
            let title = run.wanted.title();
            let mut told_of_others = false;
            let waiting = |why: &Waiting| {
                full.set(true);
                let behind = matches!(why, Waiting::Behind(_));
                let again = behind && std::mem::replace(&mut told_of_others, true);
                self.screen
                    .queued(&title, &why.to_string(), count - before, again);
            };
            let interrupts = self.interrupts.clone();
            let turn = queue::turn(&self.jobserver, &title, need, interrupts, waiting).await;
            self.screen.admitted();
            let waited = full.get().then(|| begun.elapsed());
            (index, turn, waited)
        });
        let runs = turns.map(async |(index, turn, waited)| {
            let mut report = self.one(index, turn).await;
            self.signals.name(&mut report);
            report.queued_for(waited.unwrap_or_default());
            if let Some(evidence) = report.evidence.clone() {
                Rerun::take_what_was_asked(&evidence);
                let scenario = &self.planned[index].wanted.scenario;
                evidence::save(&evidence, scenario, &mut report);
            }
            (index, report)
        });
        let mut runs = std::pin::pin!(runs.buffer_unordered(count.max(1)));
        let mut reports = BTreeMap::new();
        let mut ended = |index: usize, report: RunReport| {
            let text = report::printed(&report, self.args.timings);
            let shown = self.told.verdicts.then_some(text.as_str());
            self.screen.ended(index, shown);
            if let Some(line) = (self.each)(index, &report) {
                self.screen.note(&line);
            }
            reports.insert(index, report);
        };
        for (index, run) in self.planned.iter().enumerate() {
            if !run.lacking.is_empty() {
                let report = unstarted::unable(self.args, run.wanted, &run.lacking);
                ended(index, report);
            }
        }
        while let Some((index, report)) = runs.next().await {
            // A mutant's time says nothing of its scenario's.
            if !self.args.mutants {
                queue::remember(remembered.as_ref(), &report);
            }
            ended(index, report);
        }
        reports.into_values().collect()
    }

    /// Carries out one run, from its admission to its report.
    async fn one(&self, index: usize, turn: Turn) -> RunReport {
        let run = &self.planned[index];
        let one = run.wanted;
        let mut slot = match turn {
            Turn::Admitted(slot) => slot,
            Turn::Cancelled => return unstarted::report(self.args, one, Outcome::Cancelled, None),
            Turn::Refused(error) => return unstarted::refused(self.args, one, &error),
        };
        let mut starts = run.starts.take();
        if starts.given_up() {
            let guests = &one.scenario.guests;
            starts = self
                .templates
                .starts(guests, &self.images, self.here.0, self.args.cold);
        }
        let job = match self.job(run, &starts) {
            Ok(job) => job,
            Err(error) => {
                let text = format!("begin the evidence of the run: {error}");
                let mut problem = Diagnostic::plain("cli.evidence", text);
                problem.help = Some("another folder: `--evidence DIR`".to_owned());
                return unstarted::report(self.args, one, Outcome::Broken, Some(problem));
            }
        };
        let title = one.title();
        let tell = |news: News<'_>| match news {
            // The guests in a lab VM are emulated twice, and none of them is ever at rest.
            News::Settled if run.vm.is_some() => {}
            News::Settled => queue::rest(&mut slot),
            news => self.tell(index, &title, news),
        };
        let began = moment(SystemTime::now());
        let report = run_job(&job, self.interrupts.clone(), self.asked.take(), tell).await;
        let report = crate::ghosts::blame_the_host(self.args, report);
        let images = one.images.iter().filter_map(|name| self.images.get(name));
        let mut report = damaged::blame_the_image(report, images);
        if self.args.require_all.unwrap_or_else(strict) {
            report.require_all();
        }
        report.started = Some(began);
        starts.discard_failed(&report.guests);
        // The run's processes are gone, so the next may have its place.
        drop(slot);
        report
    }

    fn job(&self, run: &Planned<'_>, starts: &Starts) -> std::io::Result<Job> {
        let one = run.wanted;
        let images = one.images.iter().filter_map(|name| {
            let Image { folder, digest, .. } = self.images.get(name)?.clone();
            Some((name.clone(), JobImage { folder, digest }))
        });
        let evidence = evidence::make_folder(self.args, one)?;
        let vm = run.vm.clone();
        let (accelerator, accelerator_reason) = match vm {
            Some(_) => place::inside(self.args),
            None => self.here.clone(),
        };
        let on = Some((accelerator, vm.is_some()));
        let options = again::options(self.args, one, on);
        // The scenario of a test is gone when the test ends, so its copy in the evidence is named.
        let reproduce = match self.args.hold {
            true => format!("bridgelab rerun {}", quote(&evidence.to_string_lossy())),
            false => again::command(one, &options),
        };
        let options = again::whole(self.args, options);
        let text = &one.sources.text;
        Rerun::write(
            &evidence,
            &one.path,
            text,
            &one.scenario.own_form(),
            options,
        )?;
        Ok(Job {
            reproduce,
            guests: self.args.guests.into(),
            scenario: one.path.clone(),
            sources: (*one.sources).clone(),
            variant: one.form.clone(),
            overrides: one.overrides.clone(),
            images: images.collect(),
            starts: starts.from.clone(),
            vmms: needs::programs(one, self.args),
            accelerator,
            accelerator_reason,
            vm,
            emulated: false,
            alone: false,
            evidence,
            keep: self.args.keep,
            hold: self.args.hold,
            diagnosis: self.args.diagnosis.into(),
            follow_all: self.args.follow_all,
            within: one.within.clone(),
        })
    }

    fn tell(&self, index: usize, title: &str, news: News<'_>) {
        match news {
            News::Progress(text) => self.screen.progress(index, title, text),
            News::Check(Event::Waits {
                check,
                got,
                left_ms,
            }) => {
                let left = Duration::from_millis(*left_ms);
                self.screen.waits(index, title, check, got, left);
            }
            News::Check(Event::Checked { report }) => self.screen.checked(index, title, report),
            News::Kept(
                pid,
                Event::Kept {
                    machines,
                    guests,
                    report,
                    ..
                },
            ) => {
                self.screen.verdict_so_far(report);
                let names = machines.iter().chain(guests);
                let commands: String = names
                    .map(|name| format!("\n  {}", enter::command(pid, name)))
                    .collect();
                self.screen.note(&format!(
                    "{title}: the lab stands. Ctrl-C takes it down. Enter a machine or guest with:{commands}"
                ));
            }
            News::Check(_) | News::Kept(..) | News::Settled => {}
            News::Held(places) => self.handed.tell(&hold::Event::Held { places }),
            News::Answer(answer) => self.handed.tell(&hold::Event::Answer { answer }),
        }
    }

    /// Says what a signal does, and moves the table's clocks. Never returns.
    async fn keep_current(&self) {
        let clock = async {
            let Some(period) = self.screen.tick() else {
                return std::future::pending().await;
            };
            let mut clock = tokio::time::interval(period);
            loop {
                clock.tick().await;
                self.screen.redraw();
            }
        };
        let mut wishes = self.interrupts.clone();
        let interrupts = async {
            while wishes.changed().await.is_ok() {
                let again = match *wishes.borrow_and_update() {
                    1 => "ending in good order; again to kill",
                    _ => "killing",
                };
                let by = self.signals.first().map(|by| by.word());
                let by = by.unwrap_or("let go");
                self.screen.note(&format!("{by}: {again}"));
            }
            std::future::pending::<()>().await;
        };
        let ((), ()) = tokio::join!(clock, interrupts);
    }
}
