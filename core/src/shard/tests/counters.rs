//! Section 6: cumulative counters (C1 to C7).

use super::commands::*;
use super::story::*;
use crate::facts::Fact;
use crate::registry::Counter;
use crate::sim::NodeId;

/// A feed of cumulative counters of 32 bits.
fn cumulative() -> Story {
    let mut story = Story::begun();
    story.command("2026-02-03T08:00", feed(Counter::Cumulative32));
    story
}

/// A reading of the session 7, and the bytes both ways that it gives.
fn gives(story: &mut Story, row: Usage) -> u64 {
    let total = |story: &mut Story| {
        let rows = story.take().values().filter_map(|fact| match fact {
            Fact::SimDay(row) => Some(row.uplink_bytes + row.downlink_bytes),
            _ => None,
        });
        rows.sum::<u64>()
    };
    let before = total(story);
    story.row(row);
    total(story) - before
}

fn reading(order: u32, down: u64) -> Usage {
    usage(1, "2026-02-10T08:00", down)
        .charging_id(7)
        .order(order, 1)
}

/// Rows and bytes of all flags.
fn flags(story: &mut Story) -> Vec<String> {
    let rows = story.take().values().filter_map(|fact| match fact {
        Fact::FlagDay(row) => Some(format!(
            "{} {} {}",
            row.flag.as_str(),
            row.records,
            row.bytes
        )),
        _ => None,
    });
    rows.collect()
}

const END: u64 = 1 << 32;

#[test]
fn a_reading_gives_its_rise_a_wrap_or_itself() {
    // (last, reading, bytes of it, flag)
    let table = [
        (4_294_967_000, 500, 796, Some("wrap")),
        (9_000, 500, 500, Some("reset")),
        (9_000, 9_000, 0, None),
        (9_000, 9_001, 1, None),
        // A rise of 2³⁰ − 1 and of 2³⁰ beyond the end.
        (END - (1 << 29), (1 << 29) - 1, (1 << 30) - 1, Some("wrap")),
        (END - (1 << 29), 1 << 29, 1 << 29, Some("reset")),
        (END - 2, 0, 2, Some("wrap")),
        (END - 2, END - 1, 0, Some("sentinel")),
    ];
    for (last, is, bytes, flag) in table {
        let mut story = cumulative();
        assert_eq!(gives(&mut story, reading(1, last)), last, "it begins at 0");
        assert_eq!(gives(&mut story, reading(2, is)), bytes, "{last} then {is}");
        let expected = flag.map(|flag| format!("{flag} 1 {bytes}"));
        assert_eq!(
            flags(&mut story),
            Vec::from_iter(expected),
            "{last} then {is}"
        );
    }
}

#[test]
fn a_record_says_what_its_counts_are_else_its_feed_else_they_are_deltas() {
    // (what the feed says, what the record says, bytes of 100 then 150 then 90)
    let table = [
        (None, 0, [100, 150, 90]),
        (None, 2, [100, 50, 90]),
        (Some(Counter::Delta), 3, [100, 50, 90]),
        (Some(Counter::Cumulative32), 0, [100, 50, 90]),
        (Some(Counter::Cumulative64), 0, [100, 50, 90]),
        (Some(Counter::Cumulative32), 1, [100, 150, 90]),
    ];
    for (told, counter, expected) in table {
        let mut story = Story::begun();
        if let Some(told) = told {
            story.command("2026-02-03T08:00", feed(told));
        }
        let found = [(1, 100), (2, 150), (3, 90)]
            .map(|(order, down)| gives(&mut story, reading(order, down).counter(counter)));
        assert_eq!(found, expected, "{told:?} {counter}");
    }
    // The last command holds.
    let mut story = cumulative();
    gives(&mut story, reading(1, 100));
    story.command("2026-02-03T08:00", feed(Counter::Delta));
    assert_eq!(gives(&mut story, reading(2, 150)), 150);
    // Neither a sentinel nor a wrap with 64 bits.
    story.command("2026-02-03T08:00", feed(Counter::Cumulative64));
    let other = |order, down| reading(order, down).charging_id(8);
    assert_eq!(gives(&mut story, other(1, END - 1)), END - 1);
    assert_eq!(gives(&mut story, other(2, 7)), 7);
    assert_eq!(flags(&mut story), ["reset 1 7"]);
}

#[test]
fn a_session_is_of_sim_node_charging_id_rating_group_and_service() {
    let mut story = cumulative();
    let first = reading(1, 100);
    assert_eq!(gives(&mut story, first), 100);
    let others = [
        Usage { sim: 2, ..first }.order(9, 1),
        first.charging_id(8),
        first.group(SYSTEM),
        Usage {
            service: 5,
            ..first
        },
    ];
    for other in others {
        assert_eq!(gives(&mut story, other), 100);
    }
    let mut elsewhere = first.row(50);
    elsewhere.node = NodeId::parse("pgw-2").unwrap().bytes();
    story.rows(&[elsewhere]);
    assert_eq!(gives(&mut story, reading(2, 130)), 30);
    assert_eq!(flags(&mut story), [""; 0]);
}

