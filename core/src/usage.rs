//! The row: what the network says of one container, in one fixed-width form, and its identity.
//!
//! A row holds facts of the network only; class, service and cycle are decided in the shard. The layout is packed,
//! little-endian, without padding, and is a `RowBinary` row of the ClickHouse columns in [`CLICKHOUSE_STRUCTURE`].

use xxhash_rust::xxh3::xxh3_64;
use zerocopy::byteorder::little_endian::{I64, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::outcome::RejectReason;
use crate::registry::Counter;
use crate::sim::{DeviceId, FeedId, IdentifierError, NodeId, SimId};

/// The version of the layout, in the Kafka header `hissa-version`.
pub const ROW_VERSION: u8 = 1;

/// One row of `hissa.usage`, 180 bytes. Instants are UTC milliseconds since 1970.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct UsageRow {
    /// 0 a usage container, 1 a stub: a record that could not be decoded (then only source and delivery are set).
    pub kind: u8,
    /// Of a stub: the code of a [`RejectReason`]. Else 0.
    pub reject_reason: u8,
    /// Radio access: 0 not told, else the generation (2, 3, 4, 5).
    pub rat: u8,
    /// Reserved for hints of hosts and addresses, for feeds that carry them. 0.
    pub hint: u8,
    /// The SIM's pseudonym.
    pub sim: [u8; 16],
    /// The device's pseudonym; zeros where the record names none.
    pub device: [u8; 16],
    /// The device's type allocation code; 0 where the record names none.
    pub device_tac: U32,
    /// The serving network: MCC and MNC as a decimal number behind the count of MNC digits (2 or 3), such as
    /// 2_001_01; 0 where not told.
    pub serving_plmn: U32,
    /// Source: the feed's id, padded with zeros.
    pub feed: [u8; 16],
    /// Source: the feed's epoch.
    pub epoch: U32,
    /// Source: the carrier's partition.
    pub source_partition: U32,
    /// Position: the offset in that partition.
    pub source_offset: U64,
    /// Position: the row's place in its record, from 0.
    pub source_row: U32,
    /// What the byte counts are: 0 as the feed says, else the code of a [`Counter`].
    pub counter: u8,
    /// Reserved. 0.
    pub reserved: [u8; 3],
    /// The Kafka timestamp of the carrier's message.
    pub delivered_at_ms: I64,
    /// Identity: the gateway, padded with zeros.
    pub node: [u8; 20],
    /// Identity: number of the partial record, or 0.
    pub record_sequence: U32,
    /// Identity: the bearer's charging id.
    pub charging_id: U64,
    /// Identity: when the record was opened.
    pub opened_at_ms: I64,
    /// Identity: rating group.
    pub rating_group: U32,
    /// Identity: service id, or 0.
    pub service_id: U32,
    /// Identity: container number, or place in the record from 1.
    pub container_sequence: U32,
    /// Reserved. 0.
    pub session_sequence: U32,
    /// Start of the usage.
    pub started_at_ms: I64,
    /// End of the usage.
    pub ended_at_ms: I64,
    /// Bytes from the tablet.
    pub uplink_bytes: U64,
    /// Bytes to the tablet.
    pub downlink_bytes: U64,
}

/// The size of a row in bytes.
pub const ROW_BYTES: usize = size_of::<UsageRow>();

/// The columns of a row for ClickHouse's `RowBinary`, in order.
pub const CLICKHOUSE_STRUCTURE: &str = "kind UInt8, reject_reason UInt8, rat UInt8, hint UInt8, \
    sim FixedString(16), device FixedString(16), device_tac UInt32, serving_plmn UInt32, \
    feed FixedString(16), epoch UInt32, source_partition UInt32, source_offset UInt64, source_row UInt32, \
    counter UInt8, reserved FixedString(3), delivered_at_ms Int64, node FixedString(20), record_sequence UInt32, charging_id UInt64, \
    opened_at_ms Int64, rating_group UInt32, service_id UInt32, container_sequence UInt32, \
    session_sequence UInt32, started_at_ms Int64, ended_at_ms Int64, uplink_bytes UInt64, downlink_bytes UInt64";

/// Where a row comes from: one partition of one feed, made anew where the epoch differs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Source {
    pub feed: FeedId,
    pub epoch: u32,
    pub partition: u32,
}

/// A row's place in its source: the record's offset, then the row's place in the record.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Position {
    pub offset: u64,
    pub row: u32,
}

/// What makes a container itself, whichever way and however often it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The UTC day of the opening time, as days since 1970: the segment of `seen` that knows the identity.
    pub opening_day: i32,
    /// The hash of all that identifies the container.
    pub hash: u64,
}

/// The number of milliseconds of a UTC day.
pub const DAY_MS: i64 = 86_400_000;

