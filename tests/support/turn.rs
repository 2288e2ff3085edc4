//! Turns of the tests of one binary, which run side by side on one machine. A test has it beside others or alone. At its end
//! it writes its name, begin and end into the file that `BRIDGELAB_TEST_TIMES` names, because stable libtest prints no times.
//!
//! A turn begins by itself when a test first uses the program under test or the source tree, and ends with the test's thread.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

/// Environment variable that names the file of times.
pub const TIMES: &str = "BRIDGELAB_TEST_TIMES";

/// Lock on the machine, held by the tests that run.
static MACHINE: RwLock<()> = RwLock::new(());

thread_local! {
    static TURN: RefCell<Option<Turn>> = const { RefCell::new(None) };
}

/// A test's turn on the machine.
pub struct Turn {
    name: String,
    begun: u128,
    file: Option<OsString>,
    _machine: Machine,
}

/// How a test holds the machine.
enum Machine {
    /// As arranged by a binary without libtest.
    Arranged,
    Beside {
        _others: RwLockReadGuard<'static, ()>,
    },
    Alone {
        _all: RwLockWriteGuard<'static, ()>,
    },
}

impl Turn {
    /// Begins the turn of a test whose thread does not have its name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::begun(name.to_owned(), Machine::Arranged)
    }

    fn begun(name: String, machine: Machine) -> Self {
        Self {
            name,
            begun: now(),
            file: std::env::var_os(TIMES),
            _machine: machine,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(file) = &self.file else { return };
        let line = format!("{}\t{}\t{}\t{}\n", binary(), self.name, self.begun, now());
        let file = OpenOptions::new().append(true).create(true).open(file);
        // Write once, so that lines of several tests do not mix. A line that could not be written is noticed when they are
        // counted.
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}

/// Begins this test's turn, beside those of other tests, unless it has begun.
pub fn beside_others() {
    let Some(name) = test() else { return };
    TURN.with_borrow_mut(|turn| {
        if turn.is_none() {
            let _others = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
            *turn = Some(Turn::begun(name, Machine::Beside { _others }));
        }
    });
}

/// Begins this test's turn when no other test of this binary runs: for tests that fill the machine, or look at all of it. Must
/// be called before anything else in a test.
pub fn alone() {
    let Some(name) = test() else { return };
    TURN.with_borrow_mut(|turn| {
        assert!(turn.is_none(), "{name} is not alone any more");
        let _all = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        *turn = Some(Turn::begun(name, Machine::Alone { _all }));
    });
}

/// The name of the test of this thread: libtest names the thread after it, as a path of modules. Other threads have no such
/// name.
fn test() -> Option<String> {
    let thread = thread::current();
    let name = thread.name().filter(|name| name.contains("::"));
    name.map(str::to_owned)
}

/// The name of this binary, without cargo's hash.
fn binary() -> String {
    let own = std::env::current_exe().unwrap_or_default();
    let name = own.file_stem().unwrap_or_default().to_string_lossy();
    let name = name.rsplit_once('-').map_or(&*name, |(name, _)| name);
    name.to_owned()
}

/// Milliseconds since 1970.
fn now() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_millis()
}
