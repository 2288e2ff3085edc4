//! One look at the network: runs what a check needs at its vantage and has it judged.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::{ProbeError, Vantage, Verdict, dns, http, ip, keyscan, networkd, ping, router_advert};
use crate::deadline::Deadline;
use crate::guest::ssh::network_host_key;
use crate::host::capture::Capture;
use crate::host::netns::Netns;
use crate::host::networkd::wait_online_path;
use crate::scenario::names::IfName;
use crate::scenario::{CheckKind, RecordType};

/// How long one attempt may wait for the network's answer.
const ANSWER: Duration = Duration::from_secs(3);

/// What checks need to know beyond their vantage.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Captures, by interface name of the machine or the guest's host side.
    pub captures: BTreeMap<String, Capture>,
    /// MAC addresses of guests' NICs, by their name on the host side.
    pub macs: BTreeMap<String, String>,
    /// SSH host keys given to guests, in base64.
    pub host_keys: BTreeMap<String, String>,
}

/// Looks once.
///
/// # Errors
/// [`ProbeError`] when it was not possible to look.
pub async fn look(
    kind: &CheckKind,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    match kind {
        CheckKind::Ping { to } => {
            let address = to.to_string();
            let mut words = vec!["ping", "-n", "-c", "1", "-W", "1", &address];
            if matches!(from, Vantage::Container { .. }) {
                // busybox has no -n; it never resolves.
                words.remove(1);
            }
            let output = from.exec(&words, by).await?;
            Ok(ping::judge(*to, &output.stdout, &output.stderr))
        }
        CheckKind::Dns {
            name,
            record,
            server,
            expect,
        } => {
            let answer = resolve(name, *record, *server, from, by).await?;
            Ok(dns::judge(name, expect, &answer))
        }
        CheckKind::RouterAdvert {
            interface,
            prefix,
            autonomous,
            managed,
            other,
            min_lifetime,
            rdnss,
        } => {
            let capture = surroundings
                .captures
                .get(interface.as_ref())
                .ok_or_else(|| {
                    ProbeError::Impossible(format!(
                        "there is no capture on the wire of `{interface}`"
                    ))
                })?;
            let seen = capture.filter_map(|frame| router_advert::parse(&frame.bytes));
            let wanted = router_advert::Wanted {
                prefix: *prefix,
                autonomous: *autonomous,
                managed: *managed,
                other: *other,
                min_lifetime: *min_lifetime,
                rdnss,
            };
            Ok(router_advert::judge(wanted, &seen))
        }
        CheckKind::RaAccepted { interface, prefix } => {
            let link = optional_link(interface.as_ref(), from, surroundings, by).await?;
            let links = json(from, &["ip", "-j", "addr"], by).await?;
            let routes = json(from, &["ip", "-j", "-6", "route"], by).await?;
            Ok(ip::judge_ra_accepted(
                &links,
                &routes,
                link.as_deref(),
                *prefix,
            ))
        }
        CheckKind::Tcp { to, port } => tcp(*to, *port, from, by).await,
        CheckKind::Http { to, port, expect } => get(*to, *port, expect, from, by).await,
        CheckKind::Ssh { to, guest } => {
            let key = surroundings.host_keys.get(guest.as_ref()).ok_or_else(|| {
                ProbeError::Impossible(format!("guest `{guest}` was given no SSH host key"))
            })?;
            ssh(*to, key, from, by).await
        }
        CheckKind::Address { interface, address } => {
            let link = optional_link(interface.as_ref(), from, surroundings, by).await?;
            let links = json(from, &["ip", "-j", "addr"], by).await?;
            Ok(ip::judge_address(&links, link.as_deref(), *address))
        }
        CheckKind::Route { to, via, proto } => {
            let family = if to.addr().is_ipv4() { "-4" } else { "-6" };
            let routes = json(from, &["ip", "-j", family, "route"], by).await?;
            Ok(ip::judge_route(&routes, *to, *via, proto.as_deref()))
        }
        CheckKind::BridgePort { interface, bridge } => {
            let links = json(from, &["ip", "-j", "-d", "link"], by).await?;
            Ok(ip::judge_port(&links, interface.as_ref(), bridge.as_ref()))
        }
        CheckKind::Networkctl {
            interface,
            setup,
            operational,
        } => {
            let link = link_name(interface.as_ref(), from, surroundings, by).await?;
            let line = format!("cat /run/systemd/netif/links/$(cat /sys/class/net/{link}/ifindex)");
            let output = from.exec(&["sh", "-c", &line], by).await?;
            Ok(networkd::judge(
                interface.as_ref(),
                setup.as_deref(),
                operational.as_deref(),
                &output.stdout,
            ))
        }
        CheckKind::WaitOnline { interface } => {
            let link = optional_link(interface.as_ref(), from, surroundings, by).await?;
            wait_online(link.as_deref(), from, by).await
        }
        CheckKind::ContainerVeth { container, bridge } => {
            container_veth(container.as_ref(), bridge.as_ref(), from, by).await
        }
    }
}

