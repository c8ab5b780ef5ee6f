//! Sections 6 to 8: balances, decisions, alerts.

use hissa_carrier::policy::{Class, demo_programme};
use hissa_carrier::truth::{AlertKind, Change, Reason};

use super::{GB, alerts, at, balance, books, date, decisions, enrol, sim, usage, usage_of};

#[test]
fn a_sim_is_allowed_observed_enforced_exhausted_and_reset() {
    let mut books = books();
    books.record(
        at("02-10 12:00"),
        &usage(sim(1), 1, "02-10 10:00", "02-10 11:00", 16 * GB - 1),
    );
    books.record(
        at("02-11 12:00"),
        &usage_of(sim(1), 2, ("02-11 10:00", "02-11 11:00"), (4199, 0), 1),
    );
    books.record(
        at("02-12 12:00"),
        &usage(sim(1), 3, "02-12 10:00", "02-12 11:00", 4 * GB - 1),
    );
    books.record(
        at("02-13 12:00"),
        &usage(sim(1), 4, "02-13 10:00", "02-13 11:00", 1),
    );
    books.record(
        at("02-14 12:00"),
        &usage(sim(1), 5, "02-14 10:00", "02-14 11:00", GB),
    );
    books.quiet(at("03-01 00:00"));
    let truth = books.finish(None);
    assert_eq!(
        decisions(&truth, sim(1)),
        [
            "education 1 allow Enrolled 2026-01-01 -",
            "education 2 throttle 512 Exhausted 2026-02-01 4",
            "education 3 allow Reset 2026-03-01 -",
            "system 1 allow Enrolled 2026-01-01 -",
            "other 1 allow Enrolled 2026-01-01 -",
            "other 2 block EnforcementStarted 2026-02-01 -",
        ]
    );
    assert_eq!(
        alerts(&truth),
        [
            "SimQuota80 1 Fire 2026-02-01",
            "SimQuota80 2 Resolve 2026-02-01",
            "SimExhausted 1 Fire 2026-02-01",
            "SimExhausted 2 Resolve 2026-02-01",
        ],
        "80 % was reached by one unknown byte, which is charged to education"
    );
    let fired = truth
        .alerts
        .iter()
        .find(|a| a.kind == AlertKind::SimQuota80 && a.change == Change::Fire);
    assert_eq!(fired.map(|a| a.at_ms), Some(at("02-11 12:00")));
}

#[test]
fn a_row_that_reaches_both_thresholds_fires_the_higher_alone() {
    let mut books = books();
    books.record(
        at("02-10 12:00"),
        &usage(sim(1), 1, "02-10 10:00", "02-10 11:00", 20 * GB),
    );
    assert_eq!(
        alerts(&books.finish(None)),
        ["SimExhausted 1 Fire 2026-02-01"]
    );
}

#[test]
fn what_was_exhausted_before_enforcement_is_decided_at_its_midnight() {
    let mut books = books();
    books.record(
        at("02-05 12:00"),
        &usage(sim(1), 1, "02-05 10:00", "02-05 11:00", 21 * GB),
    );
    books.quiet(at("02-09 00:00"));
    let truth = books.finish(None);
    let throttled = truth
        .decisions
        .iter()
        .find(|d| d.class == Class::Education && d.sequence == 2)
        .unwrap();
    assert_eq!(throttled.reason, Reason::EnforcementStarted);
    // 8 February 00:00 in Morocco, still at UTC+1.
    assert_eq!(throttled.at_ms, at("02-07 23:00"));
    assert_eq!(alerts(&truth), ["SimExhausted 1 Fire 2026-02-01"]);
}

