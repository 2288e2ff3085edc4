//! Getting a page.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::ANSWER;
use super::tcp::connect;
use crate::check::{ProbeError, Vantage, Verdict, http};
use crate::deadline::Deadline;

pub(super) async fn look(
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
        // Not wget's own -T: Debian 12's busybox is built without it and crashes instead of saying so.
        Vantage::Guest(_) | Vantage::Container { .. } => {
            &["timeout", "5", "wget", "-q", "-O", "-", &url]
        }
    };
    let output = from.exec(words, by).await?;
    let why = match output.stderr.trim() {
        "" => "no answer within 5 s",
        said => said,
    };
    let why = format!("no page from {url}: {why}");
    let body = if output.success() {
        Ok(output.stdout.as_str())
    } else {
        Err(why.as_str())
    };
    Ok(http::judge(expect, body))
}
