//! A later programme, or none yet.

use super::story::*;
use crate::registry::{Class, Cohort, Command, OnExhausted};

#[test]
fn a_later_programme_decides_every_sim_anew_in_order() {
    let mut story = Story::begun();
    story.until("2026-02-09T00:00");
    story.row(usage(2, "2026-02-10T08:00", 10 * GB));
    story.told();
    let cohort = Cohort {
        allowances: vec![
            allowance(Class::Education, 10 * GB, OnExhausted::Block),
            allowance(Class::Other, 5 * GB, OnExhausted::Block),
        ],
        ..rural()
    };
    story.command(
        "2026-02-11T08:00",
        Command::Programme(programme(vec![cohort])),
    );
    let times: Vec<_> = story.decisions.iter().map(|d| d.effective_at_ms).collect();
    assert_eq!(times, [at("2026-02-11T08:00"); 3]);
    assert_eq!(
        story.told(),
        [
            "1 other allow #3 policy_changed",
            "2 education block #2 policy_changed",
            "2 other allow #3 policy_changed",
        ]
    );
    assert_eq!(
        story.cycle(2, "2026-02-01", Class::Education),
        (10 * GB, "exhausted")
    );
}

#[test]
fn a_later_programme_may_put_enforcement_off() {
    let mut story = Story::begun();
    story.until("2026-02-09T00:00");
    story.told();
    let later = Cohort {
        enforce_from: Some(date("2026-02-20")),
        ..rural()
    };
    story.command(
        "2026-02-10T08:00",
        Command::Programme(programme(vec![later])),
    );
    let allowed = [
        "1 other allow #3 policy_changed",
        "2 other allow #3 policy_changed",
    ];
    assert_eq!(story.told(), allowed);
    story.until("2026-02-20T00:00");
    let blocked = [
        "1 other block #4 enforcement_started",
        "2 other block #4 enforcement_started",
    ];
    assert_eq!(story.told(), blocked);
}

#[test]
fn a_cycle_that_has_ended_keeps_its_limits() {
    let mut story = Story::begun();
    story.row(usage(1, "2026-02-20T08:00", 15 * GB));
    story.until("2026-03-02T00:00");
    let mut cohort = rural();
    cohort.allowances[0].bytes = 10 * GB;
    story.command(
        "2026-03-02T08:00",
        Command::Programme(programme(vec![cohort])),
    );
    story.row(usage(1, "2026-02-20T09:00", 1).delivered("2026-03-02T09:00"));
    assert_eq!(
        story.cycle(1, "2026-02-01", Class::Education),
        (15 * GB + 1, "within")
    );
}

#[test]
fn before_any_programme_an_enrolled_sim_is_allowed_everything() {
    let mut story = Story::new();
    story.enrol("2026-02-09T08:00", 1, "rural", "2026-02-01");
    story.row(usage(1, "2026-02-10T08:00", 30 * GB));
    assert_eq!(
        story.told(),
        [
            "1 education allow #1 enrolled",
            "1 other allow #1 enrolled",
            "1 system allow #1 enrolled",
        ]
    );
    story.command(
        "2026-02-10T09:00",
        Command::Programme(programme(vec![rural()])),
    );
    // There was no account that could have taken the bytes, and they are not fetched back.
    assert_eq!(story.told(), ["1 other block #2 policy_changed"]);
    assert_eq!(story.cycle(1, "2026-02-01", Class::Education).0, 0);
}

#[test]
fn fewer_days_until_closing_close_at_once_and_more_open_nothing_again() {
    let with = |closes_after_days| {
        let mut changed = programme(vec![rural()]);
        changed.closes_after_days = closes_after_days;
        Command::Programme(changed)
    };
    let row = usage(1, "2026-02-20T08:00", 1);
    let mut story = Story::begun();
    story.until("2026-03-04T00:00");
    assert_eq!(
        story.row(row.delivered("2026-03-04T00:00")),
        "counted education"
    );
    story.command("2026-03-04T00:01", with(3));
    assert_eq!(
        story.row(row.delivered("2026-03-04T00:02")),
        "late education"
    );
    story.command("2026-03-04T00:03", with(20));
    assert_eq!(
        story.row(row.delivered("2026-03-04T00:04")),
        "late education"
    );
}
