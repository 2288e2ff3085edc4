//! Sysctls: `sysctl -n KEY`.

use futures_util::FutureExt;

use crate::check::ghosts::{self, Ghosts};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::{Looking, has_link};
use crate::check::{ProbeError, Verdict};
use crate::guest::sysctls;
use crate::plan::sysctl::{for_link, link_of};
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, must, table_keys};
use crate::scenario::names::IfName;
use crate::scenario::parse;

/// `sysctl -n KEY` is the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// Dotted key below `net.`.
    pub key: String,
    /// Value.
    pub value: String,
}

impl Declared for Sysctl {
    const KEYS: TableKeys = table_keys(
        "sysctl",
        "`sysctl -n` prints the value",
        &[
            must("key", KeyType::Text, "below `net.`"),
            must("value", KeyType::Text, "value"),
        ],
    );
    const HOLDS: &'static str = "`sysctl -n` prints the value; `key` is below `net.`";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked { reader, .. } = *asked;
        let key = reader.need("key", reader.word("key", parse::sysctl));
        let value = reader.need("value", reader.text("value"));
        Some(Self {
            key: key?.value,
            value: value?.value.to_owned(),
        })
    }
}

impl Kind for Sysctl {
    fn expected(&self) -> String {
        format!("{} = {}", self.key, self.value)
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        ghosts.own().map(ghosts::not_its_own)
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async { look(self, at).await }.boxed_local()
    }

    fn links(&self) -> Vec<IfName> {
        let parts = self.key.split('.');
        parts
            .filter_map(|part| IfName::try_from(part).ok())
            .collect()
    }
}

/// Reads the file below `/proc/sys`, since the program `sysctl` is missing in some images. An interface in the key is named as
/// everywhere in a check.
async fn look(wanted: &Sysctl, at: &Looking<'_>) -> Result<Verdict, ProbeError> {
    let Sysctl { key, value } = wanted;
    let written = link_of(key).map(|link| link.replace('/', "."));
    let local = match &written {
        Some(link) => Some(at.link(link).await?),
        None => None,
    };
    let named = local.as_deref().map(|link| for_link(key, link));
    let path = format!(
        "/proc/sys/{}",
        sysctls::path(named.as_deref().unwrap_or(key))
    );
    let output = at.exec(&["cat", &path]).await?;
    if !output.success() {
        // A missing file proves nothing: the interface in the key may be missing, or a kernel module.
        let missing = ProbeError::NoSysctl {
            key: key.to_owned(),
            said: output.stderr.trim().to_owned(),
        };
        let Some((name, local)) = written.zip(local) else {
            return Err(missing);
        };
        let links = at.json(&["ip", "-j", "link"]).await?;
        return Err(match has_link(&links, &local) {
            true => missing,
            false => ProbeError::NoLink {
                name,
                why: missing.to_string(),
            },
        });
    }
    // The kernel separates several values with tabs.
    let words: Vec<&str> = output.stdout.split_whitespace().collect();
    let got = format!("{key} = {}", words.join(" "));
    Ok(match words.iter().copied().eq(value.split_whitespace()) {
        true => Verdict::holds(got),
        false => Verdict::violated(got),
    })
}
