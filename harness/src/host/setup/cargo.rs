//! Programs that no distribution has, made by `cargo install`.

use std::path::{Path, PathBuf};

use super::installer::install;
use super::run::SetupError;
use crate::deadline::Deadline;
use crate::host::capability::Capability;

/// The crate whose program a capability is.
const fn crate_of(capability: Capability) -> Option<&'static str> {
    match capability {
        Capability::Vmm(kind) => kind.row().install.cargo,
        _ => None,
    }
}

fn arguments(name: &str) -> [&str; 3] {
    ["install", "--locked", name]
}

/// The command that makes the program; `None`: it is no crate's.
pub fn cargo_command(capability: Capability) -> Option<String> {
    let words = arguments(crate_of(capability)?);
    Some(format!("cargo {}", words.join(" ")))
}

/// Where cargo puts programs: `$CARGO_HOME/bin` or `~/.cargo/bin`, whether or not it is on `PATH`.
pub(in crate::host) fn cargo_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = set("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    home.map(|home| home.join("bin"))
}

/// Makes those programs of `missing` that are crates; returns whether there were any. Takes minutes, and downloads.
///
/// # Errors
/// [`SetupError::Cargo`]: cargo is not there, or failed.
pub async fn install_crates(
    missing: &[Capability],
    say: &mut (dyn FnMut(&str) + Send),
    by: Deadline,
) -> Result<bool, SetupError> {
    let mut any = false;
    for (capability, name) in missing
        .iter()
        .filter_map(|one| Some((*one, crate_of(*one)?)))
    {
        any = true;
        let words = arguments(name).map(str::to_owned);
        let made = install(Path::new("cargo"), &words, say, by).await;
        made.map_err(|source| SetupError::Cargo {
            source,
            command: cargo_command(capability),
        })?;
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::HypervisorKind;

    fn vmm(name: &str) -> Capability {
        Capability::Vmm(HypervisorKind::named(name).expect("a row"))
    }

    #[test]
    fn only_what_is_a_crate_is_made_by_cargo() {
        let alioth = vmm("alioth");
        let command = cargo_command(alioth);
        assert_eq!(
            command.as_deref(),
            Some("cargo install --locked alioth-cli")
        );
        let mut others = Capability::all().into_iter().filter(|one| *one != alioth);
        assert!(others.all(|one| cargo_command(one).is_none()));
    }

    #[tokio::test]
    async fn nothing_is_run_when_no_crate_helps() {
        let mut said = Vec::new();
        let mut say = |line: &str| said.push(line.to_owned());
        let missing = [Capability::Kvm, vmm("cloud-hypervisor")];
        let any = install_crates(&missing, &mut say, Deadline::secs(5)).await;
        assert!(!any.expect("nothing to do") && said.is_empty());
    }
}
