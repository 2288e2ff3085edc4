//! The places of a held lab: where one looks from, and the guests. Thin handles; what they do are checks and steps.

use std::fmt;

use toml::{Table, Value};

use crate::{CheckReport, HeldLab, NoLab, Output, StepOutcome, StepReport};

/// Most edits between a name and what it was meant to be.
const FARTHEST: usize = 3;

/// A place to look from: a machine, a guest, or a container of a guest.
#[derive(Clone, Copy)]
pub struct HeldVantage<'lab> {
    lab: &'lab HeldLab,
    name: &'lab str,
}

/// A guest: `microvm@GUEST`.
#[derive(Clone, Copy)]
pub struct HeldGuest<'lab> {
    lab: &'lab HeldLab,
    name: &'lab str,
}

impl HeldLab {
    /// The machines that are namespaces; of a ghost, see [`guests`](Self::guests).
    pub fn machines(&self) -> impl Iterator<Item = HeldVantage<'_>> {
        let names = self.places.machines.iter();
        names.map(|name| HeldVantage { lab: self, name })
    }

    /// The scenario's guests, ghosts as well, whether they run or not.
    pub fn guests(&self) -> impl Iterator<Item = HeldGuest<'_>> {
        let names = self.places.guests.iter();
        names.map(|name| HeldGuest { lab: self, name })
    }

    /// The place of this name: `MACHINE`, `GUEST` or `GUEST/CONTAINER`.
    ///
    /// # Errors
    /// [`NoLab::Unknown`] with the places there are.
    pub fn vantage(&self, name: &str) -> Result<HeldVantage<'_>, NoLab> {
        let all = &self.places;
        let places = [&all.machines, &all.guests, &all.containers];
        let name = known(name, "vantage", places.into_iter().flatten())?;
        Ok(HeldVantage { lab: self, name })
    }

    /// The guest of this name.
    ///
    /// # Errors
    /// [`NoLab::Unknown`] with the guests there are.
    pub fn guest(&self, name: &str) -> Result<HeldGuest<'_>, NoLab> {
        let name = known(name, "guest", self.places.guests.iter())?;
        Ok(HeldGuest { lab: self, name })
    }
}

impl<'lab> HeldVantage<'lab> {
    /// As a scenario names it: `MACHINE`, `GUEST` or `GUEST/CONTAINER`.
    pub fn name(&self) -> &'lab str {
        self.name
    }

    /// Runs a command here. A status other than 0 is no error.
    ///
    /// # Errors
    /// As [`HeldLab::exec`].
    pub async fn exec<W: AsRef<str>>(
        &self,
        words: impl IntoIterator<Item = W>,
    ) -> Result<Output, NoLab> {
        self.lab.exec(self.name, words).await
    }

    /// Carries out a check from here: [`HeldLab::check`] without `from`.
    ///
    /// # Errors
    /// As [`HeldLab::check`].
    pub async fn check(&self, id: &str, mut keys: Table) -> Result<CheckReport, NoLab> {
        keys.insert("from".to_owned(), self.name.into());
        self.lab.check(id, keys).await
    }

    /// `ip link set INTERFACE up` or `down` here, as the step `link_up` or `link_down`; not in a container.
    ///
    /// # Errors
    /// [`NoLab::Invalid`] where there is no such link, [`NoLab::Refused`] with what the kernel said.
    pub async fn set_link(&self, interface: &str, up: bool) -> Result<StepReport, NoLab> {
        let action = if up { "link_up" } else { "link_down" };
        let keys = [("on", self.name), ("interface", interface)];
        act(self.lab, action, &keys).await
    }
}

