//! Steps that change links which networkd configures.

use super::{passes, run};

/// networkd sets a link up at the end of its configuration, so a step that sets it down before would be undone.
#[test]
fn networkd_is_through_with_a_link_before_a_step_changes_it() {
    let Some(run) = run(r#"
[[steps]]
id = "unit"
write_unit = { on = "host", name = "30-late.netdev", content = """
[NetDev]
Name=vm-late
Kind=veth

[Peer]
Name=late-peer
""" }

[[steps]]
id = "made"
reload = { on = "host", daemon = "networkd" }

[[steps]]
id = "there"
wait_for = { from = "host", link = { interface = "vm-late", mtu = 1500 } }

[[steps]]
id = "down"
link_down = { on = "host", interface = "vm-late" }

[[checks]]
id = "stays-down"
after = "down"
from = "host"
within = "1s"
holds_for = "3s"
link = { interface = "vm-late", operstate = "down", master = "br0" }
"#)
    else {
        return;
    };
    passes(&run);
}
