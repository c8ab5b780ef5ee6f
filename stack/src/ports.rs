//! Ports on the loopback interface.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::StackError;

/// Free ports are looked for here: below the range from which Linux takes the ports of outgoing connections (32768 and
/// up), so that no connection of anybody takes the port between our look and the service's start.
const LOWEST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A service that was killed a moment ago may still be giving its port back.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(3);

/// A port nobody listens on now. It is not reserved: whoever starts a service there must be ready to try another.
///
/// # Errors
///
/// No port at all can be bound on the loopback interface.
pub fn free() -> Result<u16, StackError> {
    // Each `RandomState` has other keys: a random number without a dependency.
    let start = RandomState::new().hash_one(std::process::id()) % u64::from(COUNT);
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for step in 0..COUNT {
        // Below COUNT by the remainder, so it fits.
        let offset = u16::try_from((start + u64::from(step)) % u64::from(COUNT)).unwrap_or(0);
        match bind(LOWEST + offset) {
            Ok(()) => return Ok(LOWEST + offset),
            Err(source) => last = source,
        }
    }
    Err(StackError::NoPort { source: last })
}

/// Waits a little for `port`, which was asked for, to be free.
///
/// # Errors
///
/// Somebody listens there and goes on to.
pub fn require_free(what: &'static str, port: u16) -> Result<(), StackError> {
    let deadline = Instant::now() + GIVEN_BACK_WITHIN;
    while bind(port).is_err() {
        if Instant::now() >= deadline {
            return Err(StackError::PortInUse { what, port });
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn bind(port: u16) -> io::Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_somebody_listens_on_is_refused_with_the_way_to_find_him() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        let said = require_free("Kafka", port).unwrap_err().to_string();
        assert_eq!(
            said,
            format!(
                "Kafka cannot use port {port} of 127.0.0.1: another process listens there. \
                 Stop it (`ss -ltnp 'sport = :{port}'` names it), or choose another port."
            )
        );
    }

    #[test]
    fn free_ports_can_be_bound() {
        let port = free().unwrap();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
