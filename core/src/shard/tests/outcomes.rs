//! Section 4: exactly one outcome for each row, the first that applies.

use super::story::*;
use crate::outcome::{Outcome, RejectReason};
use crate::shard::ShardConfig;
use crate::usage::UsageRow;

fn stub(offset: u64, delivered: &str, reason: RejectReason) -> UsageRow {
    UsageRow::stub(source(), offset, at(delivered), reason)
}

#[test]
fn rule_1_a_stub_is_rejected_with_its_reason_and_again_is_nothing() {
    let mut story = Story::begun();
    let rows: Vec<_> = RejectReason::ALL.into_iter().zip(0..).collect();
    for (reason, offset) in &rows {
        let told = story.rows(&[stub(*offset, "2026-02-10T08:00", *reason)]);
        assert_eq!(told, format!("rejected {}", reason.as_str()));
    }
    for (reason, offset) in rows {
        let told = story.rows(&[stub(offset, "2026-02-10T08:00", reason)]);
        assert_eq!(told, "", "{reason:?} again");
    }
    // A stub counts one row and no byte.
    let totals: Vec<_> = story.shard.outcome_totals().collect();
    assert_eq!(totals.len(), 8);
    assert!(
        totals
            .iter()
            .all(|(_, rows, bytes)| (*rows, *bytes) == (1, 0))
    );
}

#[test]
fn rules_2_and_3_an_identity_seen_is_a_duplicate_a_conflict_or_a_republication() {
    let first = usage(1, "2026-02-10T08:00", 100).charging_id(7).offset(10);
    // (the row, what becomes of it)
    let table = [
        (first, "counted education"),
        (first, ""),                     // again, by position
        (first.offset(11), "duplicate"), // the carrier sent it again
        (first.offset(11), ""),          // and ingest published that again
        (
            Usage { down: 101, ..first }.offset(12),
            "quarantined conflict",
        ),
        (Usage { down: 101, ..first }.offset(12), ""),
        (Usage { down: 101, ..first }.offset(9), ""), // at or below the highest position
        (Usage { sim: 2, ..first }.offset(13), "quarantined conflict"), // another SIM, another digest
        (first.charging_id(8).offset(14), "counted education"),
        (first.charging_id(9).offset(3), "counted education"), // positions label, identities count
    ];
    let mut story = Story::begun();
    for (place, (row, expected)) in table.into_iter().enumerate() {
        assert_eq!(story.row(row), expected, "row {place}");
    }
}

#[test]
fn rule_4_a_record_opened_before_the_horizon_is_too_old() {
    // The clock's UTC day is 1 April; 45 days before it is 15 February.
    let clock = "2026-04-01T10:00:00Z";
    let end = "2026-03-31T10:00";
    let table = [
        ("2026-02-15T00:00:00Z", "counted education"),
        ("2026-02-14T23:59:59.999Z", "quarantined too_old"),
        ("2026-02-14T23:59:59.999Z", "quarantined too_old"), // not entered in `seen`
    ];
    let mut story = Story::begun();
    for (opened, expected) in table {
        let row = usage(1, end, 1)
            .opened(opened)
            .delivered(clock)
            .charging_id(5);
        assert_eq!(story.row(row), expected, "{opened}");
    }
    let again = usage(1, end, 1)
        .opened(table[1].0)
        .delivered(clock)
        .offset(0);
    assert_eq!(story.row(again), "", "again");
}

#[test]
fn rule_4_what_was_seen_is_a_duplicate_for_a_week_past_the_horizon() {
    let opened = "2026-02-10T08:00:00Z";
    let row = usage(1, "2026-02-10T09:00", 1)
        .opened(opened)
        .charging_id(5);
    let mut story = Story::begun();
    assert_eq!(story.row(row), "counted education");
    // The end of 10 February, and 45 and 7 days: 4 April.
    let table = [
        ("2026-04-03T23:59:59Z", "duplicate"),
        ("2026-04-04T00:00:00Z", "quarantined too_old"),
    ];
    for (delivered, expected) in table {
        assert_eq!(story.row(row.delivered(delivered)), expected, "{delivered}");
    }
}

