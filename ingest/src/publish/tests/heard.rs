//! Heard hours: told before the rows, with everything else as it stood.

use proptest::prelude::*;

use super::*;

const HOUR_MS: i64 = 3_600_000;

/// A record of one row at this offset of a partition, delivered in these minutes since 1970; of SIM 0.
fn records(partition: u32, first: u64, minutes: &[i64]) -> Batch {
    let rows: Vec<UsageRow> = (first..)
        .zip(minutes)
        .map(|(offset, minute)| row(partition, offset, minute * 60_000, 0))
        .collect();
    let count = rows.len() as u64;
    let last = minutes.iter().max().map(|minute| minute * 60_000);
    Batch {
        rows,
        reached: vec![reached(partition, first + count, count, last)],
        ..Batch::default()
    }
}

fn joined(mut one: Batch, other: Batch) -> Batch {
    one.rows.extend(other.rows);
    one.reached.extend(other.reached);
    one
}

fn live(partitions: u32) -> Publisher {
    let known = (0..partitions).map(|partition| (source(partition), Stored::default()));
    let mut publisher = Publisher::new(SMALL, false, known, 0);
    step(&mut publisher, whole(vec![]));
    publisher
}

#[test]
fn an_hour_is_told_once_before_its_rows_with_the_books_as_they_stood() {
    let mut publisher = start(true, 0, 0);
    for (first, minutes, expected) in [
        // Nothing was told before: the time of the first row moves no clock too far.
        (
            0,
            &[30, 59][..],
            &["h0@1800000:0", "r0", "r1", "p2@3540000"][..],
        ),
        (2, &[59], &["r2", "p3@3540000"]),
        // A batch over several hours, one of them without a record.
        (
            3,
            &[59, 60, 200],
            &["h3@3540000:1,3", "r3", "r4", "r5", "p6@12000000"],
        ),
        (6, &[200, 239], &["r6", "r7", "p8@14340000"]),
    ] {
        let commands = step(&mut publisher, Event::Batch(records(0, first, minutes)));
        assert_eq!(seen_by(0, &commands), expected);
        let without_rows: Vec<_> = expected.iter().filter(|e| !e.starts_with('r')).collect();
        for partition in 1..16 {
            let seen = seen_by(partition, &commands);
            assert_eq!(seen.iter().collect::<Vec<_>>(), without_rows);
        }
    }
    let mut publisher = start(true, 0, 0);
    step(&mut publisher, Event::Batch(records(0, 0, &[0, 0])));
    let commands = step(&mut publisher, Event::Batch(records(0, 2, &[60])));
    let told = commands.iter().find_map(|command| match command {
        Command::Entry {
            kind: Kind::Progress,
            payload: Payload::Json(text),
            partition: 0,
            ..
        } => Some(serde_json::from_slice::<Progress>(text).unwrap()),
        _ => None,
    });
    // Rows of 10 bytes and their offset.
    let before = SourceProgress {
        source: source(0),
        through: 2,
        rows: 2,
        bytes: 21,
        heard: vec![1],
    };
    assert_eq!(told.map(|told| told.sources), Some(vec![before]));
}

#[test]
fn a_restart_tells_the_hours_again_and_moves_no_clock() {
    let stored = Stored {
        position: 5,
        clock_ms: Some(2 * HOUR_MS),
        ..Stored::default()
    };
    let mut publisher = Publisher::new(SMALL, true, [(source(0), stored)], 0);
    step(&mut publisher, whole(vec![]));
    let commands = step(&mut publisher, Event::Batch(records(0, 5, &[130, 190])));
    assert_eq!(
        seen_by(0, &commands),
        ["h5@7200000:2,3", "r5", "r6", "p7@11400000"]
    );
}

#[test]
fn a_stub_is_heard_and_a_quiet_message_is_not() {
    let mut publisher = start(true, 0, 0);
    let mut stub = records(0, 0, &[61]);
    stub.rows = vec![UsageRow::stub(
        source(0),
        0,
        61 * 60_000,
        RejectReason::BadTime,
    )];
    let commands = step(&mut publisher, Event::Batch(stub));
    assert_eq!(seen_by(3, &commands), ["h0@3660000:1", "p1@3660000"]);
    let quiet = Batch {
        reached: vec![reached(0, 2, 0, None)],
        quiet: Some(Quiet {
            source: source(0),
            until_ms: 9 * HOUR_MS,
        }),
        ..Batch::default()
    };
    let commands = step(&mut publisher, Event::Batch(quiet));
    assert_eq!(seen_by(3, &commands), ["p2@32400000"]);
}

