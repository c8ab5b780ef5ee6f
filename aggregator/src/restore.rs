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

#[cfg(test)]
mod tests {
    use hissa_core::shard::Effects;
    use hissa_core::wire::{Entry, Progress};

    use super::*;

    /// The state of a shard after one entry at `offset`.
    fn state(config: ShardConfig, offset: u64) -> Vec<u8> {
        let mut shard = Shard::new(config);
        let progress = Entry::Progress(Progress {
            sources: Vec::new(),
            as_of_ms: 1_769_904_000_000,
        });
        shard
            .apply(&progress, offset, &mut Effects::default())
            .unwrap();
        shard.snapshot()
    }

    #[test]
    fn the_newest_whole_snapshot_is_taken_and_torn_ones_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let store = SnapshotStore::new(folder.path(), 1, 1);
        let config = ShardConfig::new(1, 3, 16);
        let restored = || {
            newest(&store, config)
                .unwrap()
                .and_then(|shard| shard.applied_offset())
        };
        assert_eq!(restored(), None);
        store.store(3, 5, &state(config, 5)).unwrap();
        assert_eq!(restored(), Some(5));
        // Torn, empty, and of another offset than its name says.
        let whole = state(config, 9);
        for bytes in [&whole[..whole.len() / 2], b"", &state(config, 8)] {
            store.store(3, 9, bytes).unwrap();
            assert_eq!(restored(), Some(5));
        }
        store.store(3, 9, &whole).unwrap();
        assert_eq!(restored(), Some(9));
    }

    #[test]
    fn the_folder_of_another_shard_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = SnapshotStore::new(folder.path(), 1, 1);
        let other = ShardConfig {
            held_sims_max: 7,
            ..ShardConfig::new(1, 3, 16)
        };
        store.store(3, 5, &state(other, 5)).unwrap();
        let refused = newest(&store, ShardConfig::new(1, 3, 16));
        assert!(matches!(refused, Err(RestoreError::Foreign { .. })));
    }
}
