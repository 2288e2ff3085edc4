//! A guest's VMM as what is looked at: that it runs, or that it refused to start and what it said.

mod ask;
mod judge;

pub(super) use judge::one_line;

use futures_util::FutureExt;

use self::Vmm as Wanted;
use self::judge::judge;
use crate::check::ghosts::Ghosts;
use crate::check::kind::{Kind, Looked};
use crate::check::looking::Looking;
use crate::scenario::VantagePoint;
use crate::scenario::check_kind::{Asked, Declared, Looks};
use crate::scenario::error::{Fault, code};
use crate::scenario::keys::{KeyType, TableKeys, may, must, table_keys};
use crate::scenario::names::MachineName;
use crate::scenario::validate::{holder, refused};

/// The guest's VMM runs, or refused to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vmm {
    /// Whose VMM.
    pub guest: MachineName,
    /// Words of its stderr when it must have refused; `None`: it must run.
    pub refused: Option<String>,
}

impl Declared for Vmm {
    const KEYS: TableKeys = table_keys(
        "vmm",
        "the guest's VMM runs; or it refused to start and its stderr has these words. Needs no `from`",
        &[
            must("guest", KeyType::NAME, "whose VMM"),
            may(
                "refused",
                KeyType::Text,
                "it must run",
                "words of its stderr",
            ),
        ],
    );
    const HOLDS: &'static str = "the guest's VMM runs; or it refused to start and its stderr has these words. Needs no `from`";
    const LOOKS: Looks = Looks::ANYWHERE;

    fn read(asked: &Asked<'_, '_>) -> Option<Self> {
        let Asked {
            context,
            reader,
            from,
            ..
        } = *asked;
        let guest = asked.guest();
        if let (Some(guest), Some(from)) = (&guest, from)
            && let Some(holder) = holder(context, guest.value)
            && from.value != VantagePoint::Machine(holder.clone())
        {
            let message = format!("the VMM of `{}` runs on `{holder}`", guest.value);
            let label = "it cannot be looked at from here".to_owned();
            let fault = Fault::new(from.place, code::CONFLICT, message, label);
            let help = "`vmm` needs no `from`".to_owned();
            context.faults.add(fault.help(help));
        }
        let refused = refused(context, reader, "what the VMM must say on stderr");
        Some(Self {
            guest: MachineName::try_from(guest?.value).ok()?,
            refused,
        })
    }
}

impl Kind for Wanted {
    fn expected(&self) -> String {
        let guest = &self.guest;
        match &self.refused {
            Some(words) => format!("the VMM of {guest} to refuse to start and say \"{words}\""),
            None => format!("the VMM of {guest} to run"),
        }
    }

    fn holds_by_lack(&self) -> bool {
        false
    }

    fn ghost_limit(&self, _: &Ghosts<'_>) -> Option<String> {
        Some(format!("{} is a ghost: it has no VMM", self.guest))
    }

    fn look<'a>(&'a self, at: &'a Looking<'a>) -> Looked<'a> {
        async {
            let seen = ask::look(at.around.vmms.get(self.guest.as_ref())).await;
            Ok(judge(self.refused.as_deref(), &seen))
        }
        .boxed_local()
    }
}
