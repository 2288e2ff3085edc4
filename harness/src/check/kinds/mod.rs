//! The kinds of checks, as they look and judge: a file for each row of the table in `scenario::check_kind`.

use super::kind::Kind;
use crate::scenario::check_kind::{CheckKind, check_kinds};

macro_rules! table {
    ($($key:ident: $kind:ident,)*) => {
        $(pub(super) mod $key;)*

        /// What is known of a kind.
        pub(crate) fn of(kind: &CheckKind) -> &dyn Kind {
            match kind {
                $(CheckKind::$kind(kind) => kind,)*
            }
        }

        /// The kind's key in a scenario file.
        pub fn kind_name(kind: &CheckKind) -> &'static str {
            match kind {
                $(CheckKind::$kind(_) => stringify!($key),)*
            }
        }
    };
}

check_kinds!(table);
