//! How a worker paces itself.

use hissa_core::shard::ShardConfig;

/// How a worker paces itself. Times are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    pub shard: ShardConfig,
    /// Rows of a batch, at the most; so many that wait are taken without waiting for time to pass.
    pub batch_rows: usize,
    /// Batches under way at a time, at the most; those of a snapshot come on top.
    pub batches_max: u64,
    /// Rows wait so long for company. All workers look at the same instants, so that their rows share an insert.
    pub flush_every_ms: u64,
    /// From one snapshot to the next.
    pub snapshot_every_ms: u64,
}

impl WorkerConfig {
    /// The pace of the service's own defaults.
    pub fn new(shard: ShardConfig) -> WorkerConfig {
        WorkerConfig {
            shard,
            batch_rows: 50_000,
            batches_max: 2,
            flush_every_ms: 1_000,
            snapshot_every_ms: 180_000,
        }
    }
}
