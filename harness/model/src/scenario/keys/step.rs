//! What every step takes, whatever its action.

use super::{KeyType, TableKeys, flag, may, must, text, time};
use crate::scenario::action;

pub(crate) const STEP: TableKeys = TableKeys {
    what: "a step",
    doc: "done once the lab stands, after the step before it: exactly one action stands in each",
    keys: &[
        must("id", KeyType::ID, "unique among the steps"),
        flag(
            "enabled",
            "true",
            "`false` takes a step of a lower layer away; the checks after it are looked at all the same",
        ),
        may(
            "before",
            KeyType::ID,
            "none: to the end",
            "a variant's new step goes before the step of this id",
        ),
        time(
            "within",
            "`\"30s\"`; `\"60s\"` for `start` and `restart`",
            "how long it may take; at most `\"1h\"`",
        ),
        flag(
            "may_fail",
            "false",
            "the run goes on when the kernel or the tool refuses it",
        ),
        text(
            "refused",
            "none",
            "it must be refused, with these words in what the kernel or the tool says",
        ),
    ],
    added: super::Added::NONE,
    one_of: action::keys,
};
