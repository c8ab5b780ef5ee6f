//! The publisher is driven with invented batches; what it wants written is read back as the shards would read it.

use hissa_core::outcome::RejectReason;
use hissa_core::registry::{Command as Entry, Counter, Enrolment, Entered, Feed, Place, Revision};
use hissa_core::sim::{FeedId, SimId};

mod crashes;
mod heard;
mod numbers;
mod share;

use super::*;
use hissa_core::usage::UsageRow;
use hissa_core::wire::{self, SourceProgress};

use crate::position::Book;
use crate::reject::Rejected;
use crate::source::batch::{Batch, Quiet, Reached};

const SMALL: Partitions = Partitions::SMALL;

fn source(partition: u32) -> Source {
    Source {
        feed: FeedId::parse("pgw").unwrap(),
        epoch: 1,
        partition,
    }
}

/// A row of the SIM whose pseudonym is `sim` sixteen times; its partition is `sim / 16`.
fn row(partition: u32, offset: u64, delivered_at_ms: i64, sim: u8) -> UsageRow {
    UsageRow {
        kind: 0,
        reject_reason: 0,
        sim: [sim; 16],
        uplink_bytes: 10.into(),
        downlink_bytes: offset.into(),
        ..UsageRow::stub(
            source(partition),
            offset,
            delivered_at_ms,
            RejectReason::BadTime,
        )
    }
}

fn reached(partition: u32, position: u64, records: u64, delivered_at_ms: Option<i64>) -> Reached {
    Reached {
        source: source(partition),
        position,
        sha256: [7; 32],
        records,
        delivered_at_ms,
    }
}

/// Records at these offsets, one row each, delivered at ten times the offset; the SIM is the offset.
fn batch(offsets: std::ops::Range<u64>) -> Batch {
    let sim = |offset: u64| u8::try_from(offset * 37 % 256).unwrap();
    let at_ms = |offset: u64| i64::try_from(offset).unwrap() * 10;
    let records = offsets.end - offsets.start;
    Batch {
        reached: vec![reached(
            0,
            offsets.end,
            records,
            Some(at_ms(offsets.end - 1)),
        )],
        rows: offsets
            .map(|offset| row(0, offset, at_ms(offset), sim(offset)))
            .collect(),
        ..Batch::default()
    }
}

fn general(rev: u64, entered_at_ms: i64) -> Revision {
    let feed = Feed {
        id: FeedId::parse("pgw").unwrap(),
        future_tolerance_ms: 300_000,
        counter: Counter::Delta,
    };
    let command = Entry::Feed(feed);
    Revision {
        rev,
        entered: Entered {
            entered_at_ms,
            command,
        },
    }
}

fn enrol(rev: u64, entered_at_ms: i64, sim: u8, school: String) -> Revision {
    let command = Entry::Enrol(Enrolment {
        sim: SimId([sim; 16]),
        device: None,
        device_tac: 0,
        cohort: "c".into(),
        valid_from: jiff::civil::date(2026, 2, 1),
        valid_until: None,
        place: Place {
            school,
            ..Place::default()
        },
    });
    Revision {
        rev,
        entered: Entered {
            entered_at_ms,
            command,
        },
    }
}

fn whole(revisions: Vec<Revision>) -> Event {
    Event::Registry {
        revisions,
        whole_at_ms: Some(0),
    }
}

fn start(played: bool, position: u64, revision: u64) -> Publisher {
    let stored = Stored {
        position,
        ..Stored::default()
    };
    let mut publisher = Publisher::new(SMALL, played, [(source(0), stored)], revision);
    publisher.step(whole(vec![]), &mut Vec::new());
    publisher
}

fn step(publisher: &mut Publisher, event: Event) -> Vec<Command> {
    let mut commands = Vec::new();
    publisher.step(event, &mut commands);
    commands
}

/// Acknowledges everything, in order; returns what is stored.
fn acknowledge(publisher: &mut Publisher, commands: &[Command]) -> Vec<(Source, Stored)> {
    let mut stored = Vec::new();
    for ticket in commands.iter().filter_map(Command::ticket) {
        stored.extend(stores(step(publisher, Event::Acked { ticket })));
    }
    stored
}

fn stores(commands: Vec<Command>) -> impl Iterator<Item = (Source, Stored)> {
    commands.into_iter().map(|command| match command {
        Command::Store { source, stored } => (source, stored),
        other => panic!("expected nothing but positions: {other:?}"),
    })
}

