//! Why a check does not hold: the hop at which its packet stopped, what stopped it there, and the line that says so.
//!
//! ```text
//! point    places at which a packet can be seen, in the order in which it comes by
//! course   where the packets of a check were seen, request and answer each by itself
//! code     what can be found, a closed list
//! facts    what kernels and networkd are asked, and what they answered
//! reading  what answers say about links, addresses and next hops
//! mark     kinds of packets that are followed
//! instrument  the rules of nftables by which packets are seen
//! trace    what nft(8) prints of them, and the course that it shows
//! observed all of it together: what a diagnosis is made of
//! gap      what keeps a packet from coming further, as kernels know it
//! files    which line of which file makes a gap
//! state    what machines answered, read
//! net      all machines as one graph: what is connected with what
//! hooks    what a firewall does with a packet
//! walk     the way of a packet through all of that
//! explain  what keeps a check from holding
//! causes   few causes for many checks
//! edits    carries out a remedy on a text
//! settled  whether what was found stays as it is
//! finding  what was found, with its evidence, its place in a file and its remedy
//! ```
//!
//! All of this is data, and what is made of it is pure: `lab` asks kernels and catches packets.

mod causes;
mod code;
mod course;
mod edits;
mod explain;
mod facts;
mod files;
mod finding;
mod found;
mod gap;
mod hooks;
mod instrument;
mod mark;
mod net;
mod observed;
mod point;
pub mod reading;
mod settled;
mod state;
mod trace;
mod walk;

pub use causes::diagnose;
pub use code::Code;
pub use course::{Course, Seen};
pub use edits::{NotThere, apply};
pub use facts::{Answers, Facts, OF_DOCKER, OF_NETWORKD, QUESTIONS, Question};
pub use files::{Files, Located};
pub use finding::{At, Cause, Diagnosis, Edit, Evidence, Proof, Remedy};
pub use gap::Gap;
pub use instrument::{CANARY, lines as instruments};
pub use mark::{Mark, Target, Way};
pub use observed::{Observed, Unheld};
pub use point::{Point, Station};
pub use settled::is_settled;
pub use trace::{Followed, Sight, Wire, sights};
