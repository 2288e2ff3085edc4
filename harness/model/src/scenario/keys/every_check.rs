//! What every check takes, of whatever kind it is.

use super::{KeyType, TableKeys, flag, may, must, text, time};
use crate::scenario::check_kind::kinds;

pub(crate) const CHECK: TableKeys = TableKeys {
    what: "a check",
    doc: "one property of the network that must hold: exactly one kind of check stands in each",
    keys: &[
        must("id", KeyType::ID, "unique in the scenario"),
        text(
            "from",
            "none, which only `vmm` takes",
            "where to look from: a machine, a guest, or `\"GUEST/CONTAINER\"`",
        ),
        time(
            "within",
            "\"30s\"",
            "how long it may take to hold; at most `\"1h\"`",
        ),
        flag(
            "enabled",
            "true",
            "`false`: it is not looked at in this form, and need not make sense there",
        ),
        may(
            "after",
            KeyType::ID,
            "none: once the lab stands",
            "looked at when the step of this id is done, before the next begins",
        ),
        may(
            "during",
            KeyType::ID,
            "all other checks with the same `after`",
            "whose traffic it is about: begins when the check of this id is over, or the step in `after`",
        ),
        time("holds_for", "none", "how long it must then go on holding"),
        time(
            "fails_until",
            "none",
            "until then it must not hold; less than `within`",
        ),
        flag("fails", "false", "it must not hold at any look"),
    ],
    added: super::Added::NONE,
    one_of: kinds,
};
