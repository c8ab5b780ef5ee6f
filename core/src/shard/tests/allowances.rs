//! Section 8: allowances of every period and scope, their cycles and balances.

use super::commands::*;
use super::story::*;
use crate::decision::Action;
use crate::registry::{Class, Cohort, OnExhausted, Period, Scope};

/// 1 and 2 February are Sunday and Monday.
fn every_period() -> Vec<crate::registry::Allowance> {
    let edu = |every, id| bytes_of(Scope::Education, 1000, every, SLOW).called(id);
    vec![
        edu(Period::Day, "daily"),
        edu(Period::Week, "weekly"),
        edu(Period::Month, "monthly"),
        edu(Period::Term, "term"),
        edu(Period::Days(10), "tens"),
        bytes_of(Scope::All, 1000, Period::Month, BLOCK),
    ]
}

#[test]
fn a_row_is_charged_to_every_allowance_of_its_scope_once_by_its_usage_day() {
    let mut story = world_with(every_period());
    // A Tuesday; activation was on 1 February, so that the second ten days begin on the 11th.
    story.row(usage(1, "2026-02-10T08:00", 1));
    story.row(usage(1, "2026-02-10T08:00", 20).group(STRANGE));
    story.row(usage(1, "2026-02-10T08:00", 300).group(OTHER));
    story.row(usage(1, "2026-02-10T08:00", 4000).group(SYSTEM));
    // A Monday of the week and the tens that follow.
    story.row(usage(1, "2026-02-16T08:00", 5));
    let table = [
        ("2026-02-10", "daily", 21),
        ("2026-02-16", "daily", 5),
        ("2026-02-09", "weekly", 21),
        ("2026-02-16", "weekly", 5),
        ("2026-02-01", "monthly", 26),
        ("1970-01-01", "term", 26),
        ("2026-02-01", "tens", 21),
        ("2026-02-11", "tens", 5),
        ("2026-02-01", "all", 4326),
    ];
    for (cycle, allowance, used) in table {
        assert_eq!(
            story.used(1, cycle, allowance),
            Some(used),
            "{allowance} of {cycle}"
        );
        assert_eq!(
            story.used(2, cycle, allowance),
            Some(0),
            "SIM 2: {allowance} of {cycle}"
        );
    }
}

#[test]
fn a_cut_ends_with_the_cycle_of_its_allowance() {
    let table = [
        (Period::Day, "2026-02-10", "2026-02-11T00:00"),
        (Period::Week, "2026-02-09", "2026-02-16T00:00"),
        (Period::Month, "2026-02-01", "2026-03-01T00:00"),
        (Period::Days(10), "2026-02-01", "2026-02-11T00:00"),
        (Period::Days(15), "2026-02-01", "2026-02-16T00:00"),
        (Period::Days(366), "2026-02-01", "2027-02-02T00:00"),
    ];
    for (every, cycle, ends) in table {
        let mut story = world_with(vec![bytes_of(Scope::Education, 10, every, SLOW)]);
        story.row(usage(1, "2026-02-10T08:00", 10));
        let cut = story.last();
        assert_eq!(cut.cycle, date(cycle), "{every:?}");
        assert_eq!(cut.until_ms, Some(at(ends)), "{every:?}");
        story.hush();
        story.until(ends);
        let reset = story.last();
        assert_eq!(story.told(), ["1 education allow #3 reset"], "{every:?}");
        assert_eq!(reset.effective_at_ms, at(ends));
        assert_eq!(reset.cycle, date(&ends[..10]));
    }
}

#[test]
fn n_days_run_from_the_first_valid_from_forwards_and_backwards() {
    let mut story = world_with(vec![bytes_of(Scope::Education, 10, Period::Days(10), SLOW)]);
    story.enrol("2026-02-12T08:00", 3, "rural", "2026-02-12");
    story.command("2026-02-12T09:00", enrolling(3, "2026-02-05").told());
    story.row(usage(3, "2026-02-06T08:00", 7).delivered("2026-02-12T10:00"));
    story.row(usage(3, "2026-02-22T08:00", 9));
    // From the 12th: 2 to 11, 12 to 21, 22 and so on.
    assert_eq!(story.used(3, "2026-02-02", "education"), Some(7));
    assert_eq!(story.used(3, "2026-02-12", "education"), Some(0));
    assert_eq!(story.used(3, "2026-02-22", "education"), Some(9));
    // One that has left and comes again goes on with the same days.
    story.command("2026-02-23T08:00", retirement(3, "2026-02-23"));
    story.enrol("2026-02-27T08:00", 3, "rural", "2026-02-27");
    story.row(usage(3, "2026-02-27T09:00", 100));
    assert_eq!(story.used(3, "2026-02-22", "education"), Some(109));
}

