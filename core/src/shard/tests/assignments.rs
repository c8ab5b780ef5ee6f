//! Section 7: assignments of SIMs, in the past and in the future (E1 to E6, F5).

use super::commands::*;
use super::story::*;
use crate::facts::Fact;
use crate::registry::{CalendarKind, Class, Command, Period, Scope};

/// Two cohorts: 100 bytes a month then throttled, and 50 then blocked.
fn two_cohorts() -> Story {
    let mut urban = cohort(vec![bytes_of(Scope::Education, 50, Period::Month, BLOCK)]);
    urban.id = "urban".to_owned();
    world(vec![cohort(vec![monthly(100)]), urban])
}

const LEFT: [&str; 2] = ["1 education block #2 retired", "1 other block #2 retired"];

#[test]
fn an_assignment_to_come_begins_at_its_midnight() {
    let mut story = two_cohorts();
    let command = enrolling(1, "2026-02-10").of("urban").told();
    story.command("2026-02-03T08:00", command);
    story.row(usage(1, "2026-02-05T08:00", 60));
    assert_eq!(story.told(), [""; 0]);
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 0, 60));
    story.until("2026-02-10T09:00");
    let decision = story.last();
    assert_eq!(story.told(), ["1 education block #2 policy_changed"]);
    assert_eq!(decision.effective_at_ms, at("2026-02-10T00:00"));
    assert_eq!(decision.cohort, "urban");
    assert_eq!(story.quota(1, "2026-02-01", "education"), (50, 0, 60));
}

#[test]
fn a_sim_leaves_at_the_end_of_its_last_assignment() {
    let mut story = two_cohorts();
    story.command(
        "2026-02-02T08:00",
        enrolling(3, "2026-02-02").until("2026-02-10").told(),
    );
    story.hush();
    story.until("2026-02-10T00:00");
    let decision = story.last();
    assert_eq!(
        story.told(),
        ["3 education block #2 retired", "3 other block #2 retired"]
    );
    assert_eq!(decision.effective_at_ms, at("2026-02-10T00:00"));
    assert_eq!(
        (decision.until_ms, decision.allowance.id.as_str()),
        (None, "")
    );
    assert_eq!(story.shard.sims().enrolled, 2);
    let table = [
        ("2026-02-10T00:00", "counted education"),
        ("2026-02-10T00:01", "held education"),
    ];
    for (end, outcome) in table {
        let row = usage(3, end, 1).delivered("2026-02-10T08:00");
        assert_eq!(story.row(row), outcome, "{end}");
    }
}

#[test]
fn of_a_day_the_assignment_with_the_latest_begin_speaks_ended_or_not() {
    let mut story = two_cohorts();
    // SIM 1 is enrolled from 1 February on without an end; this one speaks from the 10th on.
    let command = enrolling(1, "2026-02-10").of("urban").until("2026-02-20");
    story.command("2026-02-03T08:00", command.told());
    story.until("2026-02-21T00:00");
    let table = [
        ("2026-02-09", "counted education"),
        ("2026-02-10", "counted education"),
        ("2026-02-19", "counted education"),
        ("2026-02-20", "held education"),
        ("2026-01-31", "held education"),
    ];
    for (day, outcome) in table {
        let row = usage(1, &format!("{day}T12:00"), 1);
        assert_eq!(
            story.row(row.delivered("2026-02-21T08:00")),
            outcome,
            "{day}"
        );
    }
    assert_eq!(story.told(), LEFT);
}

#[test]
fn of_two_with_the_same_begin_the_one_entered_later_replaces_the_other() {
    let mut story = two_cohorts();
    story.row(usage(1, "2026-02-03T08:00", 50));
    let command = enrolling(1, "2026-02-01").of("urban").until("2026-02-20");
    story.command("2026-02-03T09:00", command.told());
    assert_eq!(story.told(), ["1 education block #2 policy_changed"]);
    story.command("2026-02-03T10:00", enrolling(1, "2026-02-01").told());
    assert_eq!(story.told(), ["1 education allow #3 policy_changed"]);
    story.until("2026-02-21T00:00");
    assert_eq!(story.told(), [""; 0], "it has no end any more");
}

