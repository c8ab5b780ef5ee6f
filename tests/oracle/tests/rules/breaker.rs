//! The breaker.

use serde_json::{Value, json};

use crate::rig::*;

fn log(bounds: Value) -> Log {
    let mut cohort = cohort(json!([allowance("e", "education", 100, json!("month"))]));
    cohort["breaker"] = bounds;
    let mut log = begun_with(programme("UTC", json!([cohort])));
    for last in 1..=10 {
        log.command("2026-02-01T00:00:00Z", enrol(last, "2026-02-01"));
    }
    log
}

fn blocked(log: &Log) -> Vec<(String, String)> {
    let decisions = log
        .decisions()
        .into_iter()
        .filter(|one| one.reason != "enrolled");
    decisions
        .map(|one| (one.sim.to_string(), one.reason))
        .collect()
}

fn held(log: &Log) -> Vec<(String, u64)> {
    let held = |alert: &hissa_oracle::AlertChange| alert.details["held"].as_u64().unwrap();
    log.alerts("OrdersHeld")
        .iter()
        .map(|alert| (alert.change.clone(), held(alert)))
        .collect()
}

#[test]
fn the_third_of_ten_in_one_hour_trips_and_is_held_until_release() {
    let mut log = log(json!({"share_permille": 200, "at_least": 2}));
    for last in 1..=4 {
        log.usage_of(last, "2026-02-10T12:00:00Z", 1, 100);
    }
    let cut = |last, reason: &str| (sim(last), reason.to_owned());
    assert_eq!(blocked(&log), [cut(1, "exhausted"), cut(2, "exhausted")]);
    let change = |change: &str, held| (change.to_owned(), held);
    assert_eq!(held(&log), [change("fire", 1)]);
    log.progress("2026-02-11T00:00:00Z", &[], 4, 400);
    assert_eq!(held(&log), [change("fire", 1), change("update", 2)]);
    assert_eq!(log.alerts("OrdersHeld")[0].id, "OrdersHeld/c/education/0/1");
    log.command(
        "2026-02-11T08:00:00Z",
        json!({"command": "breaker", "action": "release", "cohort": "c"}),
    );
    let all = [
        cut(1, "exhausted"),
        cut(2, "exhausted"),
        cut(3, "released"),
        cut(4, "released"),
    ];
    assert_eq!(blocked(&log), all);
}

#[test]
fn cuts_of_another_hour_do_not_count() {
    let mut log = log(json!({"share_permille": 200, "at_least": 2}));
    for (last, at) in [
        (1, "2026-02-10T12:00:00Z"),
        (2, "2026-02-10T12:59:59Z"),
        (3, "2026-02-10T13:00:00Z"),
    ] {
        log.usage_of(last, at, 1, 100);
    }
    assert_eq!(blocked(&log).len(), 3);
    assert_eq!(held(&log), []);
}

#[test]
fn what_was_dropped_stays_unsaid_until_it_is_no_longer_wanted() {
    let mut log = log(json!({"share_permille": 0, "at_least": 0}));
    log.usage("2026-02-10T12:00:00Z", 1, 100);
    log.command(
        "2026-02-10T13:00:00Z",
        json!({"command": "breaker", "action": "drop", "cohort": "c"}),
    );
    let mut lenient = cohort(json!([allowance("e", "education", 100, json!("month"))]));
    lenient["breaker"] = json!({"share_permille": 1000, "at_least": 1000});
    log.command("2026-02-10T14:00:00Z", programme("UTC", json!([lenient])));
    log.usage("2026-02-10T15:00:00Z", 1, 1);
    assert_eq!(blocked(&log), []);
    log.usage("2026-03-10T15:00:00Z", 1, 100);
    assert_eq!(blocked(&log), [(sim(1), "exhausted".to_owned())]);
}

#[test]
fn a_command_holds_all_its_cuts_or_none() {
    let mut log = log(json!({"share_permille": 200, "at_least": 2}));
    for last in 1..=3 {
        log.usage_of(last, "2026-02-10T12:00:00Z", 1, 50);
    }
    let mut stricter = cohort(json!([allowance("e", "education", 50, json!("month"))]));
    stricter["breaker"] = json!({"share_permille": 300, "at_least": 2});
    let command = programme("UTC", json!([stricter.clone()]));
    log.command("2026-02-10T12:30:00Z", command);
    assert_eq!(blocked(&log).len(), 3);
    assert_eq!(held(&log), []);
}

#[test]
fn a_command_beyond_both_bounds_trips() {
    let mut log = log(json!({"share_permille": 200, "at_least": 2}));
    for last in 1..=3 {
        log.usage_of(last, "2026-02-10T12:00:00Z", 1, 50);
    }
    let mut stricter = cohort(json!([allowance("e", "education", 50, json!("month"))]));
    stricter["breaker"] = json!({"share_permille": 200, "at_least": 2});
    log.command("2026-02-10T12:30:00Z", programme("UTC", json!([stricter])));
    assert_eq!(blocked(&log), []);
    assert_eq!(held(&log), [("fire".to_owned(), 3)]);
}
