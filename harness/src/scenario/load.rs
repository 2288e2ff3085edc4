//! From a path to a scenario and its variants, all of them validated at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::beneath::{self, Beneath, Unread};
use super::error::{Fault, ScenarioErrors, code};
use super::file::{Place, Source, Table, Value, parse};
use super::validate::{Laid, Origin};
use super::{LoadedScenario, Overrides, layers, limits};

/// The version of the format that is read.
const VERSION: i64 = 1;

/// The file in a scenario's folder.
pub(crate) const FILE_NAME: &str = "scenario.toml";

/// Reads and validates a scenario: a folder with a `scenario.toml`, or a `.toml` file.
///
/// # Errors
///
/// Everything that is wrong with the green form or with any variant, each fault once.
pub fn load(path: &Path) -> Result<LoadedScenario, ScenarioErrors> {
    load_with(path, &[])
}

/// As [`load`], with these values in every guest of every form, whatever the file says.
///
/// # Errors
///
/// As of [`load`]; what does not go with such a value is drawn at the value.
pub fn load_with(path: &Path, overrides: &[Overrides]) -> Result<LoadedScenario, ScenarioErrors> {
    let path = file_of(path);
    let origin = origin(path);
    let source = read(&origin)?;
    from_source(&source, &origin, overrides)
}

/// The file of a scenario that is named by its folder or by its file.
pub(crate) fn file_of(path: &Path) -> PathBuf {
    match Beneath::at(path, Path::new("")).folder_id(Path::new("")) {
        Some(_) => path.join(FILE_NAME),
        None => path.to_owned(),
    }
}

/// What [`load`] does with a file `path` that holds `text`; only the folders of unit files that it names are read.
///
/// # Errors
///
/// As of [`load`].
pub fn load_text(path: &Path, text: String) -> Result<LoadedScenario, ScenarioErrors> {
    load_text_with(path, text, &[])
}

/// As [`load_text`], with these values in every guest of every form.
///
/// # Errors
///
/// As of [`load_with`].
pub fn load_text_with(
    path: &Path,
    text: String,
    overrides: &[Overrides],
) -> Result<LoadedScenario, ScenarioErrors> {
    let source = Source::new(shown(path), text, false);
    from_source(&source, &origin(path.to_owned()), overrides)
}

fn from_source(
    source: &Arc<Source>,
    origin: &Origin,
    overrides: &[Overrides],
) -> Result<LoadedScenario, ScenarioErrors> {
    limits::words(source)?;
    let file = parse(source)?;
    version(&file, source)?;
    let mut loaded = layers::read(&file, source, origin, overrides)?;
    loaded.text = source.text.clone();
    Ok(loaded)
}

fn unreadable(source: Arc<Source>, message: String) -> Fault {
    let place = Place { source, span: 0..0 };
    Fault::new(&place, code::UNREADABLE, message, String::new())
}

fn read(origin: &Origin) -> Result<Arc<Source>, ScenarioErrors> {
    let shown = shown(&origin.path);
    let file = Path::new(origin.path.file_name().unwrap_or_default());
    let bytes = origin.files.read_own(file, beneath::SCENARIO);
    let bytes = bytes.map_err(|unread| {
        let message = match &unread {
            Unread::Io(error) => format!("the scenario file cannot be read: {error}"),
            other => other.told("scenario file", &file.to_string_lossy()),
        };
        let empty = Source::new(shown.clone(), String::new(), false);
        unreadable(empty, message).help(unread.help())
    })?;
    String::from_utf8(bytes.to_vec())
        .map(|text| Source::new(shown.clone(), text, false))
        .map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
                + 1;
            let message = format!("the scenario file is not UTF-8 in line {line}");
            unreadable(Source::new(shown, String::new(), false), message).into()
        })
}

/// The path as people know it: relative to the working directory where it lies below it.
pub(crate) fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    below.unwrap_or_else(|| path.components().collect())
}

fn origin(path: PathBuf) -> Origin {
    let folder_name = || {
        std::path::absolute(&path)
            .ok()?
            .parent()?
            .file_name()
            .map(ToOwned::to_owned)
    };
    let name = match path.file_name() {
        Some(name) if name == FILE_NAME => folder_name(),
        _ => path.file_stem().map(ToOwned::to_owned),
    };
    let name = name.unwrap_or_default().to_string_lossy().into_owned();
    let files = Beneath::of(&path);
    let laid = Laid::default();
    Origin {
        name,
        path,
        files,
        laid,
    }
}

