//! Asks a ClickHouse on this machine something short, without a client.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clickhouse::users::User;

/// Asks for `path` as `user`; well if the answer ends with `expected`.
///
/// # Errors
///
/// What was found instead.
pub(crate) fn ask(
    port: u16,
    path: &str,
    user: Option<&User>,
    expected: &str,
) -> Result<(), String> {
    let authorization = user.map_or_else(String::new, |user| {
        let pair = format!("{}:{}", user.name, user.password.as_deref().unwrap_or(""));
        format!("Authorization: Basic {}\r\n", STANDARD.encode(pair))
    });
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}Connection: close\r\n\r\n"
    );
    let answer = exchange(port, &request).map_err(|error| error.to_string())?;
    if answer.starts_with("HTTP/1.1 200") && answer.ends_with(expected) {
        return Ok(());
    }
    Err(format!(
        "{path} was answered with {:?}",
        answer.lines().next().unwrap_or("")
    ))
}

fn exchange(port: u16, request: &str) -> std::io::Result<String> {
    let limit = Duration::from_secs(5);
    let mut stream =
        TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(1 << 16).read_to_string(&mut answer)?;
    Ok(answer)
}
