//! Which kernel modules could still be loaded. A lacking feature has a remedy only where its module could be.

use std::fs;
use std::path::Path;

/// Release of the running kernel, for example `6.12.0-amd64`.
pub(crate) fn kernel_release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The command that loads module `name`, when the module is installed and not loaded yet.
pub(crate) fn load_command(name: &str, root: bool) -> Option<String> {
    let index = Path::new("/lib/modules")
        .join(kernel_release())
        .join("modules.dep");
    let index = fs::read_to_string(index).ok()?;
    (lists(&index, name) && !Path::new("/sys/module").join(name).exists())
        .then(|| as_root(&format!("modprobe {name}"), root))
}

/// Whether a `modules.dep` lists module `name`; file names use `-` and `_` alike.
fn lists(index: &str, name: &str) -> bool {
    index
        .lines()
        .filter_map(|line| line.split(':').next())
        .any(|path| {
            let file = path.rsplit('/').next().unwrap_or(path);
            file.split_once(".ko")
                .is_some_and(|(stem, _)| stem.replace('-', "_") == name)
        })
}

/// `command` as this user has to type it.
pub(crate) fn as_root(command: &str, root: bool) -> String {
    if root {
        command.to_owned()
    } else {
        format!("sudo {command}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_files_are_found_by_their_kernel_name() {
        let index = "kernel/net/sched/sch_netem.ko.xz:\nkernel/drivers/vhost/vhost-net.ko: kernel/drivers/vhost.ko\n";
        assert!(lists(index, "sch_netem"));
        assert!(lists(index, "vhost_net"));
        assert!(
            !lists(index, "vhost"),
            "a dependency is not a module of that line"
        );
        assert!(!lists(index, "tun"));
    }
}
