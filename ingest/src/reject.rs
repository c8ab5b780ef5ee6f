//! `hissa.rejected`: where a message stands that is no record, and why; never the message itself.

use hissa_core::outcome::RejectReason;
use hissa_core::usage::Source;
use serde::{Deserialize, Serialize};

use crate::decode::Fault;

/// The value of a message of `hissa.rejected`. A record published again stands there again, equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    #[serde(flatten)]
    pub source: Source,
    /// The offset in the carrier's topic, where the message can be read.
    pub offset: u64,
    pub delivered_at_ms: i64,
    pub reason: RejectReason,
    /// The path of the field; empty for the message as a whole.
    pub field: String,
    /// Line and column, or the size.
    pub at: String,
    pub expected: String,
    /// Of the message, hexadecimal.
    pub sha256: String,
}

impl Rejected {
    /// For a fault found in the message at `offset`.
    pub fn new(
        source: Source,
        offset: u64,
        delivered_at_ms: i64,
        fault: Fault,
        sha256: &[u8],
    ) -> Rejected {
        Rejected {
            source,
            offset,
            delivered_at_ms,
            reason: fault.reason,
            field: fault.field,
            at: fault.at,
            expected: fault.expected,
            sha256: hex::encode(sha256),
        }
    }
}
