//! Why a check does not hold: the hop at which its packet stopped, what stopped it there, and the line that says so.
//!
//! ```text
//! point    places at which a packet can be seen, in the order in which it comes by
//! course   where the packets of a check were seen, request and answer each by itself
//! code     what can be found, a closed list
//! facts    what kernels and networkd are asked, and what they answered
//! gap      what keeps a packet from coming further, as kernels know it
//! finding  what was found, with its evidence, its place in a file and its remedy
//! ```
//!
//! All of this is data, and what is made of it is pure: `lab` asks kernels and catches packets.

mod code;
mod course;
mod facts;
mod finding;
mod gap;
mod point;

pub use code::Code;
pub use course::{Course, Seen};
pub use facts::{Answers, Facts, OF_DOCKER, OF_NETWORKD, QUESTIONS, Question};
pub use finding::{At, Cause, Diagnosis, Edit, Evidence, Proof, Remedy};
pub use gap::Gap;
pub use point::{Point, Station};