#[test]
fn rule_5_an_end_past_the_tolerance_is_future_and_a_plausible_resend_counts() {
    let row = usage(1, "2026-02-10T08:05", 9).charging_id(5);
    let table = [
        ("2026-02-10T07:59:59.999", None, "quarantined future"),
        ("2026-02-10T07:59:59.999", Some(0), ""), // again
        ("2026-02-10T08:00", None, "counted education"),
        ("2026-02-10T08:00", None, "duplicate"),
    ];
    let mut story = Story::begun();
    for (delivered, offset, expected) in table {
        let row = row.delivered(delivered);
        assert_eq!(story.row(Usage { offset, ..row }), expected, "{delivered}");
    }
    // A feed may have a tolerance of its own.
    story.tolerance("2026-02-10T09:00", 60_000);
    let row = usage(1, "2026-02-10T10:02", 9).delivered("2026-02-10T10:00");
    assert_eq!(story.row(row), "quarantined future");
    story.tolerance("2026-02-10T11:00", 120_000);
    let row = usage(1, "2026-02-10T12:02", 9).delivered("2026-02-10T12:00");
    assert_eq!(story.row(row), "counted education");
}

#[test]
fn rule_5_a_row_that_was_future_and_comes_again_is_not_counted_under_a_larger_tolerance() {
    let mut story = Story::begun();
    let row = usage(1, "2026-02-10T08:10", 9)
        .delivered("2026-02-10T08:00")
        .charging_id(5);
    assert_eq!(story.row(row.offset(0)), "quarantined future");
    story.tolerance("2026-02-10T09:00", 1_200_000);
    assert_eq!(story.row(row.offset(0)), "");
    assert_eq!(story.row(row.offset(1)), "counted education");
    assert_eq!(story.row(row.offset(0)), "");
}

#[test]
fn rule_6_a_sim_that_is_not_enrolled_at_the_usage_instant_is_held() {
    let mut story = Story::begun();
    story.enrol("2026-02-05T12:00", 3, "rural", "2026-02-10");
    let table = [
        (9, "2026-02-10T08:00", "held education"), // nobody knows it
        (3, "2026-02-10T00:00", "held education"), // one millisecond before its first midnight
        (3, "2026-02-10T00:00:00.001", "counted education"),
        (1, "2026-01-31T23:00", "held education"),
        (1, "2026-02-01T00:10", "counted education"),
    ];
    for (number, end, expected) in table {
        let row = usage(number, end, 1).delivered("2026-02-10T09:00");
        assert_eq!(story.row(row), expected, "SIM {number} at {end}");
    }
    let held = usage(9, "2026-02-10T08:00", 1).charging_id(0).offset(100);
    assert_eq!(story.row(held.delivered("2026-02-10T09:00")), "duplicate");
}

#[test]
fn rule_6_past_the_bound_of_held_sims_a_row_is_quarantined_and_seen() {
    let mut story = Story::with(ShardConfig {
        held_sims_max: 2,
        ..ShardConfig::new(1, 0, 1)
    });
    let table = [
        (7, 1, "held unknown"),
        (8, 2, "held unknown"),
        (9, 3, "quarantined held_bound"),
        (7, 4, "held unknown"),
        (9, 3, "duplicate"),
    ];
    for (number, charging_id, expected) in table {
        let row = usage(number, "2026-02-10T08:00", 1).charging_id(charging_id);
        assert_eq!(story.row(row), expected, "SIM {number}");
    }
    assert_eq!(story.shard.sims().held, 2);
    // When the month closes, there is room again.
    story.until("2026-03-08T00:00:00Z");
    assert_eq!(story.shard.sims().held, 0);
}

#[test]
fn rule_7_a_row_of_a_closed_month_is_late() {
    // February 2026 closes on 8 March 00:00 local.
    let table = [
        (
            "2026-02-28T23:00",
            "2026-03-07T23:59:59.999",
            "counted education",
        ),
        ("2026-02-28T23:00", "2026-03-08T00:00", "late education"),
        ("2026-03-01T00:00", "2026-03-08T00:00", "late education"), // ended at midnight sharp
        ("2026-03-01T00:10", "2026-03-08T00:00", "counted education"),
    ];
    let mut story = Story::begun();
    for (end, delivered, expected) in table {
        let row = usage(1, end, 50).delivered(delivered);
        assert_eq!(story.row(row), expected, "{end}, delivered {delivered}");
    }
    let late = usage(1, "2026-02-28T23:00", 50).delivered("2026-03-08T00:00");
    assert_eq!(
        story.row(late.charging_id(1)),
        "duplicate",
        "late rows are seen"
    );
    // A SIM that is not enrolled is held before it can be late.
    assert_eq!(story.row(Usage { sim: 9, ..late }), "held education");
    assert_eq!(story.shard.sims().held, 0, "nothing can be taken over");
}