/// The number of milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// The UTC day of an instant, as days since 1970.
pub fn utc_day(at_ms: i64) -> i32 {
    // Instants come from checked times (years 1970 to 9999) or from Kafka; their day fits in 32 bits unless the clock
    // is far outside; then the nearest end serves, and the row is judged too old or in the future.
    i32::try_from(at_ms.div_euclid(DAY_MS)).unwrap_or(if at_ms < 0 { i32::MIN } else { i32::MAX })
}

impl UsageRow {
    /// A stub for a record that could not be decoded.
    pub fn stub(
        source: Source,
        offset: u64,
        delivered_at_ms: i64,
        reason: RejectReason,
    ) -> UsageRow {
        UsageRow {
            kind: 1,
            reject_reason: reason.code(),
            feed: source.feed.bytes(),
            epoch: source.epoch.into(),
            source_partition: source.partition.into(),
            source_offset: offset.into(),
            delivered_at_ms: delivered_at_ms.into(),
            ..zerocopy::FromZeros::new_zeroed()
        }
    }

    /// Whether the row stands for a record that could not be decoded.
    pub fn is_stub(&self) -> bool {
        self.kind == 1
    }

    /// The SIM's pseudonym.
    pub fn sim(&self) -> SimId {
        SimId(self.sim)
    }

    /// What the record says that its byte counts are; none where it says nothing (code 0).
    ///
    /// # Errors
    /// The code is not one of the known ones.
    pub fn counter(&self) -> Result<Option<Counter>, &'static str> {
        match self.counter {
            0 => Ok(None),
            1 => Ok(Some(Counter::Delta)),
            2 => Ok(Some(Counter::Cumulative32)),
            3 => Ok(Some(Counter::Cumulative64)),
            _ => Err("its counter is not one of the codes"),
        }
    }

    /// The device's pseudonym, where the record names a device.
    pub fn device(&self) -> Option<DeviceId> {
        (self.device != [0; 16]).then_some(DeviceId(self.device))
    }

    /// The node's name.
    ///
    /// # Errors
    /// The bytes are not a padded name.
    pub fn node(&self) -> Result<NodeId, IdentifierError> {
        NodeId::from_bytes(self.node)
    }

    /// The source.
    ///
    /// # Errors
    /// The feed's bytes are not a padded name: the frame was not written by ingest.
    pub fn source(&self) -> Result<Source, IdentifierError> {
        Ok(Source {
            feed: FeedId::from_bytes(self.feed)?,
            epoch: self.epoch.get(),
            partition: self.source_partition.get(),
        })
    }

    /// The position in the source.
    pub fn position(&self) -> Position {
        Position {
            offset: self.source_offset.get(),
            row: self.source_row.get(),
        }
    }

    /// The bytes both ways. Decoders admit at most 10¹² each way, so the sum cannot overflow; a row of another origin
    /// is capped rather than trusted.
    pub fn bytes(&self) -> u64 {
        self.uplink_bytes
            .get()
            .saturating_add(self.downlink_bytes.get())
    }

    /// The instant that decides day and cycle: just before the end, so that a container closed at midnight sharp
    /// belongs to the day that ended; the start, where both are equal.
    pub fn usage_instant_ms(&self) -> i64 {
        let (start, end) = (self.started_at_ms.get(), self.ended_at_ms.get());
        if end > start { end - 1 } else { start }
    }

    /// Who this container is: node, charging id, record sequence, opening time; rating group, service id, container
    /// sequence. Never an offset, a file name, or the SIM.
    pub fn identity(&self) -> Identity {
        // node, record_sequence, charging_id, opened_at_ms, rating_group, service_id, container_sequence stand side by
        // side in the row for this purpose.
        let start = std::mem::offset_of!(UsageRow, node);
        let end = std::mem::offset_of!(UsageRow, session_sequence);
        Identity {
            opening_day: utc_day(self.opened_at_ms.get()),
            hash: xxh3_64(&self.as_bytes()[start..end]),
        }
    }

    /// A digest of what the container says: SIM, rating group, service id, start, end, uplink, downlink; nothing that
    /// a catalogue or a version of ours decides.
    pub fn digest(&self) -> u32 {
        let mut content = [0; 56];
        content[..16].copy_from_slice(&self.sim);
        content[16..20].copy_from_slice(self.rating_group.as_bytes());
        content[20..24].copy_from_slice(self.service_id.as_bytes());
        content[24..32].copy_from_slice(self.started_at_ms.as_bytes());
        content[32..40].copy_from_slice(self.ended_at_ms.as_bytes());
        content[40..48].copy_from_slice(self.uplink_bytes.as_bytes());
        content[48..56].copy_from_slice(self.downlink_bytes.as_bytes());
        // The low half of a good hash is a good hash.
        (xxh3_64(&content) & u64::from(u32::MAX)) as u32
    }
}
