//! The command line.

use std::path::PathBuf;

use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::lab::Sought;
use bridgelab_harness::plan::GuestKind;
use bridgelab_harness::plan::picture::{self, Picture};
use bridgelab_harness::scenario::{Overrides, OverridesError, Scenario};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{bench, commands, enter, explain, list, matrix, mutate, new, report, rerun, run};

const EXIT_CODES: &str = "\
Exit codes:
    0  every run that was asked for was judged, and passed
    1  a check failed
    2  a scenario or an option is invalid, or a report's place cannot be written; nothing was built
    3  a run was skipped as a whole: this host cannot do it, or ghosts cannot show it; the report says why
    4  host, image, VMM or harness broke, or evidence or output could not be written; no verdict on the network
    5  passed, but something was left behind
    6  a stage took too long; the report names it
  130  interrupted by Ctrl-C; 143 by SIGTERM, 129 by SIGHUP";

/// Boots real MicroVMs on a real bridge and says, with evidence, whether they have the network they should have.
#[derive(Debug, Parser)]
#[command(name = "bridgelab", version, after_help = EXIT_CODES)]
struct Cli {
    /// Folder of image recipes; without it, the program's own. They are programs: name only one that you trust.
    #[arg(long, global = true, value_name = "DIR", env = "BRIDGELAB_IMAGES")]
    images: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios: build the network, boot the guests, check, and give a verdict with evidence.
    #[command(after_help = EXIT_CODES)]
    Run(RunArgs),
    /// Say what this machine can do for the harness, and the command that mends what it cannot.
    Doctor(crate::doctor::DoctorArgs),
    /// List the scenarios: what each form proves, what must fail in it, and what it needs of the machine.
    #[command(after_help = crate::list::kinds_in_short())]
    List {
        /// Only scenarios with this tag; given twice, with either.
        #[arg(long)]
        tag: Vec<String>,
        /// Print the list as JSON.
        #[arg(long)]
        json: bool,
        /// Instead, what a scenario can ask for: each kind of check with its keys and when it holds, and each action of
        /// steps.
        #[arg(long, conflicts_with_all = ["tag", "json"])]
        kinds: bool,
    },
    /// Write a scenario to start from: a folder with unit files and a commented scenario.toml, which runs green.
    New {
        /// Its name below scenarios/, for example regress/issue-1; or a path that begins with `./` or `/`.
        name: String,
    },
    /// Validate scenario files without building anything.
    Check {
        /// Scenario names or files.
        #[arg(required = true)]
        scenarios: Vec<String>,
        /// Take warnings about unit files as errors.
        #[arg(long)]
        strict: bool,
    },
    /// Show what a run would do, each step with its equivalent ip, networkctl or qemu command.
    Plan {
        /// Scenario name or file.
        scenario: String,
        /// Variant; the green form when absent.
        #[arg(long)]
        variant: Option<String>,
        /// What stands for the guests.
        #[arg(long, value_enum, default_value = "vm")]
        guests: Guests,
        /// Take warnings about unit files as errors.
        #[arg(long)]
        strict: bool,
        /// Instead, draw the topology as a Mermaid flowchart, which GitHub and GitLab show in a fenced block.
        #[arg(long, conflicts_with_all = ["svg", "guests"])]
        mermaid: bool,
        /// Instead, draw the topology as SVG.
        #[arg(long, conflicts_with = "guests")]
        svg: bool,
    },
    /// Run a scenario with every combination of some values; one table of verdicts, with what differs.
    #[command(after_help = matrix::EXIT_CODES)]
    Matrix(matrix::MatrixArgs),
    /// Break one thing of a scenario at a time, and say which lines of its configuration no check would miss.
    #[command(after_help = mutate::EXIT_CODES)]
    Mutate(mutate::MutateArgs),
    /// Print the JSON Schema of scenario files, for editors.
    Schema {
        /// Instead, write the tables of kinds of checks and actions in this README anew.
        #[arg(long, value_name = "FILE")]
        readme: Option<PathBuf>,
    },
    /// List the checks that two reports saw differently; skipped ones aside.
    Compare {
        /// A file that `run --json` wrote.
        here: PathBuf,
        /// Another.
        there: PathBuf,
    },
    /// Print the verdicts of a report.json again.
    Report(report::ReportArgs),
    /// Say why checks of a run do not hold: the line that is to blame, where the packet stopped, and whether the remedy mends it.
    Explain(explain::ExplainArgs),
    /// Do again what a folder of evidence is of, by the scenario and options that lie in it.
    Rerun(rerun::RerunArgs),
    /// Build, list or locate guest images.
    Image {
        #[command(subcommand)]
        action: ImageAction,
    },
    /// Measure what things take, in turn with what they are compared with; tables with medians and ranges.
    Bench(bench::BenchArgs),
    /// Run a shell or a command on a machine or guest of a lab that `run --keep` holds.
    Enter(enter::EnterArgs),
}

