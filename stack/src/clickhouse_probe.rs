//! Asks ClickHouse's HTTP interface whether it answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Whether `http://127.0.0.1:port` answers `/ping` with `Ok.` within `limit`.
///
/// # Errors
///
/// What was found instead.
pub(crate) fn answers(url: &str, limit: Duration) -> Result<(), String> {
    let address: SocketAddr = url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .parse()
        .map_err(|_| format!("{url} is not an address of this machine"))?;
    let answer = ask(address, limit).map_err(|error| error.to_string())?;
    if answer.starts_with("HTTP/1.1 200") && answer.ends_with("Ok.\n") {
        return Ok(());
    }
    Err(format!("it said {:?}", answer.lines().next().unwrap_or("")))
}

fn ask(address: SocketAddr, limit: Duration) -> std::io::Result<String> {
    let mut connection = TcpStream::connect_timeout(&address, limit)?;
    connection.set_read_timeout(Some(limit))?;
    connection.set_write_timeout(Some(limit))?;
    write!(
        connection,
        "GET /ping HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    connection.take(4096).read_to_string(&mut answer)?;
    Ok(answer)
}
