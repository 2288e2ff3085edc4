//! What can be broken in a scenario, one thing at a time: operators, and the mutants that they make of its files.
//!
//! ```text
//! texts       the files of a scenario, as they are mutated
//! unit_text   a unit file, line by line with places
//! keys        the keys of a scenario's file with their places
//! green       a scenario's file without its variants, each line at its place
//! change      a change of one file
//! numbers     other addresses, prefixes, numbers
//! row         what an operator is
//! sites       where an operator can do its work
//! layers      the operators, a file for each layer
//! table       all of them
//! mutants     the mutants of a scenario, and which of them are chosen
//! ```
//!
//! All of this is pure. Who runs mutants is the program's `mutate`.

mod change;
mod green;
mod keys;
mod layers;
mod mutants;
mod numbers;
mod row;
mod sites;
mod table;
mod texts;
mod unit_text;

pub use change::{Change, Site};
pub use green::green_only;
pub use mutants::{Mutant, chosen, mutants};
pub use row::{Layer, Operator};
pub use table::{all, named};
pub use texts::{Role, TextFile, Texts};
