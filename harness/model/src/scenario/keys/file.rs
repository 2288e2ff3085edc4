//! The file, its variants, its segments.

use super::{
    CHECK, GUEST, KeyType, MACHINE, MTU, STEP, SWITCH_PORT, TableKeys, first_of_each, flag, list,
    map, may, must, table_keys, text,
};
use crate::scenario::needs::capabilities;

/// The words of `base`: whether the base topology is laid under the file.
pub(crate) const BASES: [(&str, bool); 2] = [("lan", true), ("none", false)];
/// The words of a segment's `kind`: whether it is a switch, and not a cable.
pub(crate) const IS_SWITCH: [(&str, bool); 2] = [("cable", false), ("switch", true)];

/// Of the file and of its variants.
const SEGMENTS: KeyType = KeyType::Map(&KeyType::Table(&SEGMENT));
const MACHINES: KeyType = KeyType::Map(&KeyType::Table(&MACHINE));
const GUESTS: KeyType = KeyType::Map(&KeyType::Table(&GUEST));
const NEEDS: KeyType = KeyType::List(&KeyType::Names(capabilities));
const CHECKS: KeyType = KeyType::ById(&CHECK);
const STEPS: KeyType = KeyType::ById(&STEP);

pub(crate) const FILE: TableKeys = table_keys(
    "a scenario",
    "a network, and what must hold in it",
    &[
        must("version", KeyType::Integer(1, 1), "version of this format"),
        must("summary", KeyType::Text, "one line for people"),
        text("source", "none", "the page or report it comes from"),
        list("tags", &KeyType::Text, "labels to filter by"),
        may(
            "needs",
            NEEDS,
            "[]",
            "what the machine must offer, by the names of `bridgelab doctor`; otherwise the run is skipped",
        ),
        may(
            "base",
            KeyType::Words(&first_of_each(&BASES)),
            "\"lan\"",
            "what is laid under the file; `\"none\"`: nothing",
        ),
        list(
            "remove",
            &KeyType::Text,
            "what is taken away from the base, by paths: `\"machines.router.dnsmasq\"`",
        ),
        may("segments", SEGMENTS, "{}", "cables and switches"),
        may("machines", MACHINES, "{}", "network namespaces"),
        may("guests", GUESTS, "{}", "MicroVMs"),
        may("checks", CHECKS, "[]", "what must hold, in this order"),
        may(
            "steps",
            STEPS,
            "[]",
            "what is done once the lab stands, in this order",
        ),
        may(
            "matrix",
            KeyType::Matrix,
            "{}",
            "keys of every guest and of its interfaces, or under the name of a guest or machine of that one, or under that of one of its interfaces; each with several values, of which every combination is a form of its own",
        ),
        map(
            "variants",
            &KeyType::Table(&VARIANT),
            "changes to the file, each with what must fail by it",
        ),
    ],
);

/// The keys of the base topology, over which the file is laid.
pub(crate) const BASED: &[&str] = &["segments", "machines"];

/// The keys of a variant that are laid over the file.
pub(crate) const LAYERED: &[&str] = &["segments", "machines", "guests", "checks", "steps"];

pub(crate) const VARIANT: TableKeys = table_keys(
    "a variant",
    "laid over the file; the checks in `must_fail` must fail, all others must hold",
    &[
        text("summary", "the file's", "one line for people"),
        list(
            "must_fail",
            &KeyType::TextOr(&ANY_OF),
            "the checks that must fail, and the steps that must be refused, and sets of checks of which at least one must fail; all others must hold",
        ),
        map(
            "seen",
            &KeyType::Text,
            "for an id in `must_fail`: words that what was got, or what refused the step, must contain",
        ),
        may(
            "needs",
            NEEDS,
            "[]",
            "what the machine must offer besides what the file needs",
        ),
        list(
            "remove",
            &KeyType::Text,
            "what is taken away from the file, by paths: `\"guests.test1.docker\"`, `\"checks.ping.within\"`",
        ),
        may("segments", SEGMENTS, "{}", "laid over the file's"),
        may("machines", MACHINES, "{}", "laid over the file's"),
        may("guests", GUESTS, "{}", "laid over the file's"),
        may("checks", CHECKS, "[]", "laid over the file's, by `id`"),
        may("steps", STEPS, "[]", "laid over the file's, by `id`"),
    ],
);

pub(crate) const ANY_OF: TableKeys = table_keys(
    "a set in `must_fail`",
    "checks of which at least one must fail; each may hold",
    &[must(
        "any_of",
        KeyType::List(&KeyType::ID),
        "at least two checks; words in `seen` are for each that fails",
    )],
);

pub(crate) const SEGMENT: TableKeys = table_keys(
    "a segment",
    "what interfaces of machines are plugged into",
    &[
        must(
            "kind",
            KeyType::Words(&first_of_each(&IS_SWITCH)),
            "a cable joins exactly two interfaces; a switch any number",
        ),
        may(
            "mtu",
            MTU,
            "that of each interface",
            "of the switch's sockets, in bytes: what is longer is lost",
        ),
        flag(
            "multicast_snooping",
            "false",
            "whether the switch does IGMP and MLD snooping",
        ),
        may(
            "group_fwd_mask",
            KeyType::Integer(0, 65_535),
            "0",
            "of the switch, bit N: frames to 01:80:c2:00:00:0N pass on; `0x4000` is LLDP",
        ),
        map(
            "ports",
            &KeyType::Table(&SWITCH_PORT),
            "options of the switch's port that a machine's interface is plugged into: `\"host/eno1\"`",
        ),
    ],
);
