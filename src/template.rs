//! What each guest of a run starts from: a template where that is possible, made now if it is missing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::time::Instant;

use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::hypervisor::Accelerator;
use bridgelab_harness::image::{Image, Store};
use bridgelab_harness::lab::StartFrom;
use bridgelab_harness::report::GuestReport;
use bridgelab_harness::scenario::Guest;
use bridgelab_harness::scenario::names::MachineName;
use bridgelab_harness::template::{CacheKey, QemuVersion, Template, TemplateStore};

/// What the guests of a run start from, by name. While this exists, its templates are not deleted.
#[derive(Debug, Default)]
pub(crate) struct Starts {
    /// As the run's worker is told it.
    pub(crate) from: BTreeMap<String, StartFrom>,
    templates: Vec<Rc<Template>>,
}

impl Starts {
    /// Cold starts for all guests of a lab VM. A template made there would fit only that VM's machine, and would be gone with
    /// it.
    pub(crate) fn in_a_vm(guests: &BTreeMap<MachineName, Guest>) -> Self {
        let reason = "a lab VM has no templates".to_owned();
        let cold = StartFrom::Cold { reason };
        let from = guests
            .keys()
            .map(|name| (name.to_string(), cold.clone()))
            .collect();
        Self {
            from,
            templates: Vec::new(),
        }
    }

    fn template(&self, guest: &str) -> Option<&Path> {
        match self.from.get(guest)? {
            StartFrom::Template { folder, .. } => Some(folder),
            StartFrom::Cold { .. } => None,
        }
    }

    /// Gives up templates from which no guest of a run came up, so that no later run uses them. A template from which another
    /// guest started is whole, so something else kept the guest from starting.
    pub(crate) fn discard_failed(&self, guests: &[GuestReport]) {
        for folder in self.failed(guests) {
            if let Err(error) = TemplateStore::discard(folder) {
                let why = Diagnostic::new(&error);
                let _ = writeln!(anstream::stderr(), "warning: {why}");
            }
        }
    }

    fn failed(&self, guests: &[GuestReport]) -> BTreeSet<&Path> {
        let of = |start: &'static str| {
            let these = guests.iter().filter(move |guest| guest.start == start);
            these.filter_map(|guest| self.template(&guest.name))
        };
        let good: BTreeSet<&Path> = of("template").collect();
        of("cold").filter(|folder| !good.contains(folder)).collect()
    }

    /// Bytes of memory for sealed copies of the templates' memory, which a run takes beside its guests.
    pub(crate) fn sealed(&self) -> u64 {
        let sealed = self.from.values().filter_map(|from| match from {
            StartFrom::Template {
                folder,
                read_only_ram: false,
            } => Some(folder),
            _ => None,
        });
        let once: BTreeSet<&PathBuf> = sealed.collect();
        once.into_iter()
            .map(|folder| TemplateStore::memory(folder))
            .sum()
    }

    /// Whether one of these templates was given up while the run waited in the queue.
    pub(crate) fn given_up(&self) -> bool {
        let templates = &self.templates;
        templates
            .iter()
            .any(|template| !TemplateStore::is_there(&template.folder))
    }
}

/// Templates of all runs of this process. Each is held once, however many guests start from it.
#[derive(Debug, Default)]
pub(crate) struct Templates(RefCell<BTreeMap<PathBuf, Weak<Template>>>);

impl Templates {
    fn hold(&self, template: Template) -> Rc<Template> {
        let mut held = self.0.borrow_mut();
        if let Some(known) = held.get(&template.folder).and_then(Weak::upgrade) {
            return known;
        }
        let template = Rc::new(template);
        held.insert(template.folder.clone(), Rc::downgrade(&template));
        template
    }

    /// What every guest starts from, by name. Any trouble with a template leads to a cold start that says why.
    pub(crate) fn starts(
        &self,
        guests: &BTreeMap<MachineName, Guest>,
        images: &BTreeMap<String, Image>,
        accelerator: Accelerator,
        cold: bool,
    ) -> Starts {
        let begun = Instant::now();
        let qemu = QemuVersion::of_this_machine();
        let mut templates: Vec<Rc<Template>> = Vec::new();
        let mut start = |guest: &Guest| -> Result<StartFrom, String> {
            if cold {
                return Err("asked for".to_owned());
            }
            if let Some(reason) = CacheKey::refuses(guest) {
                return Err(reason);
            }
            let image = images.get(&guest.image).ok_or("its image is not there")?;
            let qemu = qemu
                .as_ref()
                .map_err(|e| format!("ask QEMU for its version: {e}"))?;
            let key = CacheKey {
                image: image.name.clone(),
                image_digest: image.digest.clone(),
                qemu: qemu.clone(),
                accelerator,
                processor: CacheKey::processor(accelerator),
                vcpu: guest.vcpu,
                mem: guest.mem,
            };
            let mut progress = |text: &str| {
                let _ = writeln!(
                    anstream::stderr(),
                    "[{:6.1} s] template of {key}: {text}",
                    begun.elapsed().as_secs_f64()
                );
            };
            let store = TemplateStore::new(&Store::cache_folder());
            let made = store.get_or_make(&key, &image.folder, &mut progress);
            let template = made.map_err(|error| {
                let why = Diagnostic::new(&error).to_string();
                progress(&format!("guests boot cold instead: {why}"));
                why
            })?;
            let template = self.hold(template);
            let from = StartFrom::Template {
                folder: template.folder.clone(),
                read_only_ram: qemu.maps_read_only_ram(),
            };
            templates.push(template);
            Ok(from)
        };
        let from = guests
            .iter()
            .map(|(name, guest)| {
                let from = start(guest).unwrap_or_else(|reason| StartFrom::Cold { reason });
                (name.to_string(), from)
            })
            .collect();
        Starts { from, templates }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(of: &[(&str, &str)]) -> Starts {
        let template = |folder: &str| StartFrom::Template {
            folder: folder.into(),
            read_only_ram: true,
        };
        let from = of
            .iter()
            .map(|&(guest, folder)| (guest.to_owned(), template(folder)));
        Starts {
            from: from.collect(),
            templates: Vec::new(),
        }
    }

    fn began(name: &str, start: &str) -> GuestReport {
        GuestReport {
            name: name.to_owned(),
            machine: "q35".to_owned(),
            reason: String::new(),
            start: start.to_owned(),
            start_reason: String::new(),
            memory: None,
            nics: Vec::new(),
        }
    }

    #[test]
    fn a_template_is_to_blame_when_no_guest_came_up_from_it() {
        let starts = starts(&[("test1", "a"), ("test2", "a"), ("test3", "b")]);
        let guests = ["test1", "test2", "test3"].map(|name| began(name, "cold"));
        let failed = starts.failed(&guests);
        assert_eq!(failed, ["a", "b"].map(Path::new).into());
    }

    #[test]
    fn a_template_that_others_started_from_is_not_to_blame() {
        let starts = starts(&[("test1", "a"), ("test2", "a")]);
        let guests = [began("test1", "cold"), began("test2", "template")];
        assert!(starts.failed(&guests).is_empty());
    }
}
