//! Packets sent from a source address that the check names, of a guest or of a container.
//!
//! busybox's programs have no option for a source address, so the guest's perl sends them, also in a container's network
//! namespace. Validation refuses such a check where the guest has no perl.

use std::net::IpAddr;

use crate::check::{ProbeError, Vantage};
use crate::deadline::Deadline;
use crate::guest::ssh::Output;

const PROGRAM: &str = include_str!("from_source.pl");

/// Runs a command at a vantage. With a source address, the command for a container uses the guest's programs in the container's
/// network namespace, since the container's image need not have perl.
pub(super) async fn run(
    words: &[&str],
    source: Option<IpAddr>,
    from: &Vantage,
    by: Deadline,
) -> Result<Output, ProbeError> {
    match source {
        None => from.exec(words, by).await,
        Some(_) => from.exec_in_net(words, by).await,
    }
}

fn words(how: &str, source: IpAddr, to: IpAddr, port: u16) -> [String; 7] {
    let [source, to, port] = [source.to_string(), to.to_string(), port.to_string()];
    [
        "perl".to_owned(),
        "-e".to_owned(),
        PROGRAM.to_owned(),
        how.to_owned(),
        source,
        to,
        port,
    ]
}

/// Command that connects; status 1 and the kernel's words when that failed.
pub(super) fn connect(source: IpAddr, to: IpAddr, port: u16) -> [String; 7] {
    words("connect", source, to, port)
}

/// Command that sends its standard input to the port and prints what comes back.
pub(super) fn carry(source: IpAddr, to: IpAddr, port: u16) -> [String; 7] {
    words("carry", source, to, port)
}

/// Command that sends a datagram and prints the answer, both in hexadecimal digits.
pub(super) fn ask(source: IpAddr, to: IpAddr, port: u16, query: &[u8]) -> Vec<String> {
    let query = query.iter().map(|byte| format!("{byte:02x}")).collect();
    let words = words("ask", source, to, port).into_iter();
    words.chain([query]).collect()
}

/// As [`ask`], over TCP, where DNS puts the length before each message.
pub(super) fn ask_over_tcp(source: IpAddr, server: IpAddr, port: u16, query: &[u8]) -> Vec<String> {
    let mut words = ask(source, server, port, query);
    "ask-tcp".clone_into(&mut words[3]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
    use std::process::{Command, Output, Stdio};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const BESIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    /// Address for documentation (RFC 5737), which no machine has.
    const FOREIGN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn run(words: &[String], input: &[u8]) -> Output {
        let mut perl = Command::new(&words[0])
            .args(&words[1..])
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("perl, which a Debian guest has too");
        let mut stdin = perl.stdin.take().expect("its input");
        stdin.write_all(input).expect("its input is read");
        drop(stdin);
        perl.wait_with_output().expect("its end")
    }

    #[test]
    fn a_connection_comes_from_the_address_and_carries_both_ways() {
        let server = TcpListener::bind((HERE, 0)).expect("a port");
        let port = server.local_addr().expect("its address").port();
        let input = vec![b'x'; 200_000];
        let length = input.len();
        let served = std::thread::spawn(move || {
            let (mut stream, from) = server.accept().expect("a connection");
            let mut got = vec![0; length];
            stream.read_exact(&mut got).expect("all of it");
            stream.write_all(b"an answer\n").expect("an answer");
            drop(stream);
            let (_, again) = server.accept().expect("another one");
            (from.ip(), got, again.ip())
        });
        let output = run(&carry(BESIDE, HERE, port), &input);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, b"an answer\n");
        assert!(run(&connect(BESIDE, HERE, port), b"").status.success());
        let (from, got, again) = served.join().expect("the server");
        assert_eq!((from, again), (BESIDE, BESIDE));
        assert_eq!(got, input);
    }

    #[test]
    fn a_datagram_comes_from_the_address_and_so_does_its_answer() {
        let server = UdpSocket::bind((HERE, 0)).expect("a port");
        let port = server.local_addr().expect("its address").port();
        let served = std::thread::spawn(move || {
            let mut query = [0; 8];
            let (length, from) = server.recv_from(&mut query).expect("a query");
            server.send_to(&[0, 255, 16], from).expect("an answer");
            (query[..length].to_vec(), from.ip())
        });
        let output = run(&ask(BESIDE, HERE, port, &[1, 0, 254]), b"");
        assert_eq!(output.stdout, b"00ff10", "{output:?}");
        let (query, from) = served.join().expect("the server");
        assert_eq!((query, from), (vec![1, 0, 254], BESIDE));
    }

    #[test]
    fn a_question_over_tcp_has_its_length_before_it() {
        let server = TcpListener::bind((HERE, 0)).expect("a port");
        let port = server.local_addr().expect("its address").port();
        let served = std::thread::spawn(move || {
            let (mut stream, from) = server.accept().expect("a connection");
            let mut query = [0; 5];
            stream.read_exact(&mut query).expect("all of it");
            // Write the answer in parts, since TCP may deliver it so.
            for part in [&[0][..], &[4, 0xca], &[0xfe, 0xba, 0xbe]] {
                stream.write_all(part).expect("an answer");
                stream.flush().expect("a packet");
            }
            (query, from.ip())
        });
        let output = run(&ask_over_tcp(BESIDE, HERE, port, &[1, 2, 3]), b"");
        assert_eq!(output.stdout, b"cafebabe", "{output:?}");
        assert_eq!(
            served.join().expect("the server"),
            ([0, 3, 1, 2, 3], BESIDE)
        );
        let server = TcpListener::bind((HERE, 0)).expect("a port");
        let port = server.local_addr().expect("its address").port();
        let served = std::thread::spawn(move || drop(server.accept()));
        let output = run(&ask_over_tcp(BESIDE, HERE, port, &[1]), b"");
        served.join().expect("the server");
        assert_eq!(output.stderr, b"the answer ends early\n", "{output:?}");
        assert!(output.stdout.is_empty() && !output.status.success());
    }

    #[test]
    fn the_kernel_s_words_are_told() {
        let told = |words: &[String]| {
            let output = run(words, b"");
            assert!(!output.status.success() && output.stdout.is_empty());
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        let none = "bind: Cannot assign requested address\n";
        assert_eq!(told(&connect(FOREIGN, HERE, 9)), none);
        assert_eq!(told(&ask(FOREIGN, HERE, 9, b"x")), none);
        let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let documentation = "2001:db8::1".parse().expect("an address");
        let answer = told(&carry(documentation, v6, 9));
        assert!(
            answer.starts_with("bind: ") || answer.starts_with("socket: "),
            "{answer}"
        );
        // Close a port that was open a moment ago, so that nobody listens there.
        let gone = TcpListener::bind((HERE, 0)).expect("a port");
        let port = gone.local_addr().expect("its address").port();
        drop(gone);
        assert_eq!(
            told(&connect(BESIDE, HERE, port)),
            "connect: Connection refused\n"
        );
    }
}
