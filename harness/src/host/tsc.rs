//! The frequency of the processor's time stamp counter.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::sys;

/// Long enough for an error of some ten millionths, which is better than what a kernel's calibration gets.
const SPAN: Duration = Duration::from_millis(20);

/// How many times in a microsecond the time stamp counter counts, rounded to the nearest whole number (MHz). `None` where
/// there is no such counter.
///
/// A guest under emulation reads the host's counter as its own (`cpu_get_host_ticks` of QEMU), and its kernel takes
/// what `tsc_early_khz` says for the truth where the machine has no other clock to compare it with: a wrong number makes all
/// of the guest's time run fast or slow. Measured once, against `CLOCK_MONOTONIC`; the first call takes 20 ms. Equivalent:
/// `dmesg | grep 'tsc: Detected'`.
pub fn tsc_mhz() -> Option<u32> {
    static MEASURED: OnceLock<Option<u32>> = OnceLock::new();
    *MEASURED.get_or_init(measure)
}

fn measure() -> Option<u32> {
    let (began, first) = (Instant::now(), sys::time_stamp()?);
    while began.elapsed() < SPAN {
        std::hint::spin_loop();
    }
    let (last, micros) = (sys::time_stamp()?, began.elapsed().as_nanos() / 1000);
    let counted = u128::from(last.checked_sub(first)?);
    u32::try_from((counted + micros / 2) / micros).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn two_measurements_agree() {
        let (one, other) = (measure().expect("a counter"), measure().expect("the same"));
        assert!(one.abs_diff(other) <= one / 100, "{one} and {other} MHz");
        assert!((100..10_000).contains(&one), "{one} MHz");
    }
}
