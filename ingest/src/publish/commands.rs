//! What happens to the publisher, and what it wants done.

use hissa_core::registry::Revision;
use hissa_core::usage::{Source, UsageRow};
use hissa_core::wire::{self, Kind};

use crate::position::Stored;
use crate::reject::Rejected;
use crate::source::batch::Batch;

/// What happens to the publisher.
#[derive(Debug)]
pub enum Event {
    /// A feed has read on.
    Batch(Batch),
    /// These live sources were read to their ends, and nothing had come for a second, at this time of ingest's clock.
    AtEnd { sources: Vec<Source>, at_ms: i64 },
    /// The registry was read on; to its end as of this time of ingest's clock, where one is told.
    Registry {
        revisions: Vec<Revision>,
        whole_at_ms: Option<i64>,
    },
    /// One message of a ticket was acknowledged.
    Acked { ticket: u64 },
}

/// What the publisher wants done, in this order.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// To a partition of `hissa.usage`.
    Entry {
        ticket: u64,
        partition: u16,
        kind: Kind,
        payload: Payload,
    },
    /// To `hissa.rejected`.
    Rejected { ticket: u64, rejected: Rejected },
    /// To `hissa.ingest`; it may be written at once, and needs no acknowledgement.
    Store { source: Source, stored: Stored },
}

/// The bytes of an entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Payload {
    Rows(Vec<UsageRow>),
    Json(Vec<u8>),
}

impl Payload {
    /// As they go into the message.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Payload::Rows(rows) => wire::encode_rows(rows),
            Payload::Json(text) => text,
        }
    }
}

impl Command {
    /// The ticket whose messages must all be acknowledged; none for what needs no acknowledgement.
    pub fn ticket(&self) -> Option<u64> {
        match self {
            Command::Entry { ticket, .. } | Command::Rejected { ticket, .. } => Some(*ticket),
            Command::Store { .. } => None,
        }
    }
}

/// JSON of one of our own types, none of which can fail to be written: their maps have text for keys, and nothing in
/// them refuses.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    match serde_json::to_vec(value) {
        Ok(text) => text,
        Err(error) => unreachable!("a value of our own is not JSON: {error}"),
    }
}
