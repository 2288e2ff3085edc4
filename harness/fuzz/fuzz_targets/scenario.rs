//! Any text is a scenario, or a list of faults that can be drawn: no panic, and by libFuzzer's `-timeout` no hang.
#![no_main]

use std::path::Path;

use bridgelab_harness::lab::show_plan;
use bridgelab_harness::plan::GuestKind;
use bridgelab_harness::scenario::load_text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // A folder that is not there: whatever paths the text names, nothing of this machine is read.
    let file = Path::new("/nonexistent/fuzz/scenario.toml");
    match load_text(file, text.to_owned()) {
        Err(errors) => drop(errors.render(false)),
        Ok(loaded) => {
            for form in loaded.forms() {
                for guests in [GuestKind::Vm, GuestKind::Ghost] {
                    drop(show_plan(form, guests));
                }
            }
        }
    }
});
