//! Entries of `hissa.usage`: frames of rows, registry blocks, Progress.
//!
//! Two Kafka headers say what a message is: `hissa-entry` (`rows`, `block` or `progress`) and `hissa-version` (a
//! decimal number). A frame of rows is nothing but rows, one behind the other, so that ClickHouse's `RowBinary` reads
//! it too; blocks and Progress are JSON. What is not known halts the shard: nothing is skipped silently.

use serde::{Deserialize, Serialize};
use zerocopy::{FromBytes, IntoBytes};

use crate::registry::Block;
use crate::usage::{ROW_BYTES, ROW_VERSION, Source, UsageRow};

/// The header that names the kind of entry.
pub const HEADER_ENTRY: &str = "hissa-entry";
/// The header with the version of the kind.
pub const HEADER_VERSION: &str = "hissa-version";

/// Rows of one frame at the most: 720 kB, below Kafka's default limit of 1 MB a message.
pub const FRAME_ROWS_MAX: usize = 4_000;

/// The kinds of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rows,
    Block,
    Progress,
}

impl Kind {
    /// The header's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Rows => "rows",
            Kind::Block => "block",
            Kind::Progress => "progress",
        }
    }

    /// The version that this binary writes.
    pub fn version(self) -> &'static str {
        match self {
            Kind::Rows => "1",
            Kind::Block => "1",
            Kind::Progress => "1",
        }
    }
}

/// A decoded entry; rows are read where they lie.
#[derive(Clone, Debug)]
pub enum Entry<'a> {
    Rows(&'a [UsageRow]),
    Block(Block),
    Progress(Progress),
}

/// What ingest has published into this partition: stands behind the rows it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    pub sources: Vec<SourceProgress>,
    /// Nothing delivered before this is still to come from these sources, as far as ingest knows (UTC milliseconds);
    /// moves the clock.
    pub as_of_ms: i64,
}

/// The books of one source for one partition: cumulative, a function of the position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceProgress {
    #[serde(flatten)]
    pub source: Source,
    /// The offset behind the last record that these books contain.
    pub through: u64,
    /// Rows published into this partition, stubs among them.
    pub rows: u64,
    /// Their bytes, both ways, as they stand in the rows.
    pub bytes: u64,
    /// Clock hours (whole hours of UTC since 1970) in which records of the source were delivered, told before their rows
    /// go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<i64>,
}

/// Why an entry cannot be read. It halts the shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error(
        "entry of kind {kind:?} version {version:?}: this binary does not know it; run the version that wrote it"
    )]
    Unknown { kind: String, version: String },
    #[error(
        "a frame of {found} bytes is not a whole number of rows of {ROW_BYTES} bytes (or is empty)"
    )]
    Torn { found: usize },
    #[error("a {kind} entry is not what its headers say: {why}")]
    Malformed { kind: &'static str, why: String },
}

/// Reads an entry by its two headers.
///
/// # Errors
/// An unknown kind or version, a torn frame, malformed JSON.
pub fn decode<'a>(kind: &[u8], version: &[u8], payload: &'a [u8]) -> Result<Entry<'a>, WireError> {
    match (kind, version) {
        (b"rows", b"1") => decode_rows(payload).map(Entry::Rows),
        (b"block", b"1") => decode_json("block", payload).map(Entry::Block),
        (b"progress", b"1") => decode_json("progress", payload).map(Entry::Progress),
        _ => Err(WireError::Unknown {
            kind: String::from_utf8_lossy(kind).into_owned(),
            version: String::from_utf8_lossy(version).into_owned(),
        }),
    }
}

/// The payload of a frame of rows.
pub fn encode_rows(rows: &[UsageRow]) -> &[u8] {
    const { assert!(ROW_VERSION == 1 && ROW_BYTES == 180) };
    rows.as_bytes()
}

/// The payload of a block.
///
/// # Errors
/// None for the types of this crate; the signature is `serde_json`'s.
pub fn encode_block(block: &Block) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(block)
}

/// The payload of Progress.
///
/// # Errors
/// None for the types of this crate; the signature is `serde_json`'s.
pub fn encode_progress(progress: &Progress) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(progress)
}

fn decode_rows(payload: &[u8]) -> Result<&[UsageRow], WireError> {
    match <[UsageRow]>::ref_from_bytes(payload) {
        Ok(rows) if !rows.is_empty() => Ok(rows),
        _ => Err(WireError::Torn {
            found: payload.len(),
        }),
    }
}

fn decode_json<T: for<'de> Deserialize<'de>>(
    kind: &'static str,
    payload: &[u8],
) -> Result<T, WireError> {
    serde_json::from_slice(payload).map_err(|error| WireError::Malformed {
        kind,
        why: error.to_string(),
    })
}