#[test]
fn retire_ends_assignments_at_its_date_and_takes_those_behind_it_away() {
    let assigned = |story: &mut Story| {
        let rows = story.take().values().filter_map(|fact| match fact {
            Fact::Assignment(row) if row.sim == sim(1) => {
                let until = row
                    .valid_until
                    .map_or("for good".to_owned(), |d| d.to_string());
                Some(format!("{} {} {until}", row.booked_day, row.valid_from))
            }
            _ => None,
        });
        rows.collect::<Vec<_>>()
    };
    // (date, decided at once)
    for (date, at_once) in [
        ("2026-02-05", true),
        ("2026-02-10", true),
        ("2026-02-20", false),
    ] {
        let mut story = two_cohorts();
        let later = enrolling(1, "2026-02-25").of("urban").told();
        story.command("2026-02-03T08:00", later);
        story.hush();
        story.command("2026-02-10T08:00", retirement(1, date));
        let (now, then) = match at_once {
            true => (story.told(), vec![]),
            false => (vec![], {
                assert_eq!(story.told(), [""; 0]);
                story.until(&format!("{date}T00:00"));
                story.told()
            }),
        };
        assert_eq!([now, then].concat(), LEFT, "{date}");
        assert_eq!(
            assigned(&mut story),
            [
                "2026-01-31 2026-02-01 for good".to_owned(),
                format!("2026-02-10 2026-02-01 {date}"),
                "2026-02-03 2026-02-25 for good".to_owned(),
                "2026-02-10 2026-02-25 2026-02-25".to_owned(),
            ]
        );
        story.until("2026-02-28T00:00");
        assert_eq!(story.told(), [""; 0], "the later one has gone");
    }
}

#[test]
fn retire_makes_no_assignment_longer() {
    let mut story = two_cohorts();
    let command = enrolling(1, "2026-02-01").until("2026-02-10").told();
    story.command("2026-02-03T08:00", command);
    story.command("2026-02-04T08:00", retirement(1, "2026-02-20"));
    story.hush();
    story.until("2026-02-10T00:00");
    assert_eq!(story.told(), LEFT);
    // Nobody knows SIM 9.
    story.command("2026-02-10T08:00", retirement(9, "2026-02-05"));
    assert_eq!(story.told(), [""; 0]);
}

#[test]
fn where_no_assignment_is_left_the_last_one_goes_on_to_name_the_cohort() {
    let mut story = two_cohorts();
    story.command("2026-02-10T08:00", retirement(1, "2026-01-15"));
    assert_eq!(story.last().cohort, "rural");
    assert_eq!(story.told(), LEFT);
    // An observed cohort blocks nobody, also not who has left.
    let mut observed = cohort(vec![monthly(100)]);
    observed.enforce_from = None;
    story.command("2026-02-11T08:00", rules(vec![observed]));
    assert_eq!(
        story.told(),
        [
            "1 education allow #3 policy_changed",
            "1 other allow #3 policy_changed"
        ]
    );
}

#[test]
fn one_that_has_left_and_is_enrolled_again_is_told_all_three_classes() {
    let mut story = two_cohorts();
    story.row(usage(1, "2026-02-05T08:00", 60));
    story.command("2026-02-10T08:00", retirement(1, "2026-02-10"));
    assert_eq!(story.told(), LEFT);
    story.row(usage(1, "2026-02-12T08:00", 40));
    story.enrol("2026-02-12T09:00", 1, "rural", "2026-02-12");
    assert_eq!(
        story.told(),
        [
            "1 education throttle #3 enrolled",
            "1 other allow #3 enrolled",
            "1 system allow #2 enrolled",
        ]
    );
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 0, 100));
}

#[test]
fn one_that_has_left_and_is_enrolled_from_a_later_day_on_stays_out_until_then() {
    let mut story = two_cohorts();
    story.command("2026-02-10T08:00", retirement(1, "2026-02-10"));
    story.told();
    story.enrol("2026-02-12T09:00", 1, "urban", "2026-02-20");
    assert_eq!(story.told(), [""; 0]);
    assert_eq!(story.shard.sims().enrolled, 1);
    assert_eq!(story.row(usage(1, "2026-02-19T08:00", 5)), "held education");
    story.until("2026-02-20T00:00");
    let decision = story.last();
    assert_eq!(decision.cohort, "urban");
    assert_eq!(
        story.told(),
        [
            "1 education allow #3 policy_changed",
            "1 other allow #3 policy_changed"
        ]
    );
    assert_eq!(
        story.row(usage(1, "2026-02-20T08:00", 5)),
        "counted education"
    );
}