#[test]
fn the_strictest_of_what_exhausted_allowances_say_is_wanted() {
    let slow = |kbit_s| OnExhausted::Throttle { kbit_s };
    let notify = OnExhausted::Notify;
    // (what allowances of 10, 20, 30 bytes say, states after 10, 20, 30 bytes, which of them decides)
    let table = [
        (
            [slow(512), slow(64), BLOCK],
            ["throttle 512", "throttle 64", "block 0"],
            [0, 1, 2],
        ),
        (
            [BLOCK, slow(64), slow(512)],
            ["block 0", "block 0", "block 0"],
            [0, 0, 0],
        ),
        (
            [notify, slow(64), slow(512)],
            ["allow 0", "throttle 64", "throttle 64"],
            [9, 1, 1],
        ),
        (
            [slow(64), slow(512), slow(64)],
            ["throttle 64", "throttle 64", "throttle 64"],
            [0, 0, 0],
        ),
        (
            [notify, notify, BLOCK],
            ["allow 0", "allow 0", "block 0"],
            [9, 9, 2],
        ),
    ];
    for (actions, states, deciding) in table {
        let allowances = actions.into_iter().zip(1..).map(|(action, n)| {
            bytes_of(Scope::Education, n * 10, Period::Month, action).called(&format!("a{n}"))
        });
        let mut story = world_with(allowances.collect());
        let mut last = (Action::Allow, 9);
        // In different hours, for three new cuts of two SIMs are too many in one.
        let ends = ["2026-02-10T08:00", "2026-02-10T09:00", "2026-02-10T10:00"];
        for ((state, deciding), end) in states.into_iter().zip(deciding).zip(ends) {
            story.row(usage(1, end, 10));
            if let Some(decision) = story.decisions.last() {
                let n: usize = decision.allowance.id[1..].parse().unwrap();
                last = (decision.action, n - 1);
            }
            let found = format!("{} {}", last.0.as_str(), last.0.kbit_s());
            assert_eq!((found.as_str(), last.1), (state, deciding), "{actions:?}");
        }
    }
}

#[test]
fn an_allowance_of_all_traffic_cuts_education_and_other_and_never_system() {
    let mut story = world_with(vec![bytes_of(Scope::All, 10, Period::Month, BLOCK)]);
    story.row(usage(1, "2026-02-10T08:00", 10).group(SYSTEM));
    assert_eq!(
        story.told(),
        [
            "1 education block #2 exhausted by record 0",
            "1 other block #2 exhausted by record 0",
        ]
    );
}

#[test]
fn a_decision_tells_of_the_allowance_that_decides_it_else_of_the_class_else_of_all() {
    let all = || bytes_of(Scope::All, 50, Period::Week, BLOCK);
    let own = || bytes_of(Scope::Education, 20, Period::Month, SLOW);
    // (allowances in order, bytes, id and cycle told on a cut or at the enrolment of SIM 3 without any)
    let table = [
        (vec![all(), own()], 0, "education", "2026-02-01"),
        (vec![all()], 0, "all", "2026-02-09"),
        (vec![all(), own()], 20, "education", "2026-02-01"),
        (vec![own(), all()], 50, "all", "2026-02-09"),
        (
            vec![bytes_of(Scope::Other, 5, Period::Day, SLOW)],
            0,
            "",
            "2026-02-01",
        ),
    ];
    for (allowances, bytes, id, cycle) in table {
        let mut story = world_with(allowances.clone());
        story.until("2026-02-10T00:00");
        if bytes == 0 {
            story.enrol("2026-02-10T08:00", 3, "rural", "2026-02-10");
        } else {
            story.row(usage(1, "2026-02-10T08:00", bytes));
        }
        let decision = story.decisions.iter().find(|d| d.class == Class::Education);
        let decision = decision.unwrap();
        assert_eq!(decision.allowance.id, id, "{allowances:?}");
        assert_eq!(decision.allowance.used_bytes, bytes);
        assert_eq!(decision.cycle, date(cycle), "{allowances:?}");
    }
}

