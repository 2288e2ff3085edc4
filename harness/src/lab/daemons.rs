//! Daemons of machines: started with the lab, and stopped and started again by steps.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::daemon_times::DAEMON_READY;
use super::error::LabError;
use super::topology::{Folders, Lab, machine_folder};
use crate::deadline::Deadline;
use crate::host::daemon::{Daemon, Kept};
use crate::host::service::Log;
use crate::host::{dns_faults, http};
use crate::plan::dnsmasq;
use crate::scenario::{DnsFault, Dnsmasq, HttpServer};

impl Lab {
    /// Starts a machine's dnsmasq and waits until it says that it has started.
    ///
    /// # Errors
    /// [`LabError`] with dnsmasq's last words.
    pub(super) async fn start_dnsmasq(
        &mut self,
        machine: &str,
        config: &Dnsmasq,
        folders: &Folders,
    ) -> Result<(), LabError> {
        let words = dnsmasq::command(config);
        let log = machine_folder(&folders.evidence, machine).join("dnsmasq.log");
        let keeper = self.keeper.on(machine);
        let started = self.machine(machine)?.run(async move {
            let mut command = Command::new(&words[0]);
            command.args(&words[1..]);
            let begun = keeper.start(Kept::Dnsmasq, command, Log::new(log))?;
            let by = Deadline::after(DAEMON_READY);
            begun.ready_when_log_shows(dnsmasq::STARTED, by).await
        });
        let daemon = started.await??;
        self.dnsmasq.insert(machine.to_owned(), daemon);
        Ok(())
    }

    /// Ends a machine's dnsmasq, if it runs.
    ///
    /// # Errors
    /// When it cannot be reaped.
    pub(super) async fn stop_dnsmasq(
        &mut self,
        machine: &str,
        grace: Duration,
    ) -> Result<(), LabError> {
        let Some(daemon) = self.dnsmasq.remove(machine) else {
            return Ok(());
        };
        let stopped = daemon.stop(grace).await;
        stopped.map_err(failed("stop dnsmasq", machine))
    }

    /// `killall -HUP dnsmasq`: makes dnsmasq forget what it has cached.
    ///
    /// # Errors
    /// When dnsmasq does not run.
    pub(super) fn reload_dnsmasq(&self, machine: &str) -> Result<(), LabError> {
        let daemon = self.dnsmasq.get(machine);
        let told = daemon.map_or_else(|| Err(io::Error::other("it does not run")), Daemon::reload);
        told.map_err(failed("send SIGHUP to dnsmasq", machine))
    }

    /// Starts a machine's web server.
    ///
    /// # Errors
    /// When its port cannot be bound.
    pub(super) async fn start_http(
        &mut self,
        machine: &str,
        config: &HttpServer,
    ) -> Result<(), LabError> {
        let served = http::serve(
            self.keeper.on(machine),
            config.clone(),
            Arc::clone(&self.received),
        );
        let served = self.machine(machine)?.run(served);
        let served = served
            .await?
            .map_err(failed("start the web server", machine))?;
        self.http.insert(machine.to_owned(), served);
        Ok(())
    }

    /// Starts the part of a machine's DNS that fails on purpose; dnsmasq passes those names on to it.
    ///
    /// # Errors
    /// When its port cannot be bound.
    pub(super) async fn start_dns_faults(
        &self,
        machine: &str,
        responses: &BTreeMap<String, (DnsFault, Vec<IpAddr>)>,
    ) -> Result<(), LabError> {
        let served = self.machine(machine)?;
        let served = served.run(dns_faults::serve(
            self.keeper.on(machine),
            responses.clone(),
        ));
        let doing = "start the DNS server that fails on purpose";
        served.await?.map_err(failed(doing, machine))
    }

    /// Ends a machine's web server, whose port is free when this returns.
    pub(super) async fn stop_http(&mut self, machine: &str) {
        if let Some(server) = self.http.remove(machine) {
            server.stop().await;
        }
    }

    /// Starts a machine's networkd anew on the unit files that are there now, and waits until it is ready.
    ///
    /// # Errors
    /// [`LabError`] with networkd's last words.
    pub(super) async fn start_networkd_again(&mut self, machine: &str) -> Result<(), LabError> {
        let Some(mut networkd) = self.networkd.remove(machine) else {
            return Err(failed("start networkd", machine)(io::Error::other(
                "it has no unit files",
            )));
        };
        let started = self.machine(machine)?.run(async move {
            let by = Deadline::after(DAEMON_READY);
            let started = networkd.start_daemon(by).await;
            (networkd, started)
        });
        let (networkd, started) = started.await?;
        self.networkd.insert(machine.to_owned(), networkd);
        Ok(started?)
    }

    /// Ends a machine's networkd. Links, addresses and routes stay as networkd has set them up.
    ///
    /// # Errors
    /// When it cannot be reaped.
    pub(super) async fn stop_networkd(
        &mut self,
        machine: &str,
        grace: Duration,
    ) -> Result<(), LabError> {
        let Some(networkd) = self.networkd.get_mut(machine) else {
            return Ok(());
        };
        let stopped = networkd.stop_daemon(grace).await;
        stopped.map_err(failed("stop networkd", machine))
    }
}

fn failed(doing: &str, machine: &str) -> impl FnOnce(io::Error) -> LabError {
    let (doing, machine) = (doing.to_owned(), machine.to_owned());
    move |source| LabError::Io {
        doing,
        machine,
        source,
    }
}