#[test]
fn books_count_rows_and_bytes_of_each_outcome() {
    let mut story = Story::begun();
    let row = usage(1, "2026-02-10T08:00", 100).charging_id(1);
    story.row(Usage { up: 11, ..row });
    story.row(Usage { up: 11, ..row });
    story.row(usage(1, "2026-02-10T08:00", 5));
    let totals: Vec<_> = story.shard.outcome_totals().collect();
    let feed = source().feed;
    assert_eq!(
        totals,
        [
            ((feed, Outcome::Counted), 2, 116),
            ((feed, Outcome::Duplicate), 1, 111)
        ]
    );
}

#[test]
fn rule_9_another_identity_is_another_row_and_another_digest_a_conflict() {
    let first = usage(1, "2026-02-10T08:00", 100).charging_id(7).row(0);
    let node = crate::sim::NodeId::parse("pgw-2").unwrap().bytes();
    let started = first.started_at_ms.get();
    let others: [(&str, UsageRow); 14] = [
        ("node", UsageRow { node, ..first }),
        (
            "charging id",
            UsageRow {
                charging_id: 8.into(),
                ..first
            },
        ),
        (
            "record sequence",
            UsageRow {
                record_sequence: 1.into(),
                ..first
            },
        ),
        (
            "opening time",
            UsageRow {
                opened_at_ms: (started - 1).into(),
                ..first
            },
        ),
        (
            "rating group",
            UsageRow {
                rating_group: SYSTEM.into(),
                ..first
            },
        ),
        (
            "service id",
            UsageRow {
                service_id: 3.into(),
                ..first
            },
        ),
        (
            "container",
            UsageRow {
                container_sequence: 2.into(),
                ..first
            },
        ),
        (
            "SIM",
            UsageRow {
                sim: [2; 16],
                ..first
            },
        ),
        (
            "uplink",
            UsageRow {
                uplink_bytes: 1.into(),
                ..first
            },
        ),
        (
            "downlink",
            UsageRow {
                downlink_bytes: 101.into(),
                ..first
            },
        ),
        (
            "start",
            UsageRow {
                started_at_ms: (started - 1).into(),
                ..first
            },
        ),
        (
            "end",
            UsageRow {
                ended_at_ms: (first.ended_at_ms.get() - 1).into(),
                ..first
            },
        ),
        (
            "device",
            UsageRow {
                device: [5; 16],
                device_tac: 5.into(),
                ..first
            },
        ),
        (
            "radio access, network, counter",
            UsageRow {
                rat: 4,
                serving_plmn: 7.into(),
                counter: 1,
                ..first
            },
        ),
    ];
    for (place, (what, other)) in others.into_iter().enumerate() {
        let mut story = Story::begun();
        story.rows(&[first]);
        let expected = match place {
            0..7 => "counted",
            7..12 => "quarantined conflict",
            _ => "duplicate",
        };
        let other = UsageRow {
            source_offset: 1.into(),
            ..other
        };
        let told = story.rows(&[other]);
        assert!(told.starts_with(expected), "{what}: {told}");
    }
}

#[test]
fn rule_6_a_row_without_bytes_takes_a_place_and_one_that_nobody_can_take_over_does_not() {
    let mut story = Story::with(ShardConfig {
        held_sims_max: 1,
        ..ShardConfig::new(1, 0, 1)
    });
    story.until("2026-03-08T00:00:00Z");
    let of = |number, end: &str, bytes| {
        usage(number, end, bytes)
            .opened(end)
            .delivered("2026-03-08T08:00")
    };
    // February is closed: nothing of it is held.
    for number in [6, 7] {
        assert_eq!(story.row(of(number, "2026-02-27T08:00", 5)), "held unknown");
    }
    assert_eq!(story.row(of(8, "2026-03-05T08:00", 0)), "held unknown");
    assert_eq!(
        story.row(of(9, "2026-03-05T08:00", 5)),
        "quarantined held_bound"
    );
}