#[test]
fn two_programmes_that_name_id_scope_and_period_speak_of_one_account() {
    let mut story = world_with(vec![monthly(100)]);
    story.row(usage(1, "2026-02-10T08:00", 60));
    let weekly = bytes_of(Scope::Education, 40, Period::Week, SLOW);
    let all = bytes_of(Scope::All, 40, Period::Month, SLOW).called("education");
    // (the new allowance, its cycle, what is used of it)
    let table = [
        (monthly(70), "2026-02-01", 60),
        (monthly(70).called("lessons"), "2026-02-01", 0),
        (weekly, "2026-02-09", 0),
        (all, "2026-02-01", 0),
        (monthly(60), "2026-02-01", 60),
    ];
    for (allowance, cycle, used) in table {
        let id = allowance.id.clone();
        story.command("2026-02-11T08:00", rural_with(vec![allowance]));
        assert_eq!(story.used(1, cycle, &id), Some(used), "{id} of {cycle}");
    }
    assert_eq!(story.told(), ["1 education throttle #2 policy_changed"]);
}

#[test]
fn a_balance_takes_bytes_also_where_the_rules_no_longer_name_its_account() {
    let mut story = world_with(vec![monthly(100)]);
    story.row(usage(1, "2026-02-10T08:00", 60));
    story.command("2026-02-11T08:00", rural_with(vec![]));
    story.take();
    story.facts.clear();
    story.row(usage(1, "2026-02-11T09:00", 50));
    assert_eq!(
        story.used(1, "2026-02-01", "education"),
        None,
        "no row meanwhile"
    );
    assert_eq!(story.told(), [""; 0]);
    story.command("2026-02-12T08:00", rural_with(vec![monthly(110)]));
    assert_eq!(story.quota(1, "2026-02-01", "education"), (110, 0, 110));
    assert_eq!(story.told(), ["1 education throttle #2 policy_changed"]);
}

#[test]
fn what_is_left_of_the_limit_rolls_over_up_to_the_most_and_never_changes_after_that() {
    let mut story = world_with(vec![monthly(100).rolls(30)]);
    story.row(usage(1, "2026-02-10T08:00", 80));
    story.until("2026-03-01T00:00");
    assert_eq!(story.quota(1, "2026-03-01", "education"), (120, 0, 0));
    assert_eq!(story.quota(2, "2026-03-01", "education"), (130, 0, 0));
    // Late bytes of February are not taken from March.
    story.row(usage(1, "2026-02-20T08:00", 15).delivered("2026-03-02T08:00"));
    assert_eq!(story.quota(1, "2026-02-01", "education"), (100, 0, 95));
    assert_eq!(story.quota(1, "2026-03-01", "education"), (120, 0, 0));
    // What was rolled stays on top of a new programme's bytes, and rolls on with the rest.
    story.command(
        "2026-03-03T08:00",
        rural_with(vec![monthly(200).rolls(300)]),
    );
    assert_eq!(story.quota(1, "2026-03-01", "education"), (220, 0, 0));
    story.row(usage(1, "2026-03-10T08:00", 1));
    story.until("2026-04-01T00:00");
    assert_eq!(story.quota(1, "2026-04-01", "education"), (419, 0, 0));
    // Who was not there in March brings nothing along.
    story.enrol("2026-04-02T08:00", 3, "rural", "2026-04-02");
    assert_eq!(story.quota(3, "2026-04-01", "education"), (200, 0, 0));
}

#[test]
fn each_account_asks_whether_its_own_cycle_is_closed_and_the_month_is_a_label() {
    let days = |every, id| bytes_of(Scope::Education, 100, every, SLOW).called(id);
    let mut story = world_with(vec![
        days(Period::Day, "daily"),
        days(Period::Month, "monthly"),
        days(Period::Days(40), "forties"),
    ]);
    // 3 February closes on the 11th; February on 8 March; the 40 days until 12 March on the 20th.
    let table = [
        ("2026-02-10T23:59", "counted education", 1, 1, 1),
        ("2026-02-11T00:00", "counted education", 1, 2, 2),
        ("2026-03-07T23:59", "counted education", 1, 3, 3),
        ("2026-03-08T00:00", "late education", 1, 3, 4),
        ("2026-03-19T23:59", "late education", 1, 3, 5),
        ("2026-03-20T00:00", "late education", 1, 3, 5),
    ];
    for (delivered, outcome, daily, monthly, forties) in table {
        let row = usage(1, "2026-02-03T08:00", 1).opened("2026-03-01T00:00");
        assert_eq!(story.row(row.delivered(delivered)), outcome, "{delivered}");
        let used = [
            story.used(1, "2026-02-03", "daily"),
            story.used(1, "2026-02-01", "monthly"),
            story.used(1, "2026-02-01", "forties"),
        ];
        assert_eq!(
            used,
            [Some(daily), Some(monthly), Some(forties)],
            "{delivered}"
        );
    }
}

