//! Steps on links that a networkd has.

use super::{passes, run};

/// networkd brings a link up when it has set it up: before that, whoever sets it down has done so in vain.
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