#[test]
fn it_stands_before_the_commands_that_are_merged_with_the_rows_and_not_ahead_of_them() {
    let mut publisher = start(true, 0, 0);
    let hours = [1, 2, 50].map(|hour| hour * HOUR_MS);
    let commands = (0..).zip(hours).map(|(rev, at_ms)| general(rev, at_ms));
    step(&mut publisher, whole(commands.collect()));
    let commands = step(&mut publisher, Event::Batch(records(0, 0, &[180, 181])));
    // A clock at 3 h would pass the first command by.
    assert_eq!(
        seen_by(0, &commands),
        ["h0@3600000:3", "b0-2:0,1", "r0", "r1", "p2@10860000"]
    );
}

#[test]
fn each_source_of_a_live_feed_tells_its_own_hours_in_whatever_order_they_come() {
    let mut publisher = live(3);
    let both = joined(records(0, 0, &[300]), records(1, 0, &[61, 60]));
    for (batch, expected) in [
        // The least of the batch: the second frame may begin with it.
        (both, &["h0,0@3600000:5|1", "p1,2@3660000"][..]),
        // The third source is new; the others' time is known. An hour may be earlier than the last one told.
        (records(2, 0, &[310]), &["h0@3660000:5", "p1@3660000"]),
        (records(0, 1, &[301, 10]), &["h1@3660000:0", "p3@3660000"]),
        (records(1, 2, &[62]), &["p3@3720000"]),
        (records(0, 3, &[11, 305]), &["p5@3720000"]),
    ] {
        let commands = step(&mut publisher, Event::Batch(batch));
        assert_eq!(seen_by(9, &commands), expected);
    }
    let at_end = Event::AtEnd {
        sources: vec![source(0), source(1), source(2)],
        at_ms: 9 * HOUR_MS,
    };
    assert_eq!(
        seen_by(9, &step(&mut publisher, at_end)),
        ["p5,3,1@32400000"]
    );
}

proptest! {
    /// Lives that end anywhere, with rows minutes apart: no row before its hour, no clock ahead of what follows.
    #[test]
    fn no_row_comes_before_its_hour_was_told_and_no_clock_runs_ahead(
        minutes in prop::collection::vec(0i64..90, 1..60),
        commands in prop::collection::vec(0i64..300, 0..8),
        lives in prop::collection::vec((1usize..9, 0usize..300), 0..6),
    ) {
        let mut at = 0;
        let minutes: Vec<i64> = minutes.into_iter().map(|step| { at += step; at }).collect();
        let registry: Vec<Revision> = (0..).zip(&commands).map(|(rev, minute)| general(rev, minute * 60_000)).collect();
        let mut kept = Stored::default();
        let mut log = Vec::new();
        for (records_a_batch, arriving) in lives.into_iter().chain([(7, usize::MAX)]) {
            let revision = kept.registry_revision;
            let mut publisher = Publisher::new(SMALL, true, [(source(0), kept.clone())], revision);
            step(&mut publisher, whole(registry[usize::try_from(revision).unwrap()..].to_vec()));
            let mut written = Vec::new();
            let from = usize::try_from(kept.position).unwrap();
            for (number, part) in minutes[from..].chunks(records_a_batch).enumerate() {
                let mut batch = records(0, (from + number * records_a_batch) as u64, part);
                batch.rows.iter_mut().for_each(|row| row.sim = [(row.source_offset.get() % 3 * 16) as u8; 16]);
                publisher.step(Event::Batch(batch), &mut written);
            }
            written.truncate(arriving);
            for (_, stored) in acknowledge(&mut publisher, &written) {
                kept = stored;
            }
            log.extend(written);
        }
        for partition in 0..4 {
            let mut clock_ms = i64::MIN;
            let mut hours = std::collections::BTreeSet::new();
            // The time to which a heard Progress moved the clock, until the next entry is seen.
            let mut moved: Option<i64> = None;
            for command in &log {
                let Command::Entry { partition: target, kind, payload, .. } = command else { continue };
                if *target != partition {
                    continue;
                }
                let next = match wire::decode(kind.as_str().as_bytes(), b"1", payload.bytes()).unwrap() {
                    wire::Entry::Rows(rows) => {
                        for row in rows {
                            prop_assert!(hours.contains(&(row.delivered_at_ms.get() / HOUR_MS)));
                        }
                        rows.iter().map(|row| row.delivered_at_ms.get()).collect()
                    }
                    wire::Entry::Block(block) => block.commands.iter().map(|c| c.entered.entered_at_ms).collect(),
                    wire::Entry::Progress(progress) if progress.sources[0].heard.is_empty() => vec![progress.as_of_ms],
                    wire::Entry::Progress(progress) => {
                        hours.extend(progress.sources[0].heard.iter().copied());
                        if progress.as_of_ms > clock_ms {
                            moved = Some(progress.as_of_ms);
                        }
                        vec![]
                    }
                };
                if let Some(first) = next.first() && let Some(moved_ms) = moved.take() {
                    prop_assert!(*first >= moved_ms, "{} is behind {}", first, moved_ms);
                }
                clock_ms = next.iter().copied().fold(clock_ms, i64::max);
            }
        }
    }
}
