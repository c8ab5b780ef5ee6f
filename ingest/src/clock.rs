//! Ingest's own clock, and how instants are written for people.

use std::time::{SystemTime, UNIX_EPOCH};

/// UTC milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    // A machine whose clock is before 1970 finds every delivery ahead of it, and halts with that sentence.
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// The instant as RFC 3339.
pub fn written(at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => at.to_string(),
        Err(_) => format!("{at_ms} ms since 1970"),
    }
}
