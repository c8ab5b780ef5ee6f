//! When a state is stored, and how a worker goes on from it.

use hissa_aggregator::worker::Event;
use hissa_core::shard::Shard;

use crate::play::*;
use crate::scene::*;

#[test]
fn a_snapshot_waits_for_broker_and_clickhouse() {
    for broker_first in [true, false] {
        let mut play = Play::begun();
        play.entry(block_entry(0, &registry(&tablets(1))));
        let taken = play.tick(SNAPSHOT);
        assert!(taken[0].starts_with("write 1"), "{taken:?}");
        let through = play.batches;
        if broker_first {
            assert_eq!(play.broker_acks_all(), [""; 0]);
        } else {
            assert_eq!(play.rows_written(through - 1), [""; 0]);
        }
        // What comes meanwhile is not part of it.
        play.entry(rows_entry(1, &[row(tablets(1)[0], 1, 5)]));
        let stored = if broker_first {
            play.rows_written(through)
        } else {
            assert!(
                play.rows_written(through)
                    .iter()
                    .all(|command| !command.starts_with("store"))
            );
            play.broker_acks_all()
        };
        assert!(stored.contains(&"store 0".to_owned()), "{stored:?}");
        assert_eq!(
            Shard::restore(&play.snapshots[0].1, config().shard)
                .unwrap()
                .applied_offset(),
            Some(0)
        );
    }
}

#[test]
fn a_decision_that_is_not_acknowledged_holds_the_snapshot_back() {
    let mut play = Play::begun();
    play.entry(block_entry(0, &registry(&tablets(1))));
    play.tick(SNAPSHOT);
    play.rows_written(play.batches);
    assert_eq!(
        play.step(Event::BrokerAcked {
            decisions: 2,
            alerts: 0
        }),
        [""; 0]
    );
    assert_eq!(
        play.step(Event::BrokerAcked {
            decisions: 3,
            alerts: 0
        }),
        ["store 0"]
    );
}

#[test]
fn a_drain_writes_rows_then_freshness_then_stores_the_state() {
    let mut play = Play::begun();
    play.entry(block_entry(0, &registry(&tablets(1))));
    let mut commands = play.step(Event::Drain);
    assert_eq!(
        play.entry(rows_entry(1, &[row(tablets(1)[0], 1, 5)])),
        [""; 0],
        "entries are left for the next owner"
    );
    commands.extend(play.broker_acks_all());
    commands.extend(play.rows_written(play.batches));
    commands.extend(play.rows_written(play.batches));
    assert!(
        !commands
            .iter()
            .any(|command| command.starts_with("drained"))
    );
    commands.extend(play.step(Event::SnapshotStored { offset: 0 }));
    let last: Vec<&str> = commands.iter().rev().take(3).map(String::as_str).collect();
    assert_eq!(last[0], "drained: Yes", "{commands:?}");
    assert!(commands.contains(&"store 0".into()), "{commands:?}");
    assert!(
        commands.iter().any(|command| command.contains("fresh 0")),
        "{commands:?}"
    );
}

#[test]
fn a_drain_of_an_untouched_shard_has_nothing_to_do() {
    let mut play = Play::begun();
    assert_eq!(play.step(Event::Drain), ["drained: Nothing"]);
    let mut play = Play::new();
    assert_eq!(play.step(Event::Drain), ["drained: Nothing"]);
}

#[test]
fn a_snapshot_that_the_disk_refused_is_tried_again_later() {
    let mut play = Play::begun();
    play.entry(block_entry(0, &registry(&tablets(1))));
    play.tick(SNAPSHOT);
    play.broker_acks_all();
    assert!(play.rows_written(play.batches).contains(&"store 0".into()));
    let failed = || Event::SnapshotFailed {
        offset: 0,
        why: "disk full".into(),
    };
    assert_eq!(play.step(failed()), [""; 0]);
    play.tick(FLUSH);
    play.rows_written(play.batches);
    assert!(play.tick(SNAPSHOT).contains(&"store 0".into()));
    play.step(failed());
    // A drain tries once more, and then says why not.
    assert_eq!(play.step(Event::Drain), ["store 0"]);
    assert_eq!(
        play.step(failed()),
        ["drained: No { why: \"the snapshot at offset 0: disk full\" }"]
    );
}

#[test]
fn a_restored_worker_reads_on_behind_its_snapshot_and_causes_the_same_again() {
    let tablets = tablets(1);
    let frame = || rows_entry(1, &[row(tablets[0], 1, 2 * GB)]);
    let mut first = Play::begun();
    first.entry(block_entry(0, &registry(&tablets)));
    first.tick(SNAPSHOT);
    first.broker_acks_all();
    first.rows_written(first.batches);
    let caused = first.entry(frame());
    let (_, bytes) = first.snapshots.remove(0);

    let mut second = Play::new();
    let shard = Shard::restore(&bytes, config().shard).unwrap();
    assert_eq!(second.restored(Some(shard), 0, 2), ["consume 1"]);
    assert_eq!(second.entry(block_entry(0, &registry(&tablets))), [""; 0]);
    assert_eq!(second.entry(frame()), caused);
}

#[test]
fn a_snapshot_beyond_the_end_of_the_log_is_of_another_log() {
    let mut shard = Shard::new(config().shard);
    shard
        .apply(
            &hissa_core::wire::Entry::Block(registry(&[])),
            7,
            &mut hissa_core::shard::Effects::default(),
        )
        .unwrap();
    let commands = Play::new().restored(Some(shard), 0, 3);
    assert!(
        commands[0].contains("the topic was made anew"),
        "{commands:?}"
    );
}