async fn optional_link(
    name: Option<&IfName>,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<Option<String>, ProbeError> {
    match name {
        Some(name) => Ok(Some(
            link_name(name.as_ref(), from, surroundings, by).await?,
        )),
        None => Ok(None),
    }
}

/// The name of a link at a vantage. A guest's NIC goes by its name on the host side, which the guest does not know:
/// inside it is found by its MAC address.
async fn link_name(
    name: &str,
    from: &Vantage,
    surroundings: &Surroundings,
    by: Deadline,
) -> Result<String, ProbeError> {
    let (Vantage::Guest(_), Some(mac)) = (from, surroundings.macs.get(name)) else {
        return Ok(name.to_owned());
    };
    let links = json(from, &["ip", "-j", "link"], by).await?;
    let found = links
        .as_array()
        .into_iter()
        .flatten()
        .find(|link| link["address"] == mac.as_str());
    found
        .and_then(|link| link["ifname"].as_str())
        .map(str::to_owned)
        .ok_or_else(|| {
            ProbeError::Impossible(format!(
                "the guest has no NIC with `{name}`'s MAC address {mac}"
            ))
        })
}

async fn json(from: &Vantage, words: &[&str], by: Deadline) -> Result<Value, ProbeError> {
    let output = from.exec(words, by).await?;
    // iproute2 prints nothing at all for an empty table in some versions.
    if output.success() && output.stdout.trim().is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    serde_json::from_str(&output.stdout).map_err(|_| ProbeError::Output {
        command: words.join(" "),
        printed: format!("{}{}", output.stdout, output.stderr)
            .trim()
            .to_owned(),
    })
}

async fn resolve(
    name: &str,
    record: RecordType,
    server: Option<IpAddr>,
    from: &Vantage,
    by: Deadline,
) -> Result<dns::Answer, ProbeError> {
    let kind = match record {
        RecordType::A => "-type=a",
        RecordType::Aaaa => "-type=aaaa",
    };
    match (from, server) {
        (Vantage::Machine(machine), Some(server)) => {
            ask_server(machine, name, record, server).await
        }
        (Vantage::Machine(machine), None) => Err(ProbeError::Impossible(format!(
            "machine `{}` has no resolver of its own: give the check a `server`",
            machine.name()
        ))),
        (Vantage::Guest(guest), None) if guest.spec().image.networkd => {
            let family = if record == RecordType::A { "-4" } else { "-6" };
            // A cached answer would hide that the server is gone.
            // resolved itself gives up on a dead server only after minutes.
            let words = [
                "timeout",
                "8",
                "resolvectl",
                "query",
                "--legend=no",
                "--cache=no",
                family,
                name,
            ];
            let output = from.exec(&words, by).await?;
            if output.status == Some(124) {
                return Ok(dns::Answer::Refused("no answer within 8 s".to_owned()));
            }
            Ok(dns::parse_resolvectl(
                &output.stdout,
                &output.stderr,
                output.success(),
            ))
        }
        (Vantage::Guest(_), server) => {
            let server = server.map(|server| server.to_string());
            let mut words = vec!["timeout", "8", "busybox", "nslookup", kind, name];
            words.extend(server.as_deref());
            let output = from.exec(&words, by).await?;
            Ok(dns::parse_nslookup(&output.stdout, &output.stderr))
        }
        (Vantage::Container { .. }, server) => {
            let server = server.map(|server| server.to_string());
            let mut words = vec!["timeout", "8", "nslookup", kind, name];
            words.extend(server.as_deref());
            let output = from.exec(&words, by).await?;
            Ok(dns::parse_nslookup(&output.stdout, &output.stderr))
        }
    }
}

async fn ask_server(
    machine: &Arc<Netns>,
    name: &str,
    record: RecordType,
    server: IpAddr,
) -> Result<dns::Answer, ProbeError> {
    let query = dns::query(name, record).map_err(ProbeError::Impossible)?;
    let asked = machine.run(async move {
        let any: SocketAddr = match server {
            IpAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
            IpAddr::V6(_) => ([0_u16; 8], 0).into(),
        };
        let exchange = async {
            let socket = UdpSocket::bind(any).await?;
            socket.connect((server, 53)).await?;
            socket.send(&query).await?;
            let mut reply = vec![0; 1500];
            let len = socket.recv(&mut reply).await?;
            reply.truncate(len);
            Ok::<_, std::io::Error>(reply)
        };
        tokio::time::timeout(ANSWER, exchange).await
    });
    Ok(match asked.await? {
        Ok(Ok(reply)) => dns::parse_reply(&reply),
        Ok(Err(e)) => dns::Answer::Refused(e.to_string()),
        Err(_) => dns::Answer::Refused(format!("{server} did not answer within {ANSWER:?}")),
    })
}

/// Connects from a machine; `Err` is what a person would read as the answer.
async fn connect(
    machine: &Arc<Netns>,
    to: IpAddr,
    port: u16,
) -> Result<Result<TcpStream, String>, ProbeError> {
    let connected = machine
        .run(async move { tokio::time::timeout(ANSWER, TcpStream::connect((to, port))).await });
    Ok(match connected.await? {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(e)) => Err(format!("no connection to {to} port {port}: {e}")),
        Err(_) => Err(format!(
            "no connection to {to} port {port} within {ANSWER:?}"
        )),
    })
}