/// What one partition gets: `r<offset>` for a row, `b<from>-<to>` for a block with its revisions, `p<through>@<as_of>`;
/// `h<through>@<as_of>:<hours>` for Progress with heard hours.
fn seen_by(partition: u16, commands: &[Command]) -> Vec<String> {
    let mut seen = Vec::new();
    for command in commands {
        let Command::Entry {
            partition: target,
            kind,
            payload,
            ..
        } = command
        else {
            continue;
        };
        if *target != partition {
            continue;
        }
        let (kind, version) = (kind.as_str().as_bytes(), kind.version().as_bytes());
        match wire::decode(kind, version, payload.bytes()).unwrap() {
            wire::Entry::Rows(rows) => {
                seen.extend(rows.iter().map(|row| format!("r{}", row.source_offset)));
            }
            wire::Entry::Block(block) => {
                let revisions: Vec<_> = block.commands.iter().map(|c| c.rev.to_string()).collect();
                seen.push(format!(
                    "b{}-{}:{}",
                    block.from_rev,
                    block.to_rev,
                    revisions.join(",")
                ));
            }
            wire::Entry::Progress(progress) => {
                let sources = || progress.sources.iter();
                let through: Vec<_> = sources().map(|s| s.through.to_string()).collect();
                let told = format!("{}@{}", through.join(","), progress.as_of_ms);
                let hours = |s: &SourceProgress| {
                    let hours: Vec<_> = s.heard.iter().map(i64::to_string).collect();
                    hours.join(",")
                };
                let heard: Vec<_> = sources().map(hours).collect();
                seen.push(match sources().any(|s| !s.heard.is_empty()) {
                    true => format!("h{told}:{}", heard.join("|")),
                    false => format!("p{told}"),
                });
            }
        }
    }
    seen
}

#[test]
fn a_played_feed_is_merged_with_the_registry_by_time_commands_first() {
    let mut publisher = start(true, 0, 0);
    let commands = vec![
        general(0, -5),
        enrol(1, 10, 0, "a".into()),
        enrol(2, 20, 255, "b".into()),
        general(3, 25),
        general(4, 31),
    ];
    assert_eq!(step(&mut publisher, whole(commands)), []);
    let mut zeros = batch(0..4);
    zeros.rows.iter_mut().for_each(|row| row.sim = [0; 16]);
    let commands = step(&mut publisher, Event::Batch(zeros));
    assert_eq!(
        seen_by(0, &commands),
        [
            "h0@0:0", "b0-1:0", "r0", "b1-2:1", "r1", "b2-3:", "r2", "b3-4:3", "r3", "p4@30"
        ]
    );
    assert_eq!(
        seen_by(15, &commands),
        ["h0@0:0", "b0-1:0", "b1-2:", "b2-3:2", "b3-4:3", "p4@30"]
    );
    assert_eq!(
        acknowledge(&mut publisher, &commands)[0]
            .1
            .registry_revision,
        4
    );
}

#[test]
fn a_command_holds_back_those_behind_it_that_were_entered_earlier() {
    let mut publisher = start(true, 0, 0);
    step(&mut publisher, whole(vec![general(0, 15), general(1, 5)]));
    let commands = step(&mut publisher, Event::Batch(batch(0..3)));
    assert_eq!(seen_by(9, &commands)[1], "b0-2:0,1");
    assert_eq!(seen_by(9, &commands).last().unwrap(), "p3@20");
}

#[test]
fn a_quiet_message_moves_the_time_and_takes_the_commands_up_to_it() {
    let mut publisher = start(true, 0, 0);
    step(
        &mut publisher,
        whole(vec![general(0, 500), general(1, 501)]),
    );
    let mut last = batch(0..1);
    last.reached = vec![reached(0, 2, 1, Some(0))];
    last.quiet = Some(Quiet {
        source: source(0),
        until_ms: 500,
    });
    let commands = step(&mut publisher, Event::Batch(last));
    assert_eq!(seen_by(0, &commands), ["h0@0:0", "r0", "b0-1:0", "p2@500"]);
    let stored = acknowledge(&mut publisher, &commands).pop().unwrap().1;
    assert_eq!(
        (stored.finished, stored.clock_ms, stored.position),
        (true, Some(500), 2)
    );
    assert_eq!((stored.received.records, stored.received.rows), (1, 1));
    // A record behind it, and the feed is not over.
    let commands = step(&mut publisher, Event::Batch(batch(60..61)));
    assert_eq!(seen_by(1, &commands), ["b1-2:1", "p61@600"]);
    assert!(!acknowledge(&mut publisher, &commands)[0].1.finished);
}

#[test]
fn a_live_feed_takes_commands_as_they_come() {
    let mut publisher = start(false, 0, 7);
    let commands = step(&mut publisher, whole(vec![general(7, i64::MAX - 1)]));
    assert_eq!(seen_by(3, &commands), ["b7-8:7"]);
    assert_eq!(
        acknowledge(&mut publisher, &commands)[0]
            .1
            .registry_revision,
        8
    );
}

