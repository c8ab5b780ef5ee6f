//! Sections 5 and 6: class, service, balances, thresholds.

use super::story::*;
use crate::facts::Fact;
use crate::registry::{Catalogue, Class, Cohort, Command, OnExhausted, Programme, Rule};

#[test]
fn a_rule_with_a_service_id_beats_one_without_and_the_newest_that_holds_decides() {
    let rule = |service_id, class, service: &str, valid_from: Option<&str>| Rule {
        rating_group: 5,
        service_id,
        class,
        service: service.to_owned(),
        valid_from: valid_from.map(date),
    };
    let earlier = vec![
        rule(None, Class::Other, "forgotten", Some("2026-02-02")),
        Rule {
            rating_group: 7,
            ..rule(None, Class::Other, "kept", Some("2026-02-02"))
        },
    ];
    let rules = vec![
        Rule {
            rating_group: 7,
            ..rule(None, Class::System, "renewed", Some("2026-02-15"))
        },
        rule(None, Class::Other, "general", Some("2026-02-03")),
        rule(None, Class::System, "general-2", Some("2026-02-10")),
        rule(Some(11), Class::Education, "lesson", Some("2026-02-05")),
        rule(Some(11), Class::Education, "lesson-2", Some("2026-02-20")),
        rule(Some(12), Class::Unknown, "nameless", Some("2026-02-03")),
    ];
    let table = [
        (5, 0, "2026-02-09T10:00", "other general"),
        (5, 0, "2026-02-10T00:00", "other general"), // ended at midnight: still 9 February
        (5, 0, "2026-02-10T00:01", "system general-2"),
        (5, 11, "2026-02-04T10:00", "other general"),
        (5, 11, "2026-02-05T10:00", "education lesson"),
        (5, 11, "2026-02-19T10:00", "education lesson"),
        (5, 11, "2026-02-20T10:00", "education lesson-2"),
        (5, 12, "2026-02-20T10:00", "unknown "),
        (6, 11, "2026-02-20T10:00", "unknown "),
        (7, 0, "2026-02-14T10:00", "other kept"), // the earlier version, until the new one holds
        (7, 0, "2026-02-15T10:00", "system renewed"),
    ];
    let mut story = Story::begun();
    for (version, rules) in [("c2", earlier), ("c3", rules)] {
        let version = version.to_owned();
        let command = Command::Catalogue(Catalogue { version, rules });
        story.command("2026-02-01T12:00", command);
    }
    for (group, service_id, end, expected) in table {
        let mut row = usage(1, end, 1).group(group).row(story.source_offset);
        story.source_offset += 1;
        row.service_id = service_id.into();
        row.delivered_at_ms = at("2026-02-20T12:00").into();
        story.facts.clear();
        story.rows(&[row]);
        let newest = story.take().values().find_map(|fact| match fact {
            Fact::SimDay(row) => Some(format!("{} {}", row.class.as_str(), row.service)),
            _ => None,
        });
        assert_eq!(newest.unwrap(), expected, "{group}/{service_id} at {end}");
    }
}

#[test]
fn unknown_bytes_stand_apart_and_are_charged_to_the_class_that_the_programme_names() {
    let mut story = Story::begun();
    story.row(usage(1, "2026-02-10T08:00", 5));
    story.row(usage(1, "2026-02-10T08:00", 30).group(STRANGE));
    story.row(usage(1, "2026-02-10T08:00", 700).group(SYSTEM));
    assert_eq!(
        story.cycle(1, "2026-02-01", Class::Education),
        (35, "within")
    );
    assert_eq!(story.cycle(1, "2026-02-01", Class::System), (700, "within"));
    assert_eq!(story.cycle(1, "2026-02-01", Class::Other), (0, "exhausted"));
    let unknown = story.take().values().find_map(|fact| match fact {
        Fact::SimDay(row) if row.class == Class::Unknown => Some(row.downlink_bytes),
        _ => None,
    });
    assert_eq!(unknown, Some(30));
    // Charged to another class from now on.
    let other = Programme {
        unknown_charged_to: Class::System,
        ..programme(vec![rural()])
    };
    story.command("2026-02-10T09:00", Command::Programme(other));
    story.row(usage(1, "2026-02-10T09:00", 40).group(STRANGE));
    assert_eq!(
        story.cycle(1, "2026-02-01", Class::Education),
        (35, "within"),
        "what was charged stays charged"
    );
    assert_eq!(story.cycle(1, "2026-02-01", Class::System), (740, "within"));
}

