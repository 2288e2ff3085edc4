//! What `bridgelab matrix` can vary. A new axis is a row of [`AXES`]: its option, its column, and what a value of it does.

use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::scenario::Overrides;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum};

use crate::cli::{Accel, Guests, Lab, RunArgs};

/// Something that can be varied.
#[derive(Debug)]
pub(super) struct Axis {
    /// Its option without the dashes, which is also the heading of its column.
    pub(super) name: &'static str,
    /// What a value of it does.
    pub(super) how: How,
    help: &'static str,
}

/// What a value of an axis does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Sets a key of every guest, or of every guest's interfaces, as `run --set` does.
    Key,
    /// The value of `run --guests`.
    Guests,
    /// `cold`: as `run --cold`; `template`: without it.
    Start,
    /// The value of `run --accel`.
    Accel,
    /// The value of `run --lab`.
    Lab,
}

const fn axis(name: &'static str, how: How, help: &'static str) -> Axis {
    Axis { name, how, help }
}

const AXES: [Axis; 14] = [
    axis("hypervisor", How::Key, "VMM programs"),
    axis(
        "nic",
        How::Key,
        "how NICs reach the host: `type` of every interface of guests",
    ),
    axis("machine", How::Key, "QEMU machine types"),
    axis("transport", How::Key, "buses of the virtio devices"),
    axis(
        "image",
        How::Key,
        "images of the guests: `debian:bookworm,debian:trixie`",
    ),
    axis("vcpu", How::Key, "numbers of virtual CPUs"),
    axis("mem", How::Key, "memory of each guest in MiB"),
    axis(
        "queues",
        How::Key,
        "queue pairs of every interface of guests",
    ),
    axis("open", How::Key, "how the VMM gets at its TAP"),
    axis(
        "vhost",
        How::Key,
        "whether the host's kernel moves the frames",
    ),
    axis(
        "guests",
        How::Guests,
        "what stands for the guests: `vm,ghost`",
    ),
    axis("start", How::Start, "how guests start: `template,cold`"),
    axis(
        "accel",
        How::Accel,
        "what runs the guests' instructions: `kvm,tcg`",
    ),
    axis("lab", How::Lab, "where the lab stands: `here,vm`"),
];

/// A value of an axis.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) text: String,
    /// What the value sets, for a [`How::Key`].
    pub(super) overrides: Option<Overrides>,
}

/// An axis with the values that were asked for.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) axis: &'static Axis,
    pub(super) values: Vec<Value>,
}

impl How {
    /// Sets an option of `bridgelab run`; does nothing for a key, which is none.
    pub(super) fn set(self, run: &mut RunArgs, value: &str) {
        match self {
            Self::Key => {}
            Self::Guests => run.guests = Guests::from_str(value, false).unwrap_or_default(),
            Self::Start => run.cold = value == "cold",
            Self::Accel => run.accel = Accel::from_str(value, false).unwrap_or_default(),
            Self::Lab => run.lab = Lab::from_str(value, false).unwrap_or_default(),
        }
    }

    /// The words that an option of `bridgelab run` takes.
    fn words(self) -> Vec<String> {
        fn of<T: ValueEnum>() -> Vec<String> {
            let values = T::value_variants().iter();
            let values = values.filter_map(ValueEnum::to_possible_value);
            values.map(|value| value.get_name().to_owned()).collect()
        }
        match self {
            Self::Key => Vec::new(),
            Self::Guests => of::<Guests>(),
            Self::Start => vec!["template".to_owned(), "cold".to_owned()],
            Self::Accel => of::<Accel>(),
            Self::Lab => of::<Lab>(),
        }
    }

    fn value(self, name: &str, text: &str) -> Result<Value, String> {
        let overrides = match self {
            Self::Key => {
                let overrides = Overrides::new(name, text);
                Some(overrides.map_err(|error| Diagnostic::new(&error).to_string())?)
            }
            _ if self.words().iter().any(|word| word == text) => None,
            _ => {
                let known = self.words().join(", ");
                return Err(format!(
                    "`--{name}` cannot be `{text}`\nhelp: one of {known}"
                ));
            }
        };
        Ok(Value {
            text: text.to_owned(),
            overrides,
        })
    }
}

/// The axes that were given as options, each with its words.
#[derive(Debug, Clone, Default)]
pub(super) struct Axes(Vec<(&'static str, Vec<String>)>);

impl Axes {
    /// The axes that were asked for, with their values.
    ///
    /// # Errors
    /// Every value that its axis does not take, and every value that was given twice.
    pub(super) fn chosen(&self) -> Result<Vec<Chosen>, Vec<String>> {
        let mut faults = Vec::new();
        let mut chosen = Vec::new();
        for axis in &AXES {
            let Some((_, texts)) = self.0.iter().find(|(name, _)| *name == axis.name) else {
                continue;
            };
            let mut values: Vec<Value> = Vec::new();
            for text in texts {
                if values.iter().any(|known| known.text == *text) {
                    faults.push(format!("`--{}` has `{text}` twice", axis.name));
                    continue;
                }
                match axis.how.value(axis.name, text) {
                    Ok(value) => values.push(value),
                    Err(fault) => faults.push(fault),
                }
            }
            chosen.push(Chosen { axis, values });
        }
        if faults.is_empty() {
            Ok(chosen)
        } else {
            Err(faults)
        }
    }
}

impl FromArgMatches for Axes {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = AXES.iter().filter_map(|axis| {
            let values = matches.get_many::<String>(axis.name)?;
            Some((axis.name, values.cloned().collect()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Axes {
    fn augment_args(command: Command) -> Command {
        let group = clap::ArgGroup::new("axes")
            .args(AXES.map(|axis| axis.name))
            .multiple(true)
            .required(true);
        let args = AXES.iter().map(|axis| {
            Arg::new(axis.name)
                .long(axis.name)
                .value_name("VALUE,...")
                .value_delimiter(',')
                .action(ArgAction::Append)
                .help(axis.help)
                .help_heading("What is varied")
        });
        command.args(args).group(group)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_of_a_key_is_a_key_of_guests_or_of_their_interfaces() {
        for axis in AXES.iter().filter(|axis| axis.how == How::Key) {
            let error = Overrides::new(axis.name, "\u{0}").err();
            let told = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(!told.contains("is no key"), "{told}");
        }
    }

    #[test]
    fn all_bad_values_are_told_at_once() {
        let axes = Axes(vec![
            ("transport", vec!["pci".to_owned(), "pcie".to_owned()]),
            ("vcpu", vec!["1".to_owned(), "1".to_owned()]),
            ("guests", vec!["ghosts".to_owned()]),
        ]);
        let faults = axes.chosen().expect_err("three faults");
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].contains("did you mean `pci`?"), "{faults:?}");
        assert_eq!(faults[1], "`--vcpu` has `1` twice");
        assert!(faults[2].contains("one of vm, ghost"), "{faults:?}");
    }
}
