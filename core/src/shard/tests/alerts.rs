//! Section 8: alerts.

use super::story::*;
use crate::alert::Change;
use crate::registry::{Allowance, Class, Cohort, Command, OnExhausted, Period};

/// Two SIMs of an enforced cohort.
fn enforced() -> Story {
    let mut story = Story::begun();
    story.until("2026-02-09T00:00");
    story
}

#[test]
fn quota_80_fires_then_exhausted_and_both_resolve_with_the_next_cycle() {
    let mut story = enforced();
    let table: [(u64, &[&str]); 5] = [
        (16 * GB - 1, &[]),
        (1, &["fire SimQuota80 1 2026-02-01 #1"]),
        (1, &[]),
        (4 * GB - 1, &["fire SimExhausted 1 2026-02-01 #1"]),
        (GB, &[]),
    ];
    for (bytes, expected) in table {
        story.row(usage(1, "2026-02-10T08:00", bytes));
        assert_eq!(story.alerted(), expected, "{bytes} more bytes");
    }
    story.until("2026-03-01T12:00");
    let resolve = story.alerts[0].clone();
    assert_eq!(
        story.alerted(),
        [
            "resolve SimQuota80 1 2026-02-01 #2",
            "resolve SimExhausted 1 2026-02-01 #2",
        ]
    );
    assert_eq!(resolve.at_ms, at("2026-03-01T00:00"));
    assert_eq!(resolve.on, date("2026-03-01"));
    assert_eq!(quota(&resolve).resets_at_ms, Some(resolve.at_ms));
    assert_eq!(
        (quota(&resolve).limit_bytes, quota(&resolve).used_bytes),
        (20 * GB, 21 * GB)
    );
    // The next cycle has alerts of its own.
    story.row(usage(1, "2026-03-02T08:00", 16 * GB));
    assert_eq!(story.alerted(), ["fire SimQuota80 1 2026-03-01 #1"]);
}

#[test]
fn one_row_that_reaches_both_fires_exhausted_alone_and_quota_80_never() {
    let mut story = enforced();
    story.row(usage(1, "2026-02-10T08:00", 20 * GB));
    assert_eq!(story.alerted(), ["fire SimExhausted 1 2026-02-01 #1"]);
    // Not even when more bytes are granted by a later programme.
    let mut cohort = rural();
    cohort.allowances[0].bytes = 24 * GB;
    story.command(
        "2026-02-11T08:00",
        Command::Programme(programme(vec![cohort])),
    );
    assert_eq!(story.alerted(), ["resolve SimExhausted 1 2026-02-01 #2"]);
    story.row(usage(1, "2026-02-12T08:00", 4 * GB));
    assert_eq!(story.alerted(), ["fire SimExhausted 1 2026-02-01 #3"]);
}

#[test]
fn thresholds_passed_before_enforcement_fire_at_the_switch_the_highest_only() {
    let mut story = Story::begun();
    story.row(usage(1, "2026-02-05T08:00", 17 * GB));
    story.row(usage(2, "2026-02-05T08:00", 17 * GB));
    story.row(usage(2, "2026-02-06T08:00", 17 * GB));
    assert_eq!(story.alerted(), [""; 0]);
    story.until("2026-02-08T00:00");
    assert_eq!(story.alerts[0].at_ms, at("2026-02-08T00:00"));
    assert_eq!(
        story.alerted(),
        [
            "fire SimQuota80 1 2026-02-01 #1",
            "fire SimExhausted 2 2026-02-01 #1",
        ]
    );
}

#[test]
fn a_change_of_policy_resolves_what_is_no_longer_reached_and_it_may_fire_again() {
    let mut story = enforced();
    story.row(usage(1, "2026-02-10T08:00", 16 * GB));
    story.row(usage(1, "2026-02-10T09:00", 4 * GB));
    story.alerted();
    let with = |bytes| {
        let mut cohort = rural();
        cohort.allowances[0].bytes = bytes;
        Command::Programme(programme(vec![cohort]))
    };
    // (limit, what changes)
    let table: [(u64, &[&str]); 4] = [
        (22 * GB, &["resolve SimExhausted 1 2026-02-01 #2"]),
        (40 * GB, &["resolve SimQuota80 1 2026-02-01 #2"]),
        (25 * GB, &["fire SimQuota80 1 2026-02-01 #3"]),
        (0, &["resolve SimQuota80 1 2026-02-01 #4"]),
    ];
    for (bytes, expected) in table {
        story.command("2026-02-11T08:00", with(bytes));
        assert_eq!(story.alerted(), expected, "{bytes}");
    }
}

