//! The carrier's JSON (`docs/feeds.md`).
//!
//! A sound record is read by `serde_json` straight into typed fields, in well under a microsecond. Whatever that reader
//! refuses is read a second time by `explain`, slowly, to say what is wrong and where. Quiet messages are few and take
//! the slow way too.

mod explain;
#[cfg(test)]
mod tests;
mod tree;
mod typed;

use hissa_core::outcome::RejectReason;

use super::fields::MESSAGE_BYTES_MAX;
use super::{Fault, Message};

/// Reads one message.
///
/// # Errors
/// The message is no record of this feed: reason, field, place and what was expected.
pub fn decode(payload: &[u8]) -> Result<Message, Fault> {
    if payload.len() > MESSAGE_BYTES_MAX {
        return Err(Fault {
            reason: RejectReason::TooLarge,
            field: String::new(),
            at: format!("{} bytes", payload.len()),
            expected: format!("a message of at most {MESSAGE_BYTES_MAX} bytes"),
        });
    }
    match typed::read(payload) {
        Some(record) => Ok(Message::Record(record)),
        None => explain::explain(payload).map(|until_ms| Message::Quiet { until_ms }),
    }
}