#[test]
fn an_ended_cycle_that_is_open_takes_rows_and_decides_and_alerts_nothing() {
    let mut story = Story::begun();
    story.until("2026-03-02T00:00");
    story.told();
    story.row(usage(1, "2026-02-20T08:00", 21 * GB).delivered("2026-03-02T08:00"));
    assert_eq!(story.told(), [""; 0]);
    assert_eq!(story.alerted(), [""; 0]);
    assert_eq!(
        story.cycle(1, "2026-02-01", Class::Education),
        (21 * GB, "exhausted")
    );
    assert_eq!(
        story.cycle(1, "2026-03-01", Class::Education),
        (0, "within")
    );
}

#[test]
fn late_rows_change_no_balance() {
    let mut story = Story::begun();
    story.row(usage(1, "2026-02-20T08:00", 3));
    story.until("2026-03-08T00:00");
    let late = usage(1, "2026-02-20T08:00", 21 * GB).delivered("2026-03-08T08:00");
    assert_eq!(story.row(late), "late education");
    assert_eq!(
        story.cycle(1, "2026-02-01", Class::Education),
        (3, "within")
    );
    assert_eq!(
        story.cycle(1, "2026-03-01", Class::Education),
        (0, "within")
    );
}

#[test]
fn a_cycle_still_to_come_takes_rows_early_and_decides_when_it_begins() {
    let mut story = Story::begun();
    story.until("2026-02-28T23:00");
    story.told();
    let early = usage(1, "2026-03-01T00:02", 20 * GB).delivered("2026-02-28T23:58");
    assert_eq!(story.row(early), "counted education");
    assert_eq!(story.told(), [""; 0]);
    assert_eq!(story.alerted(), [""; 0]);
    assert_eq!(
        story.cycle(1, "2026-02-01", Class::Education),
        (0, "within")
    );
    assert_eq!(
        story.cycle(1, "2026-03-01", Class::Education),
        (20 * GB, "exhausted")
    );
    story.until("2026-03-01T00:00");
    assert_eq!(story.told(), ["1 education throttle #2 reset"]);
    assert_eq!(story.alerted(), ["fire SimExhausted 1 2026-03-01 #1"]);
}

#[test]
fn a_threshold_is_reached_when_used_times_100_is_at_least_limit_times_percent() {
    let cohort = Cohort {
        allowances: vec![
            allowance(Class::Education, 1003, OnExhausted::Notify),
            allowance(Class::Other, 0, OnExhausted::Block),
        ],
        thresholds: vec![50, 80, 100],
        ..rural()
    };
    let mut story = Story::begun();
    story.command(
        "2026-01-31T13:00",
        Command::Programme(programme(vec![cohort])),
    );
    // 50 % of 1003 is 501.5, 80 % is 802.4.
    let table: [(u64, &[u16]); 7] = [
        (501, &[]),
        (1, &[50]),
        (300, &[50]),
        (1, &[50, 80]),
        (199, &[50, 80]),
        (1, &[50, 80, 100]),
        (201, &[50, 80, 100]),
    ];
    let mut used = 0;
    for (hour, (bytes, thresholds)) in (1..).zip(table) {
        let end = format!("2026-02-10T0{hour}:00");
        used += bytes;
        story.row(usage(1, &end, bytes));
        let facts = story.take();
        let Some(Fact::SimCycle(row)) =
            facts.get(&format!("cycle {} 2026-02-01 education 2026-02-10", sim(1)))
        else {
            panic!("no row of sim_cycle");
        };
        assert_eq!((row.used_bytes, &row.thresholds[..]), (used, thresholds));
        if thresholds.len() == 1 && used == 502 {
            assert_eq!(row.reached_at_ms, [at(&end) + 600_000]);
        }
    }
    let zero = format!("cycle {} 2026-02-01 other 2026-02-01", sim(1));
    let Some(Fact::SimCycle(row)) = story.take().get(&zero) else {
        panic!("no row of sim_cycle");
    };
    assert_eq!(row.thresholds, [50, 80, 100], "nothing is all of nothing");
}

#[test]
fn every_enrolled_sim_has_rows_from_the_begin_of_a_cycle_zeros_too() {
    let mut story = Story::begun();
    story.enrol("2026-02-20T12:00", 5, "rural", "2026-04-10");
    story.take();
    story.facts.clear();
    story.until("2026-03-01T00:00");
    let rows = |story: &mut Story| {
        let rows = story.take().values().filter_map(|fact| match fact {
            Fact::SimCycle(row) => Some((row.sim.0[0], row.cycle_start, row.used_bytes)),
            _ => None,
        });
        rows.collect::<Vec<_>>()
    };
    let march = date("2026-03-01");
    let expected: Vec<_> = [1, 1, 1, 2, 2, 2].map(|n| (n, march, 0)).into();
    assert_eq!(
        rows(&mut story),
        expected,
        "SIM 5 is enrolled from April on"
    );
    story.facts.clear();
    story.until("2026-04-01T00:00");
    assert_eq!(rows(&mut story).len(), 9);
}