#[test]
fn an_alert_names_its_versions_its_rule_its_entry_and_the_row_that_caused_it() {
    let mut story = enforced();
    story.row(usage(1, "2026-02-10T08:00", 17 * GB));
    let fire = story.alerts.last().unwrap().clone();
    let versions = (
        fire.policy_version.as_str(),
        fire.catalogue_version.as_str(),
    );
    assert_eq!(versions, ("2026-02-01.1", "c1"));
    assert_eq!(fire.rule, "80 % of the allowance are used (W3)");
    assert_eq!(fire.offset, story.offset - 1);
    let cause = fire.cause.unwrap();
    assert_eq!((cause.offset, cause.row), (story.offset - 1, 0));
    assert_eq!(cause.record.node, "pgw-1");
    story.until("2026-03-01T00:10");
    let resolve = story.alerts.last().unwrap();
    assert_eq!((resolve.change, &resolve.cause), (Change::Resolve, &None));
}

#[test]
fn who_cannot_alert_is_silent() {
    let table = [
        // Observed; without 80 among the thresholds; an allowance of nothing.
        Cohort {
            enforce_from: None,
            ..rural()
        },
        Cohort {
            thresholds: vec![50, 90],
            ..rural()
        },
        Cohort {
            allowances: vec![allowance(Class::Education, 0, OnExhausted::Block)],
            ..rural()
        },
    ];
    for cohort in table {
        let mut story = enforced();
        let command = Command::Programme(programme(vec![cohort.clone()]));
        story.command("2026-02-09T01:00", command);
        story.row(usage(1, "2026-02-10T08:00", 17 * GB));
        story.row(usage(1, "2026-02-10T08:00", 100 * GB).group(OTHER));
        let quota = story.alerted().into_iter();
        let quota: Vec<_> = quota.filter(|alert| alert.contains("Sim")).collect();
        assert_eq!(quota, [""; 0], "{cohort:?}");
    }
}

#[test]
fn bytes_of_a_cycle_without_an_end_run_out_before_the_year_9000_or_never() {
    // (times as many bytes as were used, the date), 20,495 days after 1970.
    for (times, expected) in [(124, Some("8928-01-24")), (126, None)] {
        let cohort = |bytes| Cohort {
            allowances: vec![Allowance {
                every: Period::Term,
                ..allowance(Class::Education, bytes, OnExhausted::Block)
            }],
            ..rural()
        };
        let mut story = enforced();
        let entered = Command::Programme(programme(vec![cohort(20 * GB)]));
        story.command("2026-02-09T01:00", entered);
        story.row(usage(1, "2026-02-10T08:00", 17 * GB));
        let more = Command::Programme(programme(vec![cohort(times * 17 * GB)]));
        story.command("2026-02-11T01:00", more);
        let resolved = story.alerts.last().unwrap();
        assert_eq!(resolved.change, Change::Resolve);
        assert_eq!(quota(resolved).runs_out_on, expected.map(date), "{times}");
    }
}

#[test]
fn an_alert_names_the_day_on_which_the_bytes_run_out_at_this_pace() {
    // (hour of the day, bytes so far, the date): 16 GB or more in so many days of February.
    let table = [
        ("2026-02-10T23:50", 16 * GB, Some("2026-02-13")), // 10 days for 16, 2.5 more for 4
        ("2026-02-20T23:50", 16 * GB, Some("2026-02-26")), // 20 days, 5 more: and the 25 h day
        ("2026-02-27T23:50", 16 * GB, None),               // behind the reset
        ("2026-02-27T23:50", 20 * GB, None),               // has run out
    ];
    for (end, bytes, expected) in table {
        let mut story = enforced();
        story.row(usage(1, end, bytes));
        let alert = &story.alerts[0];
        assert_eq!(quota(alert).runs_out_on, expected.map(date), "{end}");
        assert_eq!(quota(alert).resets_on, Some(date("2026-03-01")));
        assert_eq!(
            (
                quota(alert).state.as_str(),
                quota(alert).tablet.school.as_str()
            ),
            ("throttle", "school-1")
        );
    }
}