#[test]
fn readings_are_ordered_by_record_then_container_and_late_ones_move_nothing() {
    let mut story = cumulative();
    // (record, container, reading, bytes)
    let table = [
        (2, 2, 100, 100),
        (2, 1, 90, 0),
        (1, 9, 80, 0),
        (2, 3, 120, 20),
        (3, 1, 125, 5),
        (2, 9, 124, 0),
        (3, 2, 130, 5),
    ];
    for (record, container, down, bytes) in table {
        let row = reading(0, down).order(record, container);
        assert_eq!(gives(&mut story, row), bytes, "{record}.{container}");
    }
    assert_eq!(flags(&mut story), ["late_reading 3 0"]);
}

#[test]
fn a_sentinel_leaves_the_session_as_it_is_whichever_way_it_reads_so() {
    let mut story = cumulative();
    let both = |order, up, down| Usage {
        up,
        ..reading(order, down)
    };
    assert_eq!(gives(&mut story, both(1, 10, 100)), 110);
    assert_eq!(gives(&mut story, both(2, 20, END - 1)), 0);
    assert_eq!(gives(&mut story, both(3, END - 1, 120)), 0);
    assert_eq!(
        gives(&mut story, both(2, 30, 130).order(2, 2)),
        50,
        "its order has not moved"
    );
    assert_eq!(flags(&mut story), ["sentinel 2 0"]);
    // One flag for a row, whichever way it was; both ways stand at the new reading.
    assert_eq!(gives(&mut story, both(4, 5, 140)), 15);
    assert_eq!(gives(&mut story, both(5, 6, 141)), 2);
    assert_eq!(flags(&mut story), ["reset 1 15", "sentinel 2 0"]);
}

#[test]
fn rows_that_are_set_aside_have_no_part_and_held_and_late_ones_have() {
    let mut story = cumulative();
    gives(&mut story, reading(1, 100));
    let duplicate = reading(1, 100);
    let conflict = reading(1, 900);
    let future = reading(2, 150).delivered("2026-02-10T07:00");
    let old = reading(3, 160).opened("2025-12-01T00:00");
    for row in [duplicate, conflict, future, old] {
        assert_eq!(gives(&mut story, row), 0);
    }
    assert_eq!(gives(&mut story, reading(2, 150)), 50);
    let held = |order, down| Usage {
        sim: 9,
        ..reading(order, down).charging_id(8)
    };
    assert_eq!(gives(&mut story, held(1, 100)), 100);
    assert_eq!(gives(&mut story, held(2, 130)), 30);
    story.enrol("2026-02-11T08:00", 9, "rural", "2026-02-01");
    assert_eq!(story.used(9, "2026-02-01", "education"), Some(130));
    story.until("2026-03-08T00:00");
    let late = reading(3, 170).delivered("2026-03-08T08:00");
    assert_eq!(gives(&mut story, late), 20);
    let next = reading(4, 171).opened("2026-03-08T08:00");
    assert_eq!(gives(&mut story, next.delivered("2026-03-08T08:10")), 1);
}

#[test]
fn books_count_what_stands_in_the_row_and_days_what_it_gives() {
    let mut story = cumulative();
    gives(&mut story, reading(1, 100));
    gives(&mut story, reading(2, 150));
    let totals: Vec<_> = story.shard.outcome_totals().collect();
    assert_eq!((totals[0].1, totals[0].2), (2, 250));
    assert_eq!(story.used(1, "2026-02-01", "education"), Some(150));
    let place = story.take().values().filter_map(|fact| match fact {
        Fact::PlaceHour(row) => Some(row.downlink_bytes),
        _ => None,
    });
    assert_eq!(place.sum::<u64>(), 150);
}

#[test]
fn a_session_is_forgotten_52_days_behind_the_last_reading_that_moved_it() {
    // 10 February and 52 days: 3 April, by UTC.
    for (delivered, bytes) in [("2026-04-03T23:00:00Z", 50), ("2026-04-04T00:00:00Z", 150)] {
        let mut story = cumulative();
        // The day of delivery counts, and not that of the clock, which another source has moved on.
        story.until("2026-02-12T08:00");
        gives(&mut story, reading(2, 100));
        // A late reading does not keep it.
        let late = reading(1, 90).delivered("2026-02-20T08:00");
        assert_eq!(gives(&mut story, late), 0);
        let row = reading(3, 150).opened(delivered).delivered(delivered);
        assert_eq!(gives(&mut story, row), bytes, "{delivered}");
    }
}
