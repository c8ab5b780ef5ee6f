//! Snapshots: the same digest and the same behaviour, or a clear refusal.

use super::framing::{Log, run};
use super::story::*;
use crate::shard::{Shard, ShardConfig};
use crate::snapshot::SnapshotError;

fn busy() -> Story {
    let mut story = Story::begun();
    story.row(usage(1, "2026-02-10T08:00", 17 * GB));
    story.row(usage(2, "2026-02-10T08:00", 5).group(STRANGE));
    story.row(usage(9, "2026-02-10T08:00", 5));
    story.shard.take_facts(3);
    story
}

#[test]
fn a_restored_shard_has_the_same_digest_and_goes_on_the_same() {
    for seed in 0..20 {
        let log = Log::random(seed);
        let whole = run(&log, None);
        for middle in [1, log.entries.len() / 3, log.entries.len() - 1] {
            let restored = run(&log, Some(middle));
            assert_eq!(restored.shard.digest(), whole.shard.digest(), "seed {seed}");
            assert_eq!(restored.decisions, whole.decisions, "seed {seed}");
            assert_eq!(restored.alerts, whole.alerts, "seed {seed}");
            assert_eq!(restored.facts, whole.facts, "seed {seed}");
            assert_eq!(restored.discrepancies, whole.discrepancies, "seed {seed}");
        }
    }
}

#[test]
fn a_snapshot_holds_the_rows_that_wait_and_the_digest_does_not_see_them() {
    let mut story = busy();
    let mut restored = Shard::restore(&story.shard.snapshot(), story_config()).unwrap();
    assert_eq!(restored.facts_pending(), story.shard.facts_pending());
    assert_eq!(restored.digest(), story.shard.digest());
    let digest = restored.digest();
    let (one, other) = (story.shard.take_facts(999), restored.take_facts(999));
    assert_eq!(one, other);
    assert_eq!(restored.digest(), digest);
    assert_eq!(restored.snapshot(), story.shard.snapshot());
}

fn story_config() -> ShardConfig {
    ShardConfig::new(1, 3, 16)
}

#[test]
fn a_new_shard_can_be_restored() {
    let shard = Shard::new(story_config());
    let restored = Shard::restore(&shard.snapshot(), story_config()).unwrap();
    assert_eq!(restored.digest(), shard.digest());
    assert_eq!(restored.clock_ms(), None);
}

#[test]
fn a_torn_or_damaged_snapshot_is_refused() {
    let bytes = busy().shard.snapshot();
    for length in 0..bytes.len() {
        let error = Shard::restore(&bytes[..length], story_config()).unwrap_err();
        match error {
            SnapshotError::NotASnapshot => assert!(length < 8),
            SnapshotError::Torn { found, .. } => assert_eq!(found, length),
            other => panic!("{length}: {other}"),
        }
    }
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        let error = Shard::restore(&damaged, story_config()).unwrap_err();
        match error {
            SnapshotError::NotASnapshot => assert!(place < 8),
            SnapshotError::Torn { .. } => assert!((12..20).contains(&place), "{place}"),
            SnapshotError::Checksum => {}
            other => panic!("{place}: {other}"),
        }
    }
}

#[test]
fn the_snapshot_of_another_shard_is_refused() {
    let bytes = busy().shard.snapshot();
    let own = story_config();
    let table = [
        (
            ShardConfig {
                generation: 2,
                ..own
            },
            "generation 1, and this shard has 2",
        ),
        (
            ShardConfig {
                partition: 4,
                ..own
            },
            "partition 3, and this shard has 4",
        ),
        (
            ShardConfig {
                horizon_days: 60,
                ..own
            },
            "horizon in days 45",
        ),
        (
            ShardConfig {
                held_sims_max: 9,
                ..own
            },
            "bound of held SIMs 20000",
        ),
    ];
    for (config, expected) in table {
        let error = Shard::restore(&bytes, config).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = Shard::restore(b"PK\x03\x04", own).unwrap_err();
    assert_eq!(error, SnapshotError::NotASnapshot);
}

#[test]
fn a_snapshot_of_another_format_is_refused() {
    let mut bytes = busy().shard.snapshot();
    bytes[8] = 9;
    let end = bytes.len() - 16;
    let checksum = xxhash_rust::xxh3::xxh3_128(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
    let error = Shard::restore(&bytes, story_config()).unwrap_err();
    assert_eq!(error, SnapshotError::Format { found: 9, known: 1 });
}
