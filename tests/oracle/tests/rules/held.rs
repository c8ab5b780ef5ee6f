//! Section 7: rows that wait for an enrolment.

use serde_json::json;

use crate::rig::*;

fn log() -> Log {
    begun(json!([allowance("e", "education", 100, json!("month"))]))
}

/// How all balances ended.
fn used(log: &Log) -> Vec<(String, u64)> {
    let cycles = log.judge().sim_cycle.into_iter();
    let last = |days: std::collections::BTreeMap<_, hissa_oracle::CycleRow>| {
        days.into_values().next_back().unwrap().used
    };
    cycles
        .map(|(key, days)| (key.cycle_start.to_string(), last(days)))
        .collect()
}

#[test]
fn enrolment_takes_over_what_was_held_and_decides_once() {
    let mut log = log();
    log.usage("2026-02-27T12:00:00Z", 1, 60);
    log.usage("2026-02-28T12:00:00Z", 1, 60);
    log.usage("2026-03-01T12:00:00Z", 1, 7);
    log.command("2026-03-02T12:00:00Z", enrol(1, "2026-02-28"));
    let cycle = |start: &str, used| (start.to_owned(), used);
    assert_eq!(
        used(&log),
        [cycle("2026-02-01", 60), cycle("2026-03-01", 7)]
    );
    assert_eq!(log.outcomes(), [("held".to_owned(), 3)]);
    let reasons: Vec<_> = log.decisions().into_iter().map(|one| one.reason).collect();
    assert_eq!(reasons, ["enrolled"; 3]);
    // What is held of 27 February is taken over by an enrolment that reaches back to it.
    log.command("2026-03-03T12:00:00Z", enrol(1, "2026-02-01"));
    assert_eq!(
        used(&log),
        [cycle("2026-02-01", 120), cycle("2026-03-01", 7)]
    );
}

#[test]
fn enrolled_exhausted_is_said_with_the_enrolment() {
    let mut log = log();
    log.usage("2026-02-10T12:00:00Z", 1, 100);
    log.command("2026-02-11T12:00:00Z", enrol(1, "2026-02-01"));
    let first = &log.decisions()[0];
    assert_eq!(
        (
            first.action.as_str(),
            first.reason.as_str(),
            first.allowance.used_bytes
        ),
        ("block", "enrolled", 100)
    );
    assert_eq!(first.cause, None);
}

#[test]
fn beyond_the_bound_rows_are_quarantined() {
    let mut log = log();
    log.settings.held_sims_max = 1;
    log.usage_of(1, "2026-02-10T12:00:00Z", 1, 1);
    log.usage_of(2, "2026-02-10T12:00:00Z", 1, 1);
    log.usage_of(1, "2026-02-10T12:00:00Z", 1, 1);
    // A day that nothing can take over needs no place.
    log.usage_at(2, "2026-03-10T12:00:00Z", "2026-02-28T12:00:00Z", 1, 1);
    let outcome = |name: &str, rows| (name.to_owned(), rows);
    assert_eq!(
        log.outcomes(),
        [outcome("held", 3), outcome("quarantined held_bound", 1)]
    );
}

#[test]
fn what_is_held_of_closed_days_is_forgotten() {
    let mut log = log();
    log.usage("2026-02-10T12:00:00Z", 1, 60);
    log.progress("2026-03-08T00:00:00Z", &[], 1, 60);
    log.command("2026-03-08T12:00:00Z", enrol(1, "2026-02-01"));
    assert_eq!(used(&log), [("2026-03-01".to_owned(), 0)]);
}
