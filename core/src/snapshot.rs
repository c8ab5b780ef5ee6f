//! The state of a shard as bytes: versioned, checksummed, self-contained.

/// Why a snapshot is refused. The remedy is an older snapshot, or replay from the start of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error(
        "the snapshot is torn: {found} bytes where at least {expected} are needed; restore an older one"
    )]
    Torn { found: usize, expected: usize },
    #[error("these bytes are no snapshot of Hissa (they do not begin with its mark)")]
    NotASnapshot,
    #[error(
        "the snapshot has format {found}, and this binary reads format {known}; run the version that wrote it"
    )]
    Format { found: u32, known: u32 },
    #[error(
        "the snapshot's checksum does not match its bytes: it was damaged; restore an older one"
    )]
    Checksum,
    #[error(
        "the snapshot is of {what} {found}, and this shard has {expected}; restore the shard's own snapshot, or begin a new generation"
    )]
    Foreign {
        what: &'static str,
        found: u64,
        expected: u64,
    },
    #[error(
        "the snapshot passes its checksum, but does not hold together: {why}; report it, and restore an older one"
    )]
    Malformed { why: String },
}