#[test]
fn bytes_are_held_as_long_as_some_allowance_could_take_them_over() {
    let edu = |every| vec![bytes_of(Scope::Education, 100, every, SLOW)];
    // (allowances, clock, usage day, whether it is held for somebody)
    let table = [
        (edu(Period::Month), "2026-03-07T12:00", "2026-02-01", true),
        (edu(Period::Month), "2026-03-08T12:00", "2026-02-28", false),
        (edu(Period::Month), "2026-03-08T12:00", "2026-03-01", true),
        // The month is kept, whichever periods there are.
        (edu(Period::Day), "2026-03-07T12:00", "2026-02-01", true),
        (edu(Period::Day), "2026-03-08T12:00", "2026-02-28", false),
        // On 10 May the week until Sunday, the 3rd, is open, and April is not.
        (edu(Period::Week), "2026-05-03T12:00", "2026-04-01", true),
        (edu(Period::Week), "2026-05-10T12:00", "2026-04-27", true),
        (edu(Period::Week), "2026-05-10T12:00", "2026-04-26", false),
        // 20 March less 2 × 30 + 7 days is 12 January.
        (
            edu(Period::Days(30)),
            "2026-03-20T12:00",
            "2026-01-12",
            true,
        ),
        (
            edu(Period::Days(30)),
            "2026-03-20T12:00",
            "2026-01-11",
            false,
        ),
    ];
    for (allowances, clock, day, held) in table {
        let mut story = world_with(allowances.clone());
        story.until(clock);
        let row = usage(7, &format!("{day}T12:00"), 1).opened(clock);
        assert_eq!(story.row(row.delivered(clock)), "held education");
        let found = story.shard.sims().held == 1;
        assert_eq!(found, held, "{allowances:?} {clock} {day}");
    }
    // The holding day never goes back: a programme with longer cycles holds from then on.
    let mut story = world_with(edu(Period::Month));
    story.until("2026-03-08T00:00");
    story.command("2026-03-08T01:00", rural_with(edu(Period::Days(60))));
    let row = usage(7, "2026-02-20T12:00", 1).delivered("2026-03-08T02:00");
    story.row(row);
    assert_eq!(story.shard.sims().held, 0);
}

#[test]
fn bytes_that_a_new_calendar_makes_too_old_are_forgotten_at_the_next_midnight() {
    let term = bytes_of(Scope::Education, 100, Period::Term, SLOW);
    let mut story = world_with(vec![term]);
    story.until("2026-03-20T12:00");
    let row = usage(7, "2026-02-20T12:00", 1).delivered("2026-03-20T12:00");
    assert_eq!(story.row(row), "held education");
    let terms = vec![days(CalendarKind::Term, "2026-03-05", "2026-06-30")];
    story.command("2026-03-20T13:00", calendar(terms));
    assert_eq!(story.shard.sims().held, 1);
    story.until("2026-03-21T00:00");
    assert_eq!(story.shard.sims().held, 0);
}

#[test]
fn held_bytes_are_taken_over_into_each_account_whose_cycle_is_open() {
    let days = |every, id| bytes_of(Scope::Education, 1000, every, SLOW).called(id);
    let mut story = world_with(vec![
        days(Period::Day, "daily"),
        days(Period::Month, "monthly"),
        bytes_of(Scope::All, 1000, Period::Month, BLOCK),
    ]);
    let table = [
        ("2026-02-03T08:00", 1, EDU),
        ("2026-02-12T08:00", 20, EDU),
        ("2026-02-12T08:00", 300, OTHER),
        ("2026-02-12T08:00", 4000, STRANGE),
    ];
    for (end, bytes, group) in table {
        story.row(usage(7, end, bytes).group(group));
    }
    story.enrol("2026-02-13T08:00", 7, "rural", "2026-02-01");
    // The day of the 3rd has closed on the 11th.
    assert_eq!(story.used(7, "2026-02-03", "daily"), None);
    assert_eq!(story.used(7, "2026-02-12", "daily"), Some(4020));
    assert_eq!(story.used(7, "2026-02-01", "monthly"), Some(4021));
    assert_eq!(story.used(7, "2026-02-01", "all"), Some(4321));
    // Their outcome stays.
    let held = story.shard.outcome_totals().map(|(_, rows, _)| rows);
    assert_eq!(held.collect::<Vec<_>>(), [4]);
}

#[test]
fn before_its_midnight_an_enrolment_is_decided_by_its_cohorts_rules() {
    let mut story = two_cohorts();
    let command = enrolling(3, "2026-04-01").of("urban").told();
    story.command("2026-02-10T08:00", command);
    let education = story.decisions[0].clone();
    assert_eq!(education.class, Class::Education);
    // It has used nothing of February, and has no balance of it.
    assert_eq!(education.cohort, "urban");
    assert_eq!(education.allowance.limit_bytes, 50);
    assert_eq!(story.account(3, "2026-02-01", "education"), None);
    assert_eq!(
        story.row(usage(3, "2026-02-11T08:00", 60)),
        "held education"
    );
    story.command("2026-02-11T09:00", Command::Grant(grant("g", 50).to(3)));
    story.hush();
    story.until("2026-04-01T00:00");
    assert_eq!(story.quota(3, "2026-04-01", "education"), (50, 0, 0));
}
