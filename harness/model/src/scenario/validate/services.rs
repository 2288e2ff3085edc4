//! What else runs in a machine: a small HTTP server.

use crate::scenario::HttpServer;
use crate::scenario::keys::HTTP_SERVER;
use crate::scenario::read::Reader;

pub(crate) fn http(machine: &Reader<'_>) -> Option<HttpServer> {
    let reader = machine.table("http", &HTTP_SERVER)?;
    Some(HttpServer {
        port: reader.number::<u16>("port").unwrap_or(80),
        body: reader
            .text("body")
            .map_or(String::new(), |body| body.value.to_owned()),
    })
}
