//! What a scenario puts into a guest beside its identity and unit files: files, sysctls, Docker's configuration; and
//! the command lines of its containers. Pure.

use super::sysctls;
use crate::image::seed::Seed;
use crate::plan::shell;
use crate::scenario::provides::Provides;
use crate::scenario::{Container, Guest, GuestFileKind};

/// What dockerd reads at its start.
pub const DAEMON: &str = "/etc/docker/daemon.json";

/// The file from which dockerd takes, once, at its start, the DNS servers of all its containers.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Tells a guest from a template that its Docker, which runs already, is to be started anew.
const RESTART_DOCKER: &str = "/run/bridgelab/restart-docker";

/// The command of a container for which the scenario names none: it waits for ever.
const WAITING: [&str; 2] = ["sleep", "infinity"];

/// Adds the scenario's files, sysctls and Docker configuration to the guest's seed.
pub fn add(seed: &mut Seed, guest: &Guest) {
    for file in guest.files.iter() {
        match &file.kind {
            GuestFileKind::File { executable, bytes } => {
                let mode = if *executable { 0o755 } else { 0o644 };
                seed.file(&file.path, mode, bytes.to_vec());
            }
            GuestFileKind::Link { target } => {
                seed.link(&file.path, target);
            }
        }
    }
    sysctls::add(seed, guest);
    if let Some(docker) = &guest.docker {
        let text = serde_json::to_string_pretty(docker).unwrap_or_default();
        seed.file(DAEMON, 0o644, text + "\n");
    }
    let docker_reads = |path: &str| path == RESOLV_CONF && Provides::of(&guest.image).docker;
    if guest.docker.is_some() || guest.files.iter().any(|file| docker_reads(&file.path)) {
        seed.file(RESTART_DOCKER, 0o400, "");
    }
}

/// The shell line that starts a container in the guest, and before it makes the container's network where it needs one
/// of its own.
pub fn start_container(name: &str, container: &Container) -> String {
    let mut lines = String::new();
    if let Some(network) = container.own_network() {
        // The bridge gets the network's name, so that a scenario can refer to the bridge.
        let quoted = shell::quote(network);
        lines.push_str(&format!(
            "{{ docker network inspect {quoted} >/dev/null 2>&1 || docker network create \
             --opt com.docker.network.bridge.name={quoted} {quoted}; }} && "
        ));
    }
    lines + &run_container(name, container)
}

/// `docker run` for a container.
pub fn run_container(name: &str, container: &Container) -> String {
    let mut words = ["docker", "run", "--detach", "--name", name]
        .map(str::to_owned)
        .to_vec();
    let mut option = |option: &str, value: String| words.extend([option.to_owned(), value]);
    if let Some(network) = &container.network {
        option("--network", network.clone());
    }
    for port in &container.ports {
        option("--publish", port.clone());
    }
    for (name, value) in &container.environment {
        option("--env", format!("{name}={value}"));
    }
    for server in &container.dns {
        option("--dns", server.to_string());
    }
    words.push(format!("bridgelab/{}", container.image));
    if container.command.is_empty() {
        words.extend(WAITING.map(str::to_owned));
    }
    words.extend(container.command.iter().cloned());
    shell::join(&words)
}

/// The lines of `bridgelab plan` for a guest's files, sysctls, Docker configuration and containers.
pub fn show(guest: &Guest) -> Vec<String> {
    let mut lines = Vec::new();
    for file in guest.files.iter() {
        lines.push(match &file.kind {
            GuestFileKind::File { .. } => file.path.clone(),
            GuestFileKind::Link { target } => format!("{} -> {target}", file.path),
        });
    }
    for (key, value) in &guest.sysctls {
        lines.push(format!("sysctl -w {key}={value}"));
    }
    if let Some(docker) = &guest.docker {
        let text = serde_json::to_string(docker).unwrap_or_default();
        lines.push(format!("{DAEMON}: {text}"));
    }
    for (name, container) in &guest.containers {
        lines.push(start_container(name.as_ref(), container));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_container_waits_for_ever() {
        assert_eq!(
            start_container("web", &Container::of("busybox")),
            "docker run --detach --name web bridgelab/busybox sleep infinity"
        );
    }

    #[test]
    fn options_are_docker_s_own_and_quoted() {
        let container = Container {
            network: Some("lan0".to_owned()),
            ports: vec!["8080:80".to_owned(), "192.168.1.3:53:53/udp".to_owned()],
            environment: vec![("WORDS".to_owned(), "it's two words".to_owned())],
            dns: vec!["192.168.1.1".parse().expect("an address")],
            command: ["httpd", "-f", "-h", "/www"].map(str::to_owned).to_vec(),
            ..Container::of("busybox")
        };
        assert_eq!(
            run_container("web", &container),
            "docker run --detach --name web --network lan0 --publish 8080:80 --publish 192.168.1.3:53:53/udp \
             --env 'WORDS=it'\\''s two words' --dns 192.168.1.1 bridgelab/busybox httpd -f -h /www"
        );
        let lines = start_container("web", &container);
        let name = "com.docker.network.bridge.name=lan0 lan0; }";
        assert!(lines.contains(name), "{lines}");
        for network in ["bridge", "host", "none"] {
            let network = Some(network.to_owned());
            let container = Container {
                network,
                ..Container::of("busybox")
            };
            assert!(!start_container("web", &container).contains("create"));
        }
    }

    #[test]
    fn docker_is_started_anew_for_what_it_reads_at_its_start() {
        use crate::scenario::{GuestFile, GuestFileKind};
        let restarts = |change: &dyn Fn(&mut Guest)| {
            let mut guest = crate::guest::any::any_guest();
            change(&mut guest);
            let mut seed = Seed::default();
            add(&mut seed, &guest);
            let archive = seed.to_cpio();
            String::from_utf8_lossy(&archive).contains(RESTART_DOCKER)
        };
        let file = |path: &str| {
            let target = "/dev/null".to_owned();
            vec![GuestFile {
                path: path.to_owned(),
                kind: GuestFileKind::Link { target },
            }]
        };
        assert!(!restarts(&|guest| guest.files = file("/etc/hosts").into()));
        assert!(restarts(
            &|guest| guest.files = file("/etc/resolv.conf").into()
        ));
        assert!(restarts(
            &|guest| guest.docker = Some(serde_json::Map::new())
        ));
        assert!(!restarts(&|guest| {
            "tiny".clone_into(&mut guest.image);
            guest.files = file("/etc/resolv.conf").into();
        }));
    }
}
