//! Why a guest from a template did not become another.

use std::io;
use std::num::ParseIntError;
use std::time::Duration;

/// A guest could not be sent its identity, or does not say of itself what it was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersonalizationError {
    /// It cannot be reached.
    #[error("its VMM has no virtio-serial port")]
    NoPort,
    /// There is no thread for the call, which blocks.
    #[error("start a thread")]
    Thread {
        /// The kernel's answer.
        source: io::Error,
    },
    /// It was not sent its identity, or refused it.
    #[error("talk to it")]
    Talk {
        /// The kernel's answer, or the guest's.
        source: io::Error,
    },
    /// The thread for the call ended without an answer.
    #[error("the thread that talks to it ended")]
    ThreadEnded,
    /// It is not who it was made to be.
    #[error("its {key} is `{is}`, not `{wanted}`")]
    Other {
        /// What it says of itself.
        key: &'static str,
        /// As it says.
        is: String,
        /// As it was sent.
        wanted: String,
    },
    /// It drew another guest's random number, so that both still have their template's generator.
    #[error("it drew the same random number as another guest: {number}")]
    SameRandom {
        /// A UUID.
        number: String,
    },
    /// A session is still served when its template is saved.
    #[error("wait until nobody is served")]
    Served {
        /// The kernel's answer, or that the time is up.
        source: io::Error,
    },
    /// It drew no random number.
    #[error("its random number is `{is}`")]
    Random {
        /// What it says instead.
        is: String,
    },
    /// It tells no time.
    #[error("its clock is `{is}`")]
    NoClock {
        /// What it says instead.
        is: String,
        /// Why that is no time.
        source: ParseIntError,
    },
    /// Its clock was not set.
    #[error("its clock is {off:.0?} off")]
    Clock {
        /// By how much, before or after this machine's.
        off: Duration,
    },
}
