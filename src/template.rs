//! What each guest of a run starts from: a template where that is possible, made now if it is missing.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Instant;

use bridgelab_harness::diagnostic::Diagnostic;
use bridgelab_harness::hypervisor::Accelerator;
use bridgelab_harness::image::{Image, Store};
use bridgelab_harness::lab::StartFrom;
use bridgelab_harness::report::GuestReport;
use bridgelab_harness::scenario::Guest;
use bridgelab_harness::scenario::names::MachineName;
use bridgelab_harness::template::{QemuVersion, Shape, TemplateStore};

/// Gives up templates that failed guests of a run, so that nobody meets them again.
pub(crate) fn discard_failed(starts: &BTreeMap<String, StartFrom>, guests: &[GuestReport]) {
    let cold = guests.iter().filter(|guest| guest.start == "cold");
    let failed = cold.filter_map(|guest| match starts.get(&guest.name) {
        Some(StartFrom::Template { folder, .. }) => Some(folder),
        _ => None,
    });
    for folder in failed {
        if let Err(error) = TemplateStore::discard(folder) {
            let why = Diagnostic::new(&error);
            let _ = writeln!(anstream::stderr(), "warning: {why}");
        }
    }
}

/// Whether a template of these has gone since, while the run stood in the queue: another run may have given it up, and
/// whoever makes it again removes the old one first.
pub(crate) fn gone(starts: &BTreeMap<String, StartFrom>) -> bool {
    starts.values().any(|start| match start {
        StartFrom::Template { folder, .. } => !TemplateStore::is_there(folder),
        StartFrom::Cold { .. } => false,
    })
}

/// In a lab VM every guest boots: its templates would be those of another machine, and gone with it.
pub(crate) fn none(guests: &BTreeMap<MachineName, Guest>) -> BTreeMap<String, StartFrom> {
    let reason = "a lab VM has no templates".to_owned();
    let cold = StartFrom::Cold { reason };
    guests
        .keys()
        .map(|name| (name.to_string(), cold.clone()))
        .collect()
}

/// What every guest starts from, by name. Whatever goes wrong with a template ends in a cold boot and its reason.
pub(crate) fn starts(
    guests: &BTreeMap<MachineName, Guest>,
    images: &BTreeMap<String, Image>,
    accelerator: Accelerator,
    cold: bool,
) -> BTreeMap<String, StartFrom> {
    let begun = Instant::now();
    let qemu = QemuVersion::of_this_machine();
    let start = |guest: &Guest| -> Result<StartFrom, String> {
        if cold {
            return Err("asked for".to_owned());
        }
        if let Some(reason) = Shape::refuses(guest) {
            return Err(reason);
        }
        let image = images.get(&guest.image).ok_or("its image is not there")?;
        let qemu = qemu
            .as_ref()
            .map_err(|e| format!("ask QEMU for its version: {e}"))?;
        let shape = Shape {
            image: image.name.clone(),
            image_digest: image.digest.clone(),
            qemu: qemu.clone(),
            accelerator,
            processor: Shape::processor(accelerator),
            vcpu: guest.vcpu,
            mem: guest.mem,
        };
        let mut progress = |text: &str| {
            let _ = writeln!(
                anstream::stderr(),
                "[{:6.1} s] template of {shape}: {text}",
                begun.elapsed().as_secs_f64()
            );
        };
        let store = TemplateStore::new(&Store::cache_folder());
        if !qemu.maps_read_only_ram() && store.is_read_only() {
            let why =
                "the cache is read-only, and QEMU before 8.2 opens a template's memory for writing";
            return Err(why.to_owned());
        }
        let made = store.get_or_make(&shape, &image.folder, &mut progress);
        let template = made.map_err(|error| {
            let why = Diagnostic::new(&error).to_string();
            progress(&format!("guests boot cold instead: {why}"));
            why
        })?;
        Ok(StartFrom::Template {
            folder: template.folder,
            read_only_ram: qemu.maps_read_only_ram(),
        })
    };
    guests
        .iter()
        .map(|(name, guest)| {
            let from = start(guest).unwrap_or_else(|reason| StartFrom::Cold { reason });
            (name.to_string(), from)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_that_was_given_up_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("manifest.json"), "{}").expect("a manifest");
        let template = StartFrom::Template {
            folder: folder.path().to_owned(),
            read_only_ram: true,
        };
        let starts = BTreeMap::from([("test1".to_owned(), template)]);
        assert!(!gone(&starts));
        TemplateStore::discard(folder.path()).expect("it is ours");
        assert!(gone(&starts));
    }
}
