//! Where rows come from: the highest position seen of each source, and the check of what Progress promised.

use crate::usage::Source;

/// A difference between the shard's outcomes and what Progress promised. Reported once; then it is the new base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    pub source: Source,
    /// The offset behind the last record that Progress spoke of.
    pub through: u64,
    /// What Progress says was published into this partition.
    pub promised_rows: u64,
    pub promised_bytes: u64,
    /// What the shard has outcomes for.
    pub found_rows: u64,
    pub found_bytes: u64,
    /// The shard's clock (UTC milliseconds).
    pub at_ms: i64,
}