/// What to do about images.
#[derive(Debug, Subcommand)]
pub(crate) enum ImageAction {
    /// Build an image into the cache, unless it is there.
    Build {
        /// Recipe under images/, for example debian or debian:bookworm.
        #[arg(default_value = "debian")]
        name: String,
    },
    /// List the recipes and which are built.
    List,
    /// Print the folder of a built image.
    Path {
        /// Recipe under images/.
        #[arg(default_value = "debian")]
        name: String,
    },
}

/// Accelerators that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Accel {
    /// KVM where it is proven to run a stock kernel, TCG otherwise.
    #[default]
    Auto,
    /// KVM, or the run is skipped.
    Kvm,
    /// QEMU's translator.
    Tcg,
}

/// What can stand for a scenario's guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Guests {
    /// MicroVMs.
    #[default]
    Vm,
    /// Network namespaces with the guests' unit files: quick, and blind to what only a MicroVM has.
    Ghost,
}

/// When causes are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Diagnosis {
    /// Leave it at the verdict.
    Never,
    /// When a check fails that should hold.
    #[default]
    Unexpected,
    /// When any check does not hold, also in a form where it must not.
    Always,
}

impl From<Diagnosis> for Sought {
    fn from(diagnosis: Diagnosis) -> Self {
        match diagnosis {
            Diagnosis::Never => Self::Never,
            Diagnosis::Unexpected => Self::Unexpected,
            Diagnosis::Always => Self::Always,
        }
    }
}

/// Where a run's lab can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Lab {
    /// On this machine.
    #[default]
    Here,
    /// In a VM on it that has a full kernel and KVM, whatever this machine has.
    Vm,
    /// In such a VM where this machine lacks something that the scenario needs and the VM has; else here.
    Auto,
}

impl From<Guests> for GuestKind {
    fn from(guests: Guests) -> Self {
        match guests {
            Guests::Vm => Self::Vm,
            Guests::Ghost => Self::Ghost,
        }
    }
}