#[test]
fn a_new_programme_keeps_thresholds_that_are_still_reached_at_their_old_time() {
    let with = |bytes, thresholds: &[u16]| {
        let thresholds = thresholds.to_vec();
        rules(vec![Cohort {
            thresholds,
            ..cohort(vec![monthly(bytes)])
        }])
    };
    let mut story = world_with(vec![monthly(100)]);
    story.row(usage(1, "2026-02-10T08:00", 80)); // delivered at 08:10
    let table: [(&str, _, &[(u16, &str)]); 5] = [
        (
            "2026-02-11T01:00",
            with(100, &[50, 80, 90]),
            &[(50, "2026-02-10T08:10"), (80, "2026-02-10T08:10")],
        ),
        (
            "2026-02-11T02:00",
            with(120, &[50, 80]),
            &[(50, "2026-02-10T08:10")],
        ),
        (
            "2026-02-11T03:00",
            with(100, &[50, 80]),
            &[(50, "2026-02-10T08:10"), (80, "2026-02-11T03:00")],
        ),
        (
            "2026-02-11T04:00",
            with(100, &[60, 80]),
            &[(60, "2026-02-11T04:00"), (80, "2026-02-11T03:00")],
        ),
        (
            "2026-02-11T05:00",
            with(100, &[50, 80]),
            &[(50, "2026-02-11T05:00"), (80, "2026-02-11T03:00")],
        ),
    ];
    for (entered, command, expected) in table {
        story.command(entered, command);
        let row = story.account(1, "2026-02-01", "education").unwrap();
        let found: Vec<_> = row.thresholds.into_iter().zip(row.reached_at_ms).collect();
        let expected: Vec<_> = expected.iter().map(|(p, time)| (*p, at(time))).collect();
        assert_eq!(found, expected, "{entered}");
    }
    // A cycle that has ended keeps its limit, and of its thresholds those that still stand in the list.
    story.until("2026-03-02T00:00");
    story.command("2026-03-02T08:00", with(1000, &[80, 90]));
    let row = story.account(1, "2026-02-01", "education").unwrap();
    assert_eq!((row.limit_bytes, row.thresholds), (100, vec![80]));
}

#[test]
fn a_cycle_that_has_not_begun_follows_the_programme() {
    let mut story = world_with(vec![monthly(100)]);
    story.until("2026-02-28T23:50");
    story.row(usage(1, "2026-03-01T00:02", 60).delivered("2026-02-28T23:58"));
    assert_eq!(story.quota(1, "2026-03-01", "education"), (100, 0, 60));
    story.command("2026-02-28T23:59", rural_with(vec![monthly(60)]));
    assert_eq!(story.quota(1, "2026-03-01", "education"), (60, 0, 60));
    assert_eq!(story.told(), [""; 0]);
    story.until("2026-03-01T00:00");
    let decision = story.last();
    assert_eq!(story.told(), ["1 education throttle #2 reset"]);
    assert_eq!((decision.cause, decision.cycle), (None, date("2026-03-01")));
}

#[test]
fn the_state_of_a_balance_is_observed_until_enforcement_then_within_or_exhausted() {
    let mut story = Story::begun();
    story.row(usage(1, "2026-02-05T08:00", 20 * GB));
    let states = |story: &mut Story| {
        [1, 2].map(|n| story.account(n, "2026-02-01", "education").unwrap().state)
    };
    assert_eq!(states(&mut story), ["observed"; 2]);
    story.until("2026-02-07T23:59:59.999");
    assert_eq!(states(&mut story), ["observed"; 2]);
    story.until("2026-02-08T00:00");
    assert_eq!(states(&mut story), ["exhausted", "within"]);
}
