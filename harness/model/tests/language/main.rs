//! What reading a scenario means where kinds of checks, actions of steps and VMMs have rows: those of the harness, which hands them
//! in. Tests that need none of these stand beside what they test.

// Named by nobody else here, and without it no row would be linked.
use bridgelab_harness as _;

#[cfg(test)]
mod action;
#[cfg(test)]
mod comes;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod load;
#[cfg(test)]
mod machine_link;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod one_layer;
#[cfg(test)]
mod overlay;
#[cfg(test)]
mod overrides;
#[cfg(test)]
mod picture;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod references;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod sysctl;
#[cfg(test)]
mod units;
