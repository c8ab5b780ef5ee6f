//! Section 9: bytes used behind a block (L1).

use super::commands::*;
use super::story::*;
use crate::facts::Fact;
use crate::registry::{Command, Grant, Period, Programme, Scope};

/// SIM 1 is blocked from `other` at 08:10.
fn blocked() -> Story {
    let allowances = vec![
        bytes_of(Scope::Other, 100, Period::Month, BLOCK),
        monthly(100),
    ];
    let mut story = world_with(allowances);
    story.row(usage(1, "2026-02-10T08:00", 100).group(OTHER));
    assert_eq!(story.told(), ["1 other block #2 exhausted by record 0"]);
    story
}

/// A row of `other` that starts at this time, and what is leaked by it.
fn leaked(story: &mut Story, start: &str, bytes: u64, group: u32) -> Vec<String> {
    let start = at(start);
    let row = usage(1, "2026-02-10T08:00", bytes).group(group);
    let row = Usage {
        end: start + 60_000,
        minutes: 1,
        delivered: Some(at("2026-02-10T12:00")),
        ..row
    };
    flags(story, row)
}

fn flags(story: &mut Story, row: Usage) -> Vec<String> {
    let offset = story.offset;
    story.row(row);
    let flags = story.take().values().filter_map(|fact| match fact {
        Fact::FlagDay(row) if row.version == offset => Some(format!(
            "{} {} {}",
            row.flag.as_str(),
            row.records,
            row.bytes
        )),
        _ => None,
    });
    flags.collect()
}

#[test]
fn a_row_that_starts_more_than_half_an_hour_behind_the_block_is_leaked() {
    let mut story = blocked();
    let table = [
        ("2026-02-10T07:00", None),
        ("2026-02-10T08:11", None),
        ("2026-02-10T08:40", None),
        ("2026-02-10T08:40:00.001", Some("leaked_other 1 7")),
        ("2026-02-10T11:00", Some("leaked_other 2 14")),
    ];
    for (start, expected) in table {
        let found = leaked(&mut story, start, 7, OTHER);
        assert_eq!(found, Vec::from_iter(expected), "{start}");
    }
    // Another class of the same SIM is not blocked; what is unknown is paid by education here.
    for group in [EDU, SYSTEM, STRANGE] {
        assert_eq!(leaked(&mut story, "2026-02-10T11:00", 7, group), [""; 0]);
    }
}

#[test]
fn a_leak_ends_with_the_next_decision_of_the_class_by_the_records_own_time() {
    let mut story = blocked();
    let more = Grant {
        allowance: "other".to_owned(),
        ..grant("g", 1000)
    };
    story.command("2026-02-10T09:30", Command::Grant(more));
    assert_eq!(story.told(), ["1 other allow #3 granted"]);
    let table = [
        ("2026-02-10T09:29:59.999", Some("leaked_other 1 7")),
        ("2026-02-10T09:30", None),
        ("2026-02-10T11:00", None),
    ];
    for (start, expected) in table {
        let found = leaked(&mut story, start, 7, OTHER);
        assert_eq!(found, Vec::from_iter(expected), "{start}");
    }
    // Of each class the latest block is remembered: the first is forgotten with the second.
    story.command("2026-02-10T13:00", void("g"));
    assert_eq!(story.told(), ["1 other block #4 policy_changed"]);
    assert_eq!(leaked(&mut story, "2026-02-10T09:00", 7, OTHER), [""; 0]);
}

#[test]
fn a_throttle_leaks_nothing_and_the_row_that_decides_neither() {
    let mut story = world_with(vec![monthly(100)]);
    story.row(usage(1, "2026-02-10T08:00", 100));
    assert_eq!(leaked(&mut story, "2026-02-10T11:00", 7, EDU), [""; 0]);
    let mut story = world_with(vec![bytes_of(Scope::Other, 100, Period::Month, BLOCK)]);
    // It comes late and starts long before it decides.
    assert_eq!(leaked(&mut story, "2026-02-10T11:59", 100, OTHER), [""; 0]);
}

#[test]
fn the_class_that_pays_is_asked_and_late_rows_count_and_held_rows_do_not() {
    let mut charged = programme(vec![cohort(vec![bytes_of(
        Scope::Education,
        100,
        Period::Month,
        BLOCK,
    )])]);
    charged.closes_after_days = 0;
    let mut story = world_of(Story::new(), Programme { ..charged }, 1..=1);
    story.row(usage(1, "2026-02-10T08:00", 100));
    let row = usage(1, "2026-02-10T11:00", 7).group(STRANGE);
    assert_eq!(flags(&mut story, row), ["leaked_education 1 7"]);
    story.until("2026-03-01T00:00");
    let late = usage(1, "2026-02-11T11:00", 9).delivered("2026-03-01T08:00");
    assert_eq!(flags(&mut story, late), ["leaked_education 1 9"]);
    story.command("2026-03-02T08:00", retirement(1, "2026-02-11"));
    let held = usage(1, "2026-02-12T11:00", 9).delivered("2026-03-02T09:00");
    assert_eq!(flags(&mut story, held), [""; 0]);
}