async fn tcp(to: IpAddr, port: u16, from: &Vantage, by: Deadline) -> Result<Verdict, ProbeError> {
    let (address, number) = (to.to_string(), port.to_string());
    let answered = match from {
        Vantage::Machine(machine) => connect(machine, to, port).await?.map(drop),
        Vantage::Guest(_) | Vantage::Container { .. } => {
            let busybox = if matches!(from, Vantage::Guest(_)) {
                "busybox nc"
            } else {
                "nc"
            };
            let line = format!("timeout 5 {busybox} -w 3 {address} {number} </dev/null >/dev/null");
            let output = from.exec(&["sh", "-c", &line], by).await?;
            if output.success() {
                Ok(())
            } else {
                Err(format!(
                    "no connection to {to} port {port}: {}",
                    output.stderr.trim()
                ))
            }
        }
    };
    Ok(match answered {
        Ok(()) => Verdict::holds(format!("{to} accepts on port {port}")),
        Err(why) => Verdict::violated(why),
    })
}

async fn get(
    to: IpAddr,
    port: u16,
    expect: &str,
    from: &Vantage,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let url = http::url(to, port);
    let words: &[&str] = match from {
        Vantage::Machine(machine) => {
            let mut stream = match connect(machine, to, port).await? {
                Ok(stream) => stream,
                Err(why) => return Ok(Verdict::violated(why)),
            };
            let exchange = machine.run(async move {
                let exchange = async {
                    let request =
                        format!("GET / HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n");
                    stream.write_all(request.as_bytes()).await?;
                    let mut response = String::new();
                    stream.take(64 << 10).read_to_string(&mut response).await?;
                    Ok::<_, std::io::Error>(response)
                };
                tokio::time::timeout(ANSWER, exchange).await
            });
            return Ok(match exchange.await? {
                Ok(Ok(response)) => match http::body(&response) {
                    Ok(body) => http::judge(expect, Ok(body)),
                    Err(why) => http::judge(expect, Err(&why)),
                },
                Ok(Err(e)) => http::judge(expect, Err(&e.to_string())),
                Err(_) => http::judge(expect, Err(&format!("no page within {ANSWER:?}"))),
            });
        }
        Vantage::Guest(guest) if guest.spec().image.clients => {
            &["curl", "-gsS", "--fail", "-m", "5", &url]
        }
        Vantage::Guest(_) | Vantage::Container { .. } => {
            &["wget", "-q", "-T", "5", "-O", "-", &url]
        }
    };
    let output = from.exec(words, by).await?;
    let why = format!("no page from {url}: {}", output.stderr.trim());
    let body = if output.success() {
        Ok(output.stdout.as_str())
    } else {
        Err(why.as_str())
    };
    Ok(http::judge(expect, body))
}