#[test]
fn enrolment_takes_over_what_was_held_since_valid_from() {
    let mut books = books();
    // ecole-numerique: 40 GB, then throttled.
    books.record(
        at("02-27 12:00"),
        &usage(sim(9), 1, "02-27 10:00", "02-27 11:00", 3 * GB),
    );
    books.record(
        at("02-28 12:00"),
        &usage(sim(9), 2, "02-28 10:00", "02-28 11:00", 4 * GB),
    );
    books.record(
        at("03-01 12:00"),
        &usage(sim(9), 3, "03-01 10:00", "03-01 11:00", 40 * GB),
    );
    enrol(
        &mut books,
        "03-02 10:00",
        9,
        "ecole-numerique",
        "2026-02-28",
    );
    books.record(
        at("03-02 12:00"),
        &usage(sim(9), 4, "02-27 12:00", "02-27 13:00", GB),
    );
    let truth = books.finish(None);
    assert_eq!((truth.rows_of("held"), truth.rows_of("counted")), (4, 0));
    assert_eq!(
        decisions(&truth, sim(9)),
        [
            "education 1 throttle 2048 Enrolled 2026-03-01 -",
            "system 1 allow Enrolled 2026-03-01 -",
            "other 1 block Enrolled 2026-03-01 -",
        ]
    );
    let used = |cycle: &str| {
        let mut found = truth
            .balances
            .iter()
            .filter(|b| b.imsi == sim(9) && b.allowance == Class::Education);
        found
            .find(|b| b.cycle == date(cycle))
            .map(|b| b.standing.used_bytes)
    };
    assert_eq!(
        (used("2026-02-01"), used("2026-03-01")),
        (Some(4 * GB), Some(40 * GB))
    );
}

#[test]
fn a_month_that_is_closed_is_not_taken_over() {
    let mut books = books();
    books.record(
        at("02-27 12:00"),
        &usage(sim(9), 1, "02-27 10:00", "02-27 11:00", 3 * GB),
    );
    enrol(
        &mut books,
        "03-09 10:00",
        9,
        "ecole-numerique",
        "2026-02-25",
    );
    let truth = books.finish(None);
    let used: u64 = truth
        .balances
        .iter()
        .filter(|b| b.imsi == sim(9))
        .map(|b| b.standing.used_bytes)
        .sum();
    assert_eq!(used, 0);
}

#[test]
fn a_cycle_that_has_ended_decides_nothing() {
    let mut books = books();
    books.record(
        at("03-02 12:00"),
        &usage(sim(1), 1, "02-27 10:00", "02-27 11:00", 30 * GB),
    );
    let truth = books.finish(None);
    assert_eq!(balance(&truth, "2026-02-01"), 30 * GB);
    assert!(truth.alerts.is_empty());
    assert!(
        truth
            .decisions
            .iter()
            .all(|d| d.reason != Reason::Exhausted)
    );
}

#[test]
fn a_later_programme_changes_what_it_lifts_and_nothing_else() {
    let mut books = books();
    books.record(
        at("02-10 12:00"),
        &usage(sim(1), 1, "02-10 10:00", "02-10 11:00", 17 * GB),
    );
    books.record(
        at("02-11 12:00"),
        &usage(sim(1), 2, "02-11 10:00", "02-11 11:00", 4 * GB),
    );
    let mut richer = demo_programme(date("2026-02-01"), date("2026-02-08"));
    richer.cohorts[0].education.as_mut().unwrap().bytes = 40 * GB;
    books.programme(at("02-12 12:00"), richer);
    let truth = books.finish(None);
    let of_education: Vec<String> = decisions(&truth, sim(1))
        .into_iter()
        .filter(|line| line.starts_with("education"))
        .collect();
    assert_eq!(
        of_education[2],
        "education 3 allow PolicyChanged 2026-02-01 -"
    );
    assert_eq!(
        truth.decisions.len(),
        3 + 3,
        "three at enrolment, then other's block, the throttle, its end"
    );
    assert_eq!(
        alerts(&truth),
        [
            "SimQuota80 1 Fire 2026-02-01",
            "SimQuota80 2 Resolve 2026-02-01",
            "SimExhausted 1 Fire 2026-02-01",
            "SimExhausted 2 Resolve 2026-02-01",
        ]
    );
}