impl<'lab> HeldGuest<'lab> {
    /// As the scenario names it.
    pub fn name(&self) -> &'lab str {
        self.name
    }

    /// The place inside it to look from.
    pub fn vantage(&self) -> HeldVantage<'lab> {
        let Self { lab, name } = *self;
        HeldVantage { lab, name }
    }

    /// The place inside one of its containers.
    ///
    /// # Errors
    /// [`NoLab::Unknown`] with the containers there are.
    pub fn container(&self, name: &str) -> Result<HeldVantage<'lab>, NoLab> {
        let Self { lab, name: guest } = *self;
        let own = |place: &&String| place.split_once('/').is_some_and(|(of, _)| of == guest);
        let places = lab.places.containers.iter().filter(own);
        let name = known(&format!("{guest}/{name}"), "container", places)?;
        Ok(HeldVantage { lab, name })
    }

    /// The step `start`: `systemctl start microvm@GUEST`. It returns when the guest can be looked from.
    ///
    /// # Errors
    /// [`NoLab::Invalid`] when it runs already, [`NoLab::Refused`] with what the VMM said.
    pub async fn start(&self) -> Result<StepReport, NoLab> {
        act(self.lab, "start", &[("guest", self.name)]).await
    }

    /// The step `stop`: `systemctl stop microvm@GUEST`.
    ///
    /// # Errors
    /// [`NoLab::Invalid`] when it does not run, [`NoLab::Refused`] with why it could not be stopped.
    pub async fn stop(&self) -> Result<StepReport, NoLab> {
        act(self.lab, "stop", &[("guest", self.name)]).await
    }

    /// The step `restart`: `systemctl restart microvm@GUEST`, with TAPs made anew.
    ///
    /// # Errors
    /// As [`stop`](Self::stop) and [`start`](Self::start).
    pub async fn restart(&self) -> Result<StepReport, NoLab> {
        act(self.lab, "restart", &[("guest", self.name)]).await
    }

    /// The step `plug`: QEMU's `device_add` of the guest's NIC of this name, with its TAP. A NIC that the scenario does not
    /// know needs a `mac`: [`HeldLab::step`].
    ///
    /// # Errors
    /// [`NoLab::Invalid`] when it is plugged in already, [`NoLab::Refused`] with what QEMU said.
    pub async fn plug(&self, interface: &str) -> Result<StepReport, NoLab> {
        let keys = [("guest", self.name), ("interface", interface)];
        act(self.lab, "plug", &keys).await
    }

    /// The step `unplug`: QEMU's `device_del`, and the TAP goes with it.
    ///
    /// # Errors
    /// [`NoLab::Invalid`] when there is no such NIC, [`NoLab::Refused`] with what QEMU said.
    pub async fn unplug(&self, interface: &str) -> Result<StepReport, NoLab> {
        let keys = [("guest", self.name), ("interface", interface)];
        act(self.lab, "unplug", &keys).await
    }
}

impl fmt::Debug for HeldVantage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HeldVantage").field(&self.name).finish()
    }
}

impl fmt::Debug for HeldGuest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HeldGuest").field(&self.name).finish()
    }
}

/// Its name.
impl fmt::Display for HeldVantage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Its name.
impl fmt::Display for HeldGuest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Carries out a step of one action, under an id made of its words.
async fn act(lab: &HeldLab, action: &str, keys: &[(&str, &str)]) -> Result<StepReport, NoLab> {
    let words = keys.iter().map(|&(_, word)| word);
    let id = id_of(words.chain([action]));
    let keys = keys
        .iter()
        .map(|&(key, word)| (key.to_owned(), Value::from(word)));
    let step = Table::from_iter([(action.to_owned(), Value::Table(keys.collect()))]);
    let report = lab.numbered_step(&id, step).await?;
    match report.outcome {
        StepOutcome::Done => Ok(report),
        _ => Err(NoLab::Refused(format!(
            "{}: {}",
            report.command, report.said
        ))),
    }
}

/// `host-eno1-link-down`: an id has lowercase letters, digits, `-` and `.`.
fn id_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    let plain = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9' | '.') => c,
        _ => '-',
    };
    words.join("-").chars().map(plain).collect()
}

/// The lab's own copy of a name.
fn known<'lab>(
    name: &str,
    what: &'static str,
    names: impl Iterator<Item = &'lab String> + Clone,
) -> Result<&'lab str, NoLab> {
    let found = names.clone().find(|known| known.as_str() == name);
    found.map(String::as_str).ok_or_else(|| NoLab::Unknown {
        what,
        name: name.to_owned(),
        help: nearest_or_all(name, what, names),
    })
}

/// The name that was meant, if one is near, or the names there are.
fn nearest_or_all<'lab>(
    name: &str,
    what: &str,
    names: impl Iterator<Item = &'lab String> + Clone,
) -> String {
    let edits = |known: &&String| strsim::osa_distance(name, known);
    let farthest = (name.chars().count() / 3).clamp(1, FARTHEST);
    let nearest = names.clone().min_by_key(edits);
    if let Some(near) = nearest.filter(|near| edits(near) <= farthest) {
        return format!("did you mean `{near}`?");
    }
    let all: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match all.is_empty() {
        true => format!("there are no {what}s"),
        false => format!("{what}s: {}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_makes_an_id() {
        let id = |words: &[&str]| id_of(words.iter().copied());
        assert_eq!(id(&["host", "eno1", "link_down"]), "host-eno1-link-down");
        assert_eq!(id(&["host", "Vm_1@x", "plug"]), "host-vm-1-x-plug");
        assert_eq!(id(&["host", "eth0.5", "link_up"]), "host-eth0.5-link-up");
    }

    #[test]
    fn who_is_not_known_is_told_who_is() {
        let names = ["desktop".to_owned(), "host".to_owned()];
        assert_eq!(known("host", "vantage", names.iter()).ok(), Some("host"));
        let told = |name| match known(name, "vantage", names.iter()) {
            Err(error) => error.to_string(),
            Ok(name) => name.to_owned(),
        };
        assert_eq!(
            told("dekstop"),
            "the lab has no vantage `dekstop`: did you mean `desktop`?"
        );
        assert_eq!(
            told("router"),
            "the lab has no vantage `router`: vantages: `desktop`, `host`"
        );
    }
}
