//! The newest snapshot that is whole: torn and foreign ones are passed over, with a warning that says why.

use hissa_core::shard::{Shard, ShardConfig};
use hissa_core::snapshot::SnapshotError;

use crate::snapshots::{SnapshotStore, StoreError};

/// Why a partition cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Older snapshots are of the same shard: none of them would fit either.
    #[error("{path}: {why}")]
    Foreign { path: String, why: SnapshotError },
}

/// Restores the shard from its newest valid snapshot; none, if there is no valid one.
///
/// # Errors
/// The folder cannot be read, or a snapshot is of another shard: then the folder is the wrong one.
pub fn newest(
    store: &SnapshotStore,
    config: ShardConfig,
) -> Result<Option<Box<Shard>>, RestoreError> {
    for stored in store.list(config.partition)? {
        let bytes = match store.read(&stored) {
            Ok(bytes) => bytes,
            Err(why) => {
                tracing::warn!(%why, "a snapshot is passed over");
                continue;
            }
        };
        match Shard::restore(&bytes, config) {
            Ok(shard) if shard.applied_offset() == Some(stored.offset) => {
                return Ok(Some(Box::new(shard)));
            }
            Ok(shard) => tracing::warn!(
                path = %stored.path.display(),
                applied = shard.applied_offset(),
                "a snapshot is passed over: its name says another offset than its state"
            ),
            Err(why @ SnapshotError::Foreign { .. }) => {
                return Err(RestoreError::Foreign {
                    path: stored.path.display().to_string(),
                    why,
                });
            }
            Err(why) => tracing::warn!(
                path = %stored.path.display(),
                %why,
                "a snapshot is passed over"
            ),
        }
    }
    Ok(None)
}