#[test]
fn full_frames_go_out_before_the_batch_ends() {
    let mut publisher = start(true, 0, 0);
    let rows = vec![row(0, 0, 0, 0); FRAMES * wire::FRAME_ROWS_MAX + 1];
    const FRAMES: usize = 3;
    let batch = Batch {
        rows,
        reached: vec![reached(0, 1, 1, Some(0))],
        ..Batch::default()
    };
    let commands = step(&mut publisher, Event::Batch(batch));
    let rows = commands.iter().filter_map(|command| match command {
        Command::Entry {
            payload: Payload::Rows(rows),
            ..
        } => Some(rows.len()),
        _ => None,
    });
    assert_eq!(rows.collect::<Vec<_>>(), [4_000, 4_000, 4_000, 1]);
}

#[test]
fn a_stub_goes_to_the_first_partition_and_its_reason_beside_it() {
    let mut publisher = start(false, 0, 0);
    let fault = crate::decode::Fault {
        reason: RejectReason::BadTime,
        field: "opened_at".into(),
        at: "line 1, column 2".into(),
        expected: "a time".into(),
    };
    let rejected = Rejected::new(source(0), 0, 0, fault, &[1; 32]);
    let batch = Batch {
        rows: vec![UsageRow::stub(source(0), 0, 0, RejectReason::BadTime)],
        rejected: vec![rejected.clone()],
        reached: vec![reached(0, 1, 1, Some(0))],
        ..Batch::default()
    };
    let commands = step(&mut publisher, Event::Batch(batch));
    assert_eq!(seen_by(0, &commands), ["h0@0:0", "r0", "p1@0"]);
    assert!(commands.contains(&Command::Rejected {
        ticket: 0,
        rejected
    }));
    let stored = acknowledge(&mut publisher, &commands).pop().unwrap().1;
    assert_eq!(stored.books[0], Book { rows: 1, bytes: 0 });
    assert_eq!((stored.received.rows, stored.received.rejected), (1, 1));
}

#[test]
fn progress_says_the_least_time_of_a_live_feeds_sources_and_quiet_seconds_move_it() {
    let known = (0..2).map(|partition| (source(partition), Stored::default()));
    let mut publisher = Publisher::new(SMALL, false, known, 0);
    step(&mut publisher, whole(vec![]));
    let one = |partition, offset, at_ms| Batch {
        rows: vec![row(partition, offset, at_ms, 0)],
        reached: vec![reached(partition, offset + 1, 1, Some(at_ms))],
        ..Batch::default()
    };
    let commands = step(&mut publisher, Event::Batch(one(0, 0, 1_000)));
    assert_eq!(seen_by(0, &commands), ["h0@1000:0", "r0", "p1@1000"]);
    let commands = step(&mut publisher, Event::Batch(one(1, 0, 400)));
    assert_eq!(seen_by(0, &commands), ["h0@1000:0", "r0", "p1@400"]);
    let at_end = |sources: Vec<Source>, at_ms| Event::AtEnd { sources, at_ms };
    let commands = step(&mut publisher, at_end(vec![source(1)], 5_000));
    assert_eq!(seen_by(0, &commands), ["p1@1000"]);
    let commands = step(&mut publisher, at_end(vec![source(0), source(1)], 6_000));
    assert_eq!(seen_by(7, &commands), ["p1,1@6000"]);
}

#[test]
fn a_position_is_stored_only_after_everything_at_or_before_it_is_acknowledged() {
    let mut publisher = start(true, 0, 0);
    let first = step(&mut publisher, Event::Batch(batch(0..10)));
    let second = step(&mut publisher, Event::Batch(batch(10..20)));
    assert_eq!(acknowledge(&mut publisher, &second), []);
    assert_eq!(
        publisher.records_in_flight().collect::<Vec<_>>(),
        [(source(0), 20)]
    );
    assert_eq!(acknowledge(&mut publisher, &first[1..]), []);
    let stored = acknowledge(&mut publisher, &first[..1]);
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].1.position, 20);
    assert!(publisher.is_settled());
    assert_eq!(
        publisher.records_in_flight().collect::<Vec<_>>(),
        [(source(0), 0)]
    );
}

#[test]
fn batches_wait_for_the_registry_and_for_room() {
    let mut publisher = Publisher::new(SMALL, false, [(source(0), Stored::default())], 0);
    assert!(!publisher.takes_batches(0));
    step(
        &mut publisher,
        Event::Registry {
            revisions: vec![],
            whole_at_ms: None,
        },
    );
    assert!(!publisher.takes_batches(0));
    step(&mut publisher, whole(vec![]));
    assert!(publisher.takes_batches(60_000));
    assert!(!publisher.takes_batches(60_001));
    let mut commands = Vec::new();
    for number in 0..8 {
        assert!(publisher.takes_batches(0));
        publisher.step(Event::Batch(batch(number..number + 1)), &mut commands);
    }
    assert!(!publisher.takes_batches(0));
    acknowledge(&mut publisher, &commands);
    assert!(publisher.takes_batches(0));
    // A played feed's registry has no age: its time is not ours.
    assert!(start(true, 0, 0).takes_batches(i64::MAX));
}
