//! A container as what is looked at: that it runs, or that Docker refused to start it and what it said.

mod inspect;
mod judge;

use futures_util::FutureExt;

use self::judge::judge;
use crate::check::ghosts::{self, Ghosts};
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::MachineName;
use crate::scenario::validate::refused;

/// The container runs, or Docker refused to start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Container of the vantage's guest.
    pub name: MachineName,
    /// Words of Docker's refusal to start it; `None`: the container must run.
    pub refused: Option<String>,
}

impl Declared for Container {
    const KEYS: TableKeys = table_keys(
        "container",
        "the container runs; or Docker refused to start it in these words. From the guest",
        &[
            must("name", KeyType::NAME, "container of the guest"),
            may("refused", KeyType::Text, "it must run", "words of Docker's"),
        ],
    );
    const HOLDS: &'static str =
        "the container runs; or Docker refused to start it in these words. From the guest";
    const LOOKS: Looks = Looks::docker();

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context, reader, ..
        } = *asked;
        let name = asked.container("name");
        let refused = refused(context, reader, "what Docker must say");
        Some(Self {
            name: name?,
            refused,
        })
    }
}

impl Kind for Container {
    fn expected(&self) -> String {
        let name = &self.name;
        match &self.refused {
            Some(words) => format!("Docker to refuse to start {name} and say \"{words}\""),
            None => format!("container {name} to run"),
        }
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, ghosts: &Ghosts<'_>) -> Option<String> {
        ghosts.own().map(ghosts::no_docker)
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let key = (at.from.owner().to_owned(), self.name.to_string());
            let start = at.around.containers.get(&key);
            let seen = inspect::look(self.name.as_ref(), start, at).await?;
            Ok(judge(self.refused.as_deref(), &seen))
        }
        .boxed_local()
    }
}