async fn ssh(to: IpAddr, key: &str, from: &Vantage, by: Deadline) -> Result<Verdict, ProbeError> {
    let got = match from {
        Vantage::Machine(machine) => match connect(machine, to, 22).await? {
            Err(why) => return Ok(Verdict::violated(why)),
            Ok(stream) => {
                let stream = stream
                    .into_std()
                    .and_then(|s| s.set_nonblocking(false).map(|()| s));
                let by = by.child(Duration::from_secs(20));
                let (reply, answer) = tokio::sync::oneshot::channel();
                // libssh2 blocks, for no longer than its timeout.
                std::thread::spawn(move || {
                    let key = stream
                        .map_err(|e| e.to_string())
                        .and_then(|stream| network_host_key(stream, by).map_err(|e| e.to_string()));
                    let _ = reply.send(key);
                });
                answer
                    .await
                    .unwrap_or_else(|_| Err("the probe died".to_owned()))
            }
        },
        Vantage::Guest(_) => {
            let address = to.to_string();
            let output = from
                .exec(&["ssh-keyscan", "-T", "10", "-t", "ed25519", &address], by)
                .await?;
            keyscan::key(&output.stdout)
                .map(str::to_owned)
                .ok_or_else(|| output.stderr.trim().to_owned())
        }
        Vantage::Container { .. } => {
            return Err(ProbeError::Impossible(
                "the container image has no SSH client".to_owned(),
            ));
        }
    };
    Ok(match got {
        Ok(got) if got == key => Verdict::holds(format!("the right host key from {to}")),
        Ok(got) => Verdict::violated(format!("another host key from {to}: {got}")),
        Err(why) => Verdict::violated(format!("no SSH server at {to}: {why}")),
    })
}

async fn wait_online(
    interface: Option<&str>,
    from: &Vantage,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let seconds = by.left().as_secs().clamp(1, 20).to_string();
    let timeout = format!("--timeout={seconds}");
    let program = match from {
        Vantage::Machine(_) => wait_online_path().to_string_lossy().into_owned(),
        _ => "/usr/lib/systemd/systemd-networkd-wait-online".to_owned(),
    };
    let mut words = vec![program.as_str(), timeout.as_str()];
    if let Some(interface) = interface {
        words.extend(["-i", interface]);
    }
    let started = std::time::Instant::now();
    let output = from.exec(&words, by.child(Duration::from_secs(40))).await?;
    Ok(if output.success() {
        Verdict::holds(format!("it returned after {:.1?}", started.elapsed()))
    } else {
        Verdict::violated(output.stderr.trim().to_owned())
    })
}

async fn container_veth(
    container: &str,
    bridge: &str,
    from: &Vantage,
    by: Deadline,
) -> Result<Verdict, ProbeError> {
    let words = [
        "docker",
        "exec",
        container,
        "cat",
        "/sys/class/net/eth0/iflink",
    ];
    let output = from.exec(&words, by).await?;
    let Ok(index) = output.stdout.trim().parse() else {
        return Err(ProbeError::Output {
            command: words.join(" "),
            printed: format!("{}{}", output.stdout, output.stderr)
                .trim()
                .to_owned(),
        });
    };
    let links = json(from, &["ip", "-j", "-d", "addr"], by).await?;
    Ok(ip::judge_veth(&links, index, bridge))
}
