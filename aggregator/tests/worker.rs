//! The worker's rules, as scripts: what happens, and what is commanded.

#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]

mod scene;

use hissa_aggregator::worker::{Command, Event, LogEntry, Worker, WorkerConfig};
use hissa_core::shard::{Shard, ShardConfig};
use hissa_core::sim::{Partitions, SimId};
use scene::*;

const FLUSH: u64 = 1_000;
const SNAPSHOT: u64 = 60_000;

fn config() -> WorkerConfig {
    WorkerConfig {
        shard: ShardConfig::new(1, 0, 1),
        batch_rows: 8,
        batches_max: 2,
        flush_every_ms: FLUSH,
        snapshot_every_ms: SNAPSHOT,
    }
}

fn tablets(count: u64) -> Vec<SimId> {
    sims(count, Partitions::try_from(1).unwrap()).remove(0)
}

/// A worker and its commands in short form: one word each.
struct Play {
    worker: Worker,
    now_ms: u64,
    sent: (u64, u64),
    batches: u64,
    rows: usize,
    snapshots: Vec<(u64, Vec<u8>)>,
}

impl Play {
    fn new() -> Play {
        Play {
            worker: Worker::new(config()),
            now_ms: 0,
            sent: (0, 0),
            batches: 0,
            rows: 0,
            snapshots: Vec::new(),
        }
    }

    /// From the start of an empty log.
    fn begun() -> Play {
        let mut play = Play::new();
        assert_eq!(play.restored(None, 0, 0), ["consume 0"]);
        play
    }

    fn restored(&mut self, shard: Option<Shard>, log_start: u64, log_end: u64) -> Vec<String> {
        self.step(Event::Restored {
            shard: shard.map(Box::new),
            log_start,
            log_end,
        })
    }

    fn step(&mut self, event: Event) -> Vec<String> {
        let commands = self.worker.step(event, self.now_ms);
        commands
            .into_iter()
            .filter_map(|command| self.note(command))
            .collect()
    }

    fn note(&mut self, command: Command) -> Option<String> {
        Some(match command {
            Command::Consume { from } => format!("consume {from}"),
            Command::SendDecision { decision, .. } => {
                self.sent.0 += 1;
                format!("decision {}", decision.number)
            }
            Command::SendAlert(alert) => {
                self.sent.1 += 1;
                format!("alert {:?}", alert.subject.kind())
            }
            Command::WriteRows {
                batch,
                facts,
                freshness,
            } => {
                self.batches = batch;
                self.rows += facts.len();
                match freshness {
                    Some(fresh) => {
                        format!(
                            "write {batch}: {} rows, fresh {}",
                            facts.len(),
                            fresh.offset
                        )
                    }
                    None => format!("write {batch}: {} rows", facts.len()),
                }
            }
            Command::StoreSnapshot { offset, bytes } => {
                self.snapshots.push((offset, bytes));
                format!("store {offset}")
            }
            Command::Tally(_) | Command::TallyFlags(_) => return None,
            Command::Report(found) => format!("report {}", found.through),
            Command::Halt { why } => format!("halt: {why}"),
            Command::Drained { stored } => format!("drained: {stored:?}"),
        })
    }

    fn entry(&mut self, entry: LogEntry) -> Vec<String> {
        self.step(Event::Entry(entry))
    }

    fn tick(&mut self, after_ms: u64) -> Vec<String> {
        self.now_ms += after_ms;
        self.step(Event::Tick)
    }

    fn broker_acks_all(&mut self) -> Vec<String> {
        let (decisions, alerts) = self.sent;
        self.step(Event::BrokerAcked { decisions, alerts })
    }

    fn rows_written(&mut self, batch: u64) -> Vec<String> {
        self.step(Event::RowsWritten { batch })
    }
}

#[test]
fn decisions_go_out_at_once_and_rows_wait_for_company() {
    let mut play = Play::begun();
    let tablets = tablets(1);
    assert_eq!(
        play.entry(block_entry(0, &registry(&tablets))),
        ["decision 1", "decision 2", "decision 3"]
    );
    assert_eq!(play.tick(FLUSH / 2), [""; 0]);
    let written = play.tick(FLUSH);
    assert_eq!(written, ["write 1: 6 rows"]);
}

