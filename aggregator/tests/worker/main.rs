//! The worker's rules, as scripts: what happens, and what is commanded.

#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]

mod play;
#[path = "../scene/mod.rs"]
mod scene;
mod snapshots;

use hissa_aggregator::worker::{Event, FlagTally, LogEntry};
use hissa_core::facts::Flag;
use hissa_core::shard::Shard;

use play::*;
use scene::*;

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
fn what_is_to_be_said_about_rows_is_summed_by_entry() {
    let mut play = Play::begun();
    let sim = tablets(1)[0];
    play.entry(block_entry(0, &registry(&[sim])));
    // Readings of one session's counter: 900, 1,000, begun anew at 7, and again at 5; a late one.
    let frame: Vec<_> = [(1, 900), (2, 1_000), (3, 7), (4, 5), (2, 3)]
        .into_iter()
        .zip(1..)
        .map(|((container, reading), number)| {
            let mut row = row(sim, number, reading);
            row.charging_id = 1.into();
            row.container_sequence = container.into();
            row.counter = 3;
            row
        })
        .collect();
    play.entry(rows_entry(1, &frame[..4]));
    play.entry(rows_entry(2, &frame[4..]));
    let feed = source().feed;
    let tally = |flag, records, bytes| FlagTally {
        feed,
        flag,
        records,
        bytes,
    };
    assert_eq!(
        play.flags,
        [tally(Flag::Reset, 2, 12), tally(Flag::LateReading, 1, 0)]
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