/// Options of `bridgelab run`.
#[derive(Debug, Default, Args)]
pub(crate) struct RunArgs {
    /// Scenario names under scenarios/, or paths anywhere.
    #[arg(required_unless_present_any = ["tag", "all"])]
    pub(crate) scenarios: Vec<String>,
    /// Only scenarios with this tag; given twice, with either. Without names: of all scenarios.
    #[arg(long)]
    pub(crate) tag: Vec<String>,
    /// Run every scenario.
    #[arg(long, conflicts_with = "scenarios")]
    pub(crate) all: bool,
    /// Run only this form, as `bridgelab list` names it: `green` or a variant, all of it or with values of its matrix
    /// (`green,vcpu=2`). Without it: the green form.
    #[arg(long)]
    pub(crate) variant: Option<String>,
    /// Run the green form and every variant.
    #[arg(long, conflicts_with = "variant")]
    pub(crate) all_variants: bool,
    /// A value for a key of every guest, or of every guest's interfaces, over what the scenario says: `vcpu=2`.
    #[arg(long, value_name = "KEY=VALUE", value_parser = overrides)]
    pub(crate) set: Vec<Overrides>,
    /// The VMM program of every guest, whatever the scenario says: as `--set hypervisor=NAME`.
    #[arg(long, value_name = "NAME", value_parser = hypervisor)]
    pub(crate) hypervisor: Option<Overrides>,
    /// How every NIC of guests reaches the host, whatever the scenario says: as `--set nic=TYPE`.
    #[arg(long, value_name = "TYPE", value_parser = nic)]
    pub(crate) nic: Option<Overrides>,
    #[command(flatten)]
    pub(crate) vmms: crate::doctor::VmmArgs,
    /// What runs the guests' instructions.
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) accel: Accel,
    /// Boot every guest's kernel; without it, guests start from a template that is made once.
    #[arg(long, env = "BRIDGELAB_COLD", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) cold: bool,
    /// A run in which anything was skipped has failed. Without it: where BRIDGELAB_STRICT=1 is set; `--require-all=false` there
    /// for whoever asks for ghosts.
    #[arg(long, env = "BRIDGELAB_REQUIRE_ALL", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(crate) require_all: Option<bool>,
    /// What stands for the guests.
    #[arg(long, value_enum, default_value = "vm")]
    pub(crate) guests: Guests,
    /// Where the lab stands.
    #[arg(long, value_enum, default_value = "here", env = "BRIDGELAB_LAB")]
    pub(crate) lab: Lab,
    /// Hold the lab after the checks and print how to enter each machine.
    #[arg(long)]
    pub(crate) keep: bool,
    /// When to look for the causes of checks that do not hold.
    #[arg(long, value_enum, default_value = "unexpected", value_name = "WHEN")]
    pub(crate) diagnosis: Diagnosis,
    /// Carry out each remedy that is a change of files in a second lab, and say how many checks hold with it.
    #[arg(long, conflicts_with_all = ["keep", "hold"])]
    pub(crate) prove: bool,
    /// Do what a test asks for on stdin, answer on stdout: for `bridgelab-client`.
    #[arg(long, hide = true, conflicts_with_all = ["keep", "all_variants", "all", "json"])]
    pub(crate) hold: bool,
    /// Install what is missing on this machine (apt) before running.
    #[arg(long, env = "BRIDGELAB_SETUP", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) setup: bool,
    /// Write the report as JSON into a file, or `-` for stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the report as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Run at most N labs at once, those of the user's other processes counted. Without it: as many as fit into
    /// three quarters of the memory that is available and of the cores.
    #[arg(long, value_name = "N", env = "BRIDGELAB_JOBS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) jobs: Option<u32>,
    /// Draw where each run's time went.
    #[arg(long)]
    pub(crate) timings: bool,
    /// Take warnings about unit files as errors: nothing is built.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Folder for evidence; a folder for each run is made in it.
    #[arg(long, value_name = "DIR")]
    pub(crate) evidence: Option<PathBuf>,
    /// Whether stdout is kept free for something else, such as a table.
    #[arg(skip)]
    pub(crate) quiet: bool,
    /// Whether these are mutants of a scenario, of which many runs are alike.
    #[arg(skip)]
    pub(crate) mutants: bool,
    /// Whether the packets of every check are followed, of those that hold as well.
    #[arg(skip)]
    pub(crate) follow_all: bool,
}

impl RunArgs {
    /// The values that are laid over those of the scenarios.
    pub(crate) fn overrides(&self) -> Vec<Overrides> {
        let named = [&self.hypervisor, &self.nic].into_iter().flatten();
        self.set.iter().chain(named).cloned().collect()
    }
}

fn hypervisor(text: &str) -> Result<Overrides, String> {
    overrides(&format!("hypervisor={text}"))
}

fn nic(text: &str) -> Result<Overrides, String> {
    overrides(&format!("nic={text}"))
}

/// Reads `KEY=VALUE`; an error has the remedy.
fn overrides(text: &str) -> Result<Overrides, String> {
    text.parse()
        .map_err(|error: OverridesError| Diagnostic::new(&error).to_string())
}

/// Parses the command line and runs the command. Returns the exit code.
pub(crate) fn main() -> i32 {
    let cli = Cli::parse();
    crate::own::take_images_from(cli.images);
    match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Doctor(args) => crate::doctor::doctor(&args),
        Command::List { kinds: true, .. } => list::kinds(),
        Command::List { tag, json, .. } => list::list(&tag, json),
        Command::New { name } => new::new(&name),
        Command::Check { scenarios, strict } => commands::check(&scenarios, strict),
        Command::Plan {
            scenario,
            variant,
            guests,
            strict,
            mermaid,
            svg,
        } => {
            let draw: fn(&Scenario) -> String = match (mermaid, svg) {
                (true, _) => |form| picture::mermaid(&Picture::of(form)),
                (_, true) => |form| picture::svg(&Picture::of(form)),
                (false, false) => {
                    return commands::plan(&scenario, variant.as_deref(), guests.into(), strict);
                }
            };
            commands::draw(&scenario, variant.as_deref(), strict, draw)
        }
        Command::Matrix(args) => matrix::matrix(&args),
        Command::Mutate(args) => mutate::mutate(&args),
        Command::Schema { readme } => commands::schema(readme.as_deref()),
        Command::Compare { here, there } => crate::compare::compare_files(&here, &there),
        Command::Report(args) => report::report(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Rerun(args) => rerun::rerun(&args),
        Command::Image { action } => commands::image(&action),
        Command::Bench(args) => bench::bench(&args),
        Command::Enter(args) => enter::enter(&args),
    }
}
