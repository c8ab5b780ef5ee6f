//! From a carrier's message to a record, or to the reason why it is none.
//!
//! A decoder is strict: what the feed's page does not allow is rejected, never guessed. It never repeats a value in an
//! error, for any value may hold an IMSI.

pub mod fields;
pub mod instant;
pub mod json;

use hissa_core::outcome::RejectReason;
use hissa_core::registry::Counter;
use hissa_core::sim::{Imei, Imsi, NodeId};

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// A charging record.
    Record(Record),
    /// Nothing more will be delivered before this instant (UTC milliseconds). No record; it counts for nothing.
    Quiet { until_ms: i64 },
}

/// One record of the carrier, whatever its format. Instants are UTC milliseconds since 1970.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    pub node: NodeId,
    pub charging_id: u64,
    /// 0 where the record is not a partial one.
    pub record_sequence: u32,
    pub opened_at_ms: i64,
    pub imsi: Imsi,
    pub imei: Option<Imei>,
    /// The generation of the radio access (2 to 5); 0 where not told.
    pub rat: u8,
    /// As in [`hissa_core::usage::UsageRow`]; 0 where not told.
    pub serving_plmn: u32,
    /// What the containers' bytes are; none where the record leaves that to the feed.
    pub counter: Option<Counter>,
    /// The node's own number of the record, below 2⁶³; none where the feed carries none.
    pub node_sequence: Option<u64>,
    /// 1 to 1,000 of them; each becomes a row.
    pub containers: Vec<Container>,
}

/// The usage of one rating group and service in one stretch of time.
#[derive(Debug, PartialEq, Eq)]
pub struct Container {
    pub rating_group: u32,
    /// 0 where not told.
    pub service_id: u32,
    /// The container's number; its place in the list, from 1, where not told.
    pub sequence: u32,
    pub first_usage_at_ms: i64,
    /// Not before `first_usage_at_ms`.
    pub last_usage_at_ms: i64,
    /// At most 10¹²; of a counter of 32 bits at most 2³²−1.
    pub uplink_bytes: u64,
    /// As `uplink_bytes`.
    pub downlink_bytes: u64,
}

/// Why a message is no record: what a person at the carrier needs to mend it, and nothing of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub reason: RejectReason,
    /// The path of the field, such as `containers[2].uplink_bytes`; empty for the message as a whole.
    pub field: String,
    /// Line and column in the message, such as `line 1, column 245`, or its length where it is too large.
    pub at: String,
    /// What stood to be expected there.
    pub expected: String,
}
