//! `bridgelab-patchbay N`: a router and N devices by the crate patchbay; prints the milliseconds up and down.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use patchbay::{Lab, RouterPreset};

fn main() -> Result<()> {
    // Before any thread, as its documentation asks.
    patchbay::init_userns()?;
    let size = std::env::args().nth(1).context("say how many devices")?;
    let size: usize = size.parse().context("the number of devices")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let begun = Instant::now();
    let (lab, last, router) = runtime.block_on(build(size))?;
    let up = begun.elapsed();
    // What was built must work.
    let ping = last.run_sync(move || {
        let output = std::process::Command::new("ping")
            .args(["-n", "-c", "1", "-W", "5", &router])
            .output()?;
        Ok(output.status.success())
    })?;
    ensure!(ping, "the last device does not reach its router");
    drop(last);
    let begun = Instant::now();
    runtime.block_on(async move { drop(lab) });
    let down = begun.elapsed();
    println!("{} {}", up.as_secs_f64() * 1e3, down.as_secs_f64() * 1e3);
    Ok(())
}

/// The lab, its last device, and its router's address on their link.
async fn build(size: usize) -> Result<(Lab, patchbay::Device, String)> {
    let lab = Lab::new().await?;
    let router = lab.add_router("router").preset(RouterPreset::Public).build().await?;
    let mut last = None;
    for number in 1..=size {
        let name = format!("m{number}");
        let device = lab.add_device(&name).iface("eth0", router.id());
        last = Some(device.build().await?);
    }
    let last = last.context("at least one device")?;
    let address = router.downstream_gw().context("the router has no address")?;
    Ok((lab, last, address.to_string()))
}
