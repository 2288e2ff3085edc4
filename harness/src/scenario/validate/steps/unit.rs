//! Unit files that steps write and remove.

use std::path::Path;

use crate::scenario::UnitFile;
use crate::scenario::beneath;
use crate::scenario::error::{Fault, code};
use crate::scenario::load::shown;
use crate::scenario::read::{At, Reader};
use crate::scenario::validate::Context;
use crate::scenario::validate::units::SUFFIXES;

/// The file that a `write_unit` writes: `name` and `content`, or a `file` beside the scenario whose name it keeps.
pub(super) fn written(context: &Context<'_>, reader: &Reader<'_>) -> Option<UnitFile> {
    let (name, content) = (reader.text("name"), reader.text("content"));
    let fault = |at: &At<'_, &str>, code, message: String, label: &str| {
        context
            .faults
            .add(Fault::new(at.place, code, message, label.to_owned()));
    };
    let Some(file) = reader.text("file") else {
        let name = reader.need("name", name);
        let content = reader.need("content", content);
        let name = name.and_then(|name| unit_name(context, &name));
        let name = name?;
        return Some(UnitFile {
            shown: (&name).into(),
            name,
            bytes: content?.value.as_bytes().into(),
        });
    };
    if let Some(content) = content {
        let message = "`write_unit` has both `content` and `file`".to_owned();
        fault(&content, code::CONFLICT, message, "the second content");
    }
    let path = Path::new(file.value);
    if path.is_absolute() {
        let message = "`file` is an absolute path".to_owned();
        let label = "must be relative to the scenario file";
        fault(&file, code::BAD_VALUE, message, label);
        return None;
    }
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    let own = At {
        value: own.as_ref(),
        place: file.place,
    };
    let name = unit_name(context, &name.unwrap_or(own))?;
    match context.files.read(path, beneath::UNIT) {
        Ok(bytes) => Some(UnitFile {
            name,
            shown: shown(&context.files.named(path)),
            bytes,
        }),
        Err(unread) => {
            let what = ("unit file", "the file to write");
            context.unread(&file, what, &unread, code::UNIT_FILE);
            None
        }
    }
}

/// The name of a unit file of a kind that networkd reads, or of a drop-in for one: `10-lan.network.d/mtu.conf`.
pub(super) fn unit_name(context: &Context<'_>, name: &At<'_, &str>) -> Option<String> {
    if is_unit_name(name.value) {
        return Some(name.value.to_owned());
    }
    let message = format!("{:?} is not the name of a unit file", name.value);
    let label = "not a name that networkd reads".to_owned();
    let help = "for example `10-lan.network`, or `10-lan.network.d/mtu.conf` for a drop-in; unit files end in \
                `.network`, `.netdev` or `.link`";
    let fault = Fault::new(name.place, code::BAD_VALUE, message, label);
    context.faults.add(fault.help(help.to_owned()));
    None
}

fn is_unit_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@' | b':');
    let is_file = |name: &str| name.bytes().all(plain) && !name.starts_with('.');
    let ends = |name: &str, suffix: &str| name.strip_suffix(suffix).is_some_and(|s| !s.is_empty());
    let is_unit = |name: &str| is_file(name) && SUFFIXES.iter().any(|suffix| ends(name, suffix));
    match name.split_once(".d/") {
        Some((unit, drop_in)) => is_unit(unit) && is_file(drop_in) && ends(drop_in, ".conf"),
        None => is_unit(name),
    }
}

#[cfg(test)]
mod tests {
    use super::is_unit_name;

    #[test]
    fn units_and_their_drop_ins_have_names() {
        for good in [
            "10-lan.network",
            "br0.netdev",
            "a.link",
            "a.network.d/b.conf",
        ] {
            assert!(is_unit_name(good), "{good}");
        }
        for bad in [
            ".network",
            ".a.network",
            "a.conf",
            "a/b.network",
            "../a.network",
            "a.network.d/b.network",
            "a.network.d/.b.conf",
            "a.network.d/b/c.conf",
            "a.conf.d/b.conf",
        ] {
            assert!(!is_unit_name(bad), "{bad}");
        }
    }
}
