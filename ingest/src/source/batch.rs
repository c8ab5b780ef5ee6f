//! What a feed hands to the publisher: records decoded, admitted and made into rows, in the order of the source.

use hissa_core::usage::{Source, UsageRow};

use crate::node_sequence::Numbered;
use crate::reject::Rejected;

/// Records of one feed; of each carrier partition in the order of its offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The rows, stubs among them, as they are to be published.
    pub rows: Vec<UsageRow>,
    /// The records that could not be decoded; each has its stub among the rows.
    pub rejected: Vec<Rejected>,
    /// The records that have a number of their node's, in the order of the rows.
    pub numbered: Vec<Numbered>,
    /// How far each source has got that is in the batch.
    pub reached: Vec<Reached>,
    /// The batch ends with a quiet message.
    pub quiet: Option<Quiet>,
    /// Bytes of the messages, as they came.
    pub wire_bytes: u64,
}

/// How far a source has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    pub source: Source,
    /// The offset behind the last message.
    pub position: u64,
    /// SHA-256 of the last message.
    pub sha256: [u8; 32],
    /// Messages in this batch, quiet ones left out.
    pub records: u64,
    /// The latest delivery time of a record in this batch; none where there is no record.
    pub delivered_at_ms: Option<i64>,
}

/// A quiet message: nothing more comes from the source before this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    pub source: Source,
    pub until_ms: i64,
}

impl Batch {
    /// Messages in the batch, quiet ones left out.
    pub fn records(&self) -> u64 {
        self.reached.iter().map(|reached| reached.records).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.reached.is_empty()
    }
}
