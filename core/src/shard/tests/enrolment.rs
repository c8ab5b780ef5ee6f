//! Enrolment before or after usage gives the same totals.

use super::story::*;
use crate::facts::Fact;
use crate::registry::Class;

#[test]
fn an_enrolment_takes_over_held_bytes_of_open_months_since_it_is_valid() {
    let mut story = Story::begun();
    let rows = [
        ("2026-02-09T20:00", 1, "before valid_from"),
        ("2026-02-10T20:00", 10, ""),
        ("2026-02-28T20:00", 100, ""),
        ("2026-03-01T20:00", 1000, ""),
    ];
    for (end, bytes, _) in rows {
        assert_eq!(story.row(usage(7, end, bytes)), "held education");
    }
    story.row(usage(7, "2026-03-01T21:00", 10_000).group(STRANGE));
    story.told();
    story.take();
    story.enrol("2026-03-02T12:00", 7, "rural", "2026-02-10");
    assert_eq!(story.told().len(), 3, "the decision is made once");
    assert_eq!(
        story.cycle(7, "2026-02-01", Class::Education),
        (110, "within")
    );
    assert_eq!(
        story.cycle(7, "2026-03-01", Class::Education),
        (11_000, "within")
    );
    assert_eq!(story.shard.sims().held, 1, "9 February is held further on");
    // `sim_day` has the bytes already; taking over moves none.
    let records = story.take().values().filter_map(|fact| match fact {
        Fact::SimDay(row) if row.sim == sim(7) => Some(row.records),
        _ => None,
    });
    assert_eq!(records.sum::<u64>(), 5);
    // An enrolment from an earlier day on takes the rest.
    story.enrol("2026-03-03T12:00", 7, "rural", "2026-02-01");
    assert_eq!(
        story.cycle(7, "2026-02-01", Class::Education),
        (111, "within")
    );
    assert_eq!(story.shard.sims().held, 0);
}

#[test]
fn bytes_of_a_closed_month_are_not_taken_over() {
    let mut story = Story::begun();
    story.row(usage(7, "2026-02-20T20:00", 10));
    story.row(usage(7, "2026-03-01T20:00", 1000));
    story.enrol("2026-03-08T00:00", 7, "rural", "2026-02-10");
    assert_eq!(
        story.cycle(7, "2026-03-01", Class::Education),
        (1000, "within")
    );
    let key = format!("cycle {} 2026-02-01", sim(7));
    assert!(!story.take().keys().any(|k| k.starts_with(&key)));
}

#[test]
fn before_or_after_the_usage_an_enrolment_gives_the_same_totals() {
    let rows: Vec<_> = (0..40)
        .map(|n| {
            let end = format!("2026-02-{:02}T{:02}:30", 9 + n / 2, 8 + n % 9);
            usage(7, &end, 1 << n).group([EDU, SYSTEM, OTHER, STRANGE][n % 4])
        })
        .collect();
    let told = |enrolled_after: usize| {
        let mut story = Story::begun();
        for (place, row) in rows.iter().enumerate() {
            if place == enrolled_after {
                story.enrol("2026-02-09T08:00", 7, "rural", "2026-02-09");
            }
            story.row(*row);
        }
        if enrolled_after == rows.len() {
            story.enrol("2026-03-01T08:00", 7, "rural", "2026-02-09");
        }
        story.until("2026-03-02T00:00");
        [Class::Education, Class::System, Class::Other]
            .map(|class| story.cycle(7, "2026-02-01", class).0)
    };
    let first = told(0);
    for enrolled_after in [1, 17, rows.len()] {
        assert_eq!(told(enrolled_after), first, "after {enrolled_after} rows");
    }
}

#[test]
fn an_enrolment_that_takes_over_all_bytes_decides_and_alerts_once() {
    let mut story = Story::begun();
    story.row(usage(7, "2026-02-10T20:00", 17 * GB));
    story.row(usage(7, "2026-02-11T20:00", 5 * GB));
    story.told();
    story.alerted();
    story.enrol("2026-02-12T12:00", 7, "rural", "2026-02-10");
    assert_eq!(
        story.told(),
        [
            "7 education throttle #1 enrolled",
            "7 other block #1 enrolled",
            "7 system allow #1 enrolled",
        ]
    );
    assert_eq!(story.alerted(), ["fire SimExhausted 7 2026-02-01 #1"]);
}

#[test]
fn an_enrolment_again_changes_the_cohort_and_is_a_new_assignment() {
    let mut story = Story::begun();
    story.until("2026-02-09T00:00");
    story.row(usage(1, "2026-02-10T08:00", 20 * GB));
    story.told();
    story.alerted();
    // A cohort that the programme does not have: everything is allowed.
    story.enrol("2026-02-11T08:00", 1, "elsewhere", "2026-02-11");
    let rule = story.decisions[0].rule.clone();
    assert_eq!(
        story.told(),
        [
            "1 education allow #3 policy_changed",
            "1 other allow #3 policy_changed",
        ]
    );
    assert_eq!(
        rule,
        "cohort elsewhere does not stand in the programme: education is allowed"
    );
    assert_eq!(story.alerted(), ["resolve SimExhausted 1 2026-02-01 #2"]);
    story.enrol("2026-02-12T08:00", 1, "rural", "2026-02-12");
    assert_eq!(
        story.told(),
        [
            "1 education throttle #4 policy_changed",
            "1 other block #4 policy_changed",
        ]
    );
    let assigned = story.take().values().filter_map(|fact| match fact {
        Fact::Assignment(row) if row.sim == sim(1) => {
            Some((row.valid_from.to_string(), row.cohort.clone()))
        }
        _ => None,
    });
    let assigned: Vec<_> = assigned.collect();
    let expected = [
        ("2026-02-01", "rural"),
        ("2026-02-11", "elsewhere"),
        ("2026-02-12", "rural"),
    ];
    let expected = expected.map(|(from, cohort)| (from.to_owned(), cohort.to_owned()));
    assert_eq!(assigned, expected);
}