/// A file of another version is not looked at further: its other faults would be of our making.
fn version(file: &Table, source: &Arc<Source>) -> Result<(), ScenarioErrors> {
    let node = file.get("version").map(|entry| &entry.node);
    let unknown: String;
    let (message, label) = match node.map(|node| &node.value) {
        Some(Value::Integer(VERSION)) => return Ok(()),
        Some(Value::Integer(other)) => {
            unknown = format!("version {other} of the format is not known");
            (unknown.as_str(), "not known")
        }
        Some(_) => ("`version` is not a number", "not a number"),
        None => ("a scenario needs `version`", "`version` is missing"),
    };
    let (source, span) = (Arc::clone(source), 0..0);
    let place = node.map_or(Place { source, span }, |node| node.place.clone());
    let fault = Fault::new(&place, code::VERSION, message, label);
    Err(fault.help(format!("write `version = {VERSION}`")).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnose;
    use crate::scenario::names::VariantName;
    use crate::scenario::step::Answer;

    const GREEN: &str = "version = 1\nsummary = 'green'\n\
        [guests.a]\ninterfaces = [{ type = 'tap', id = 'vm-a', mac = '02:00:00:00:00:01' }]\n\
        [[checks]]\nid = 'up'\nfrom = 'host'\nping = { to = '192.168.1.1' }\n";

    fn loaded(text: &str) -> Result<LoadedScenario, ScenarioErrors> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.toml");
        std::fs::write(&path, text).unwrap();
        load(&path)
    }

    fn messages(text: &str) -> Vec<String> {
        loaded(text)
            .unwrap_err()
            .faults()
            .map(|fault| fault.message.clone())
            .collect()
    }

    #[test]
    fn the_base_lies_under_the_file() {
        let scenario = loaded(GREEN).unwrap().scenario(None).unwrap();
        assert_eq!(scenario.name, "some");
        let names: Vec<_> = scenario.machines.keys().map(AsRef::<str>::as_ref).collect();
        assert_eq!(names, ["desktop", "host", "internet", "router"]);
        let router = &scenario.machines["router"];
        assert!(
            router.forward
                && router
                    .dnsmasq
                    .as_ref()
                    .is_some_and(|dnsmasq| dnsmasq.ra.is_some())
        );
        assert_eq!(scenario.guests["a"].mem, 1024);
    }

    #[test]
    fn without_the_base_there_is_nothing() {
        let text = GREEN.replace("[guests", "base = 'none'\n[guests");
        assert_eq!(
            messages(&text),
            [
                "there is no machine `host`",
                "there is no machine, guest or container `host`"
            ]
        );
    }

    #[test]
    fn a_machine_of_the_base_can_be_changed_and_taken_away() {
        let text = format!(
            "{GREEN}[machines.desktop]\nenabled = false\n[machines.internet.http]\nbody = 'other'\n"
        );
        let scenario = loaded(&text).unwrap().scenario(None).unwrap();
        assert!(!scenario.machines.contains_key("desktop"));
        let http = scenario.machines["internet"].http.as_ref().unwrap();
        assert_eq!((http.port, http.body.as_str()), (80, "other"));
    }

    #[test]
    fn a_cable_of_the_base_goes_with_both_its_machines() {
        let gone = "enabled = false\n";
        let text = format!("{GREEN}[machines.internet]\n{gone}[machines.router]\n{gone}");
        let scenario = loaded(&text).unwrap().scenario(None).unwrap();
        assert_eq!(
            scenario
                .segments
                .keys()
                .map(AsRef::<str>::as_ref)
                .collect::<Vec<_>>(),
            ["lan"]
        );
    }

    #[test]
    fn variants_say_what_must_fail_and_what_they_saw() {
        let text = format!(
            "{GREEN}[variants.red]\nsummary = 'red'\nmust_fail = ['up']\nseen = {{ up = 'no reply' }}\n\
             [variants.red.machines.desktop]\nforward = true\n\
             [variants.too]\n[[variants.too.checks]]\nid = 'new'\nfrom = 'a'\nwithin = '1m'\n\
             tcp = {{ to = '::1', port = 1 }}\n"
        );
        let loaded = loaded(&text).unwrap();
        let variant = |name: &str| {
            let name = VariantName::try_from(name).unwrap();
            loaded.scenario(Some(&name))
        };
        let red = variant("red").unwrap();
        assert_eq!(
            (red.summary.as_str(), red.must_fail["up"].as_str()),
            ("red", "no reply")
        );
        let too = variant("too").unwrap();
        assert_eq!((too.summary.as_str(), too.checks.len()), ("green", 2));
        assert_eq!(too.checks[1].times.within.as_secs(), 60);
        assert!(too.must_fail.is_empty());
        assert_eq!(
            variant("rde").unwrap_err().help().as_deref(),
            Some("did you mean `red`?")
        );
    }

    #[test]
    fn a_fault_of_several_variants_is_told_once_with_their_names() {
        let text = format!(
            "{GREEN}[variants.x.guests.a]\non = 'hots'\n[variants.y.guests.a]\nmem = 256\n"
        );
        let errors = loaded(&text).unwrap_err();
        let variants: Vec<_> = errors.faults().map(|fault| fault.variants.len()).collect();
        assert_eq!(variants, [1]);
        let text = text.replace("id = 'up'", "id = 'up'\nnot = 1");
        let errors = loaded(&text).unwrap_err();
        let variants: Vec<_> = errors.faults().map(|fault| fault.variants.len()).collect();
        assert_eq!(
            variants,
            [0, 1],
            "a fault of the green form is nobody's in particular"
        );
    }

    #[test]
    fn a_variant_takes_away_by_path_and_by_an_empty_table() {
        let text = format!(
            "{GREEN}[guests.a.sysctls]\n'net.ipv4.ip_forward' = '1'\n'net.ipv4.tcp_sack' = '0'\n\
             [guests.a.docker]\nlog-level = 'warn'\n\
             [variants.x]\nremove = ['guests.a.sysctls.net.ipv4.tcp_sack', 'machines.router.dnsmasq']\n\
             [variants.x.guests.a]\ndocker = {{}}\n"
        );
        let loaded = loaded(&text).unwrap();
        let name = VariantName::try_from("x").unwrap();
        let form = loaded.scenario(Some(&name)).unwrap();
        let guest = &form.guests["a"];
        assert!(guest.docker.is_none());
        assert_eq!(
            guest.sysctls.keys().collect::<Vec<_>>(),
            ["net.ipv4.ip_forward"]
        );
        assert!(form.machines["router"].dnsmasq.is_none());
        let green = loaded.scenario(None).unwrap();
        assert!(green.guests["a"].docker.is_some() && green.guests["a"].sysctls.len() == 2);
    }

    #[test]
    fn a_check_that_is_not_enabled_is_not_in_the_form() {
        let text = format!(
            "{GREEN}[[checks]]\nid = 'other'\nenabled = false\nfrom = 'nobody'\nping = {{ to = '192.168.1.1' }}\n\
             [variants.x]\nchecks = [{{ id = 'other', enabled = true, from = 'host' }}, {{ id = 'up', enabled = false }}]\n"
        );
        let loaded = loaded(&text).unwrap();
        let ids: Vec<Vec<String>> = loaded
            .forms()
            .map(|form| {
                form.checks
                    .iter()
                    .map(|check| check.id.to_string())
                    .collect()
            })
            .collect();
        assert_eq!(ids, [["up"], ["other"]]);
        let text = text.replace("[variants.x]\n", "[variants.x]\nmust_fail = ['up']\n");
        assert_eq!(
            messages(&text),
            ["check `up` must fail, and is not enabled"]
        );
    }

    #[test]
    fn a_step_that_must_fail_must_be_refused_in_that_form_alone() {
        let text = format!(
            "{GREEN}[[steps]]\nid = 'down'\nmay_fail = true\nlink_down = {{ on = 'host', interface = 'eno1' }}\n\
             [[steps]]\nid = 'up-again'\nlink_up = {{ on = 'host', interface = 'eno1' }}\n\
             [variants.x]\nmust_fail = ['down', 'up-again']\nseen = {{ down = 'Cannot find' }}\n\
             machines.desktop.forward = true\n"
        );
        let loaded = loaded(&text).unwrap();
        let answers: Vec<Vec<_>> = loaded
            .forms()
            .map(|form| form.steps.iter().map(|step| step.answer.clone()).collect())
            .collect();
        let refused = |words: &str| Answer::Refused(words.to_owned());
        assert_eq!(
            answers,
            [
                vec![Answer::Either, Answer::Done],
                vec![refused("Cannot find"), refused("")]
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_a_fault_too() {
        let folder = tempfile::tempdir().unwrap();
        let errors = load(folder.path()).unwrap_err();
        assert_eq!(errors.code(), code::UNREADABLE);
        assert!(errors.render(true).contains(FILE_NAME));
    }
}