#[test]
fn while_clickhouse_is_away_decisions_go_on_and_rows_stay_in_the_shard() {
    let mut play = Play::begun();
    let tablets = tablets(2);
    play.entry(block_entry(0, &registry(&tablets)));
    play.tick(FLUSH);
    assert_eq!(play.batches, 2, "no more than two batches under way");
    let mut decisions = Vec::new();
    for number in 0..20 {
        let sim = tablets[usize::from(number % 2 == 1)];
        let frame = rows_entry(1 + number, &[row(sim, number, GB / 5)]);
        decisions.extend(play.entry(frame));
        play.tick(FLUSH);
    }
    assert_eq!(play.batches, 2);
    assert_eq!(
        decisions,
        [
            "alert SimQuota80",
            "alert SimQuota80",
            "decision 7",
            "alert SimExhausted",
            "decision 8",
            "alert SimExhausted"
        ]
    );
    let rows = play.rows;
    let written = play.rows_written(2);
    assert!(written[0].starts_with("write 3: "), "{written:?}");
    // Twenty rows of usage have melted into one row a SIM, day, class and service, and one a cycle.
    while play.rows_written(play.batches) != [""; 0] {}
    assert!(play.rows - rows < 20, "{} rows", play.rows - rows);
}

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
fn freshness_follows_its_rows() {
    let mut play = Play::begun();
    play.entry(block_entry(0, &registry(&tablets(1))));
    let written = play.tick(FLUSH);
    assert!(
        written.iter().all(|command| !command.contains("fresh")),
        "{written:?}"
    );
    play.rows_written(play.batches);
    let written = play.tick(FLUSH);
    assert_eq!(
        written,
        [format!("write {}: 0 rows, fresh 0", play.batches)]
    );
    play.rows_written(play.batches);
    assert_eq!(
        play.tick(FLUSH),
        [""; 0],
        "a row of freshness makes no other"
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
fn refused_rows_stop_rows_and_snapshots_and_nothing_else() {
    let mut play = Play::begun();
    let tablets = tablets(1);
    play.entry(block_entry(0, &registry(&tablets)));
    play.tick(FLUSH);
    play.step(Event::RowsFailed {
        why: "no such table".into(),
    });
    assert_eq!(play.tick(SNAPSHOT), [""; 0]);
    assert_eq!(
        play.entry(rows_entry(1, &[row(tablets[0], 1, 2 * GB)])),
        ["decision 4", "alert SimExhausted"]
    );
    assert_eq!(
        play.step(Event::Drain),
        [""; 0],
        "the broker is still to answer"
    );
    let drained = play.broker_acks_all();
    assert_eq!(drained, ["drained: No { why: \"no such table\" }"]);
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
fn what_is_missing_or_foreign_halts_and_says_why() {
    let cases: [(u64, u64, &[&str]); 2] = [
        (5, 9, &["begins at offset 5", "there is no snapshot"]),
        (0, 0, &["consume 0"]),
    ];
    for (log_start, log_end, expected) in cases {
        let commands = Play::new().restored(None, log_start, log_end);
        for text in expected {
            assert!(commands[0].contains(text), "{commands:?}");
        }
    }
    let mut shard = Shard::new(config().shard);
    let block = registry(&tablets(1));
    shard
        .apply(
            &hissa_core::wire::Entry::Block(block),
            7,
            &mut hissa_core::shard::Effects::default(),
        )
        .unwrap();
    let commands = Play::new().restored(Some(shard), 0, 8);
    assert_eq!(commands, ["consume 8"]);

    let mut play = Play::begun();
    let unknown = LogEntry {
        version: b"9".to_vec(),
        ..block_entry(0, &registry(&[]))
    };
    assert!(play.entry(unknown)[0].contains("version \"9\""));
    assert_eq!(play.entry(block_entry(0, &registry(&[]))), [""; 0]);
    assert_eq!(play.tick(SNAPSHOT), [""; 0]);

    let mut play = Play::begun();
    assert!(play.entry(block_entry(3, &registry(&[])))[0].contains("entries are missing"));
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
