//! Section 8.

use hissa_oracle::CycleRow;
use serde_json::{Value, json};

use crate::rig::*;

fn education(bytes: u64) -> Value {
    json!([allowance("e", "education", bytes, json!("month"))])
}

fn log(bytes: u64) -> Log {
    let mut log = begun(education(bytes));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    log
}

/// The last row of a balance.
fn balance(log: &Log, start: &str) -> CycleRow {
    let findings = log.judge();
    let mut found = findings
        .sim_cycle
        .into_iter()
        .filter(|(key, _)| key.cycle_start.to_string() == start);
    found.next().unwrap().1.into_values().next_back().unwrap()
}

fn grant(id: &str, bytes: u64, from: &str, until: &str, priority: i64) -> Value {
    json!({"command": "grant", "id": id, "sim": sim(1), "allowance": "e", "bytes": bytes, "valid_from": from,
        "valid_until": until, "priority": priority, "donor": "d"})
}

#[test]
fn a_balance_stands_from_enrolment_on_with_zeros() {
    let row = balance(&log(100), "2026-02-01");
    let zeros = CycleRow {
        limit: 100,
        granted: 0,
        used: 0,
        state: "within".to_owned(),
        thresholds: vec![],
    };
    assert_eq!(row, zeros);
}

#[test]
fn thresholds_are_reached_at_the_clock() {
    let mut log = log(100);
    log.usage("2026-02-10T12:00:00Z", 1, 50);
    log.usage("2026-02-11T12:00:00Z", 1, 50);
    let row = balance(&log, "2026-02-01");
    let (first, second) = (ms("2026-02-10T12:00:00Z"), ms("2026-02-11T12:00:00Z"));
    assert_eq!(row.thresholds, [(50, first), (80, second), (100, second)]);
    assert_eq!(row.state, "exhausted");
}

#[test]
fn a_top_up_restores_however_much_was_leaked_before() {
    let mut log = log(100);
    log.usage("2026-02-10T12:00:00Z", 1, 500);
    log.command(
        "2026-02-11T00:00:00Z",
        grant("g", 40, "2026-02-11", "2026-02-21", 1),
    );
    log.usage("2026-02-11T12:00:00Z", 1, 30);
    let row = balance(&log, "2026-02-01");
    assert_eq!(
        (row.used, row.granted, row.state.as_str()),
        (530, 40, "within")
    );
    log.usage("2026-02-11T13:00:00Z", 1, 30);
    assert_eq!(balance(&log, "2026-02-01").state, "exhausted");
    let decided = [
        said("education", "block", "exhausted", "2026-02-10T12:00:00Z"),
        said("education", "allow", "granted", "2026-02-11T00:00:00Z"),
        said("education", "block", "exhausted", "2026-02-11T13:00:00Z"),
    ];
    assert_eq!(log.decided(), decided);
}

#[test]
fn a_grant_ends_at_its_midnight_and_what_is_left_of_it_with_it() {
    let mut log = log(100);
    log.command(
        "2026-02-02T00:00:00Z",
        grant("g", 50, "2026-02-11", "2026-02-21", 1),
    );
    log.usage("2026-02-11T12:00:00Z", 1, 120);
    log.progress("2026-02-21T06:00:00Z", &[], 1, 120);
    let decided = log.decided();
    assert_eq!(
        decided,
        [said(
            "education",
            "block",
            "exhausted",
            "2026-02-21T00:00:00Z"
        )]
    );
    let row = balance(&log, "2026-02-01");
    assert_eq!((row.granted, row.used), (20, 120));
}

#[test]
fn roll_over_brings_what_is_left_of_the_limit_up_to_its_most() {
    let mut allowance = allowance("e", "education", 100, json!("month"));
    allowance["rollover_max_bytes"] = json!(30);
    let mut log = begun(json!([allowance]));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    log.usage("2026-02-10T12:00:00Z", 1, 90);
    log.progress("2026-03-01T00:00:00Z", &[], 1, 90);
    assert_eq!(balance(&log, "2026-03-01").limit, 110);
    // Late bytes of February are not taken from March.
    log.usage_at(1, "2026-03-02T00:00:00Z", "2026-02-11T00:00:00Z", 1, 10);
    assert_eq!(balance(&log, "2026-02-01").used, 100);
    assert_eq!(balance(&log, "2026-03-01").limit, 110);
    log.progress("2026-04-01T00:00:00Z", &[], 2, 100);
    assert_eq!(balance(&log, "2026-04-01").limit, 130);
}

#[test]
fn unknown_bytes_go_to_the_class_that_pays_and_all_takes_every_class_once() {
    let allowances = json!([
        allowance("e", "education", 100, json!("month")),
        allowance("o", "other", 100, json!("month")),
        allowance("a", "all", 100, json!("month")),
    ]);
    let mut log = begun(allowances);
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    for (group, bytes) in [(1, 1), (2, 2), (3, 4), (99, 8)] {
        log.usage("2026-02-10T12:00:00Z", group, bytes);
    }
    let used: Vec<_> = log
        .judge()
        .sim_cycle
        .into_iter()
        .map(|(key, days)| (key.allowance, days.into_values().next_back().unwrap().used))
        .collect();
    assert_eq!(
        used,
        [
            ("a".to_owned(), 15),
            ("e".to_owned(), 1),
            ("o".to_owned(), 10)
        ]
    );
}

#[test]
fn an_opening_is_replaced_by_one_of_a_higher_revision_alone() {
    let mut log = log(100);
    let opening = |bytes: u64, revision: u64| {
        json!({"command": "opening", "sim": sim(1), "allowance": "e", "used_bytes": bytes, "as_of": "2026-02-03",
            "revision": revision})
    };
    log.usage("2026-02-10T12:00:00Z", 1, 5);
    log.command("2026-02-10T12:00:00Z", opening(200, 2));
    assert_eq!(balance(&log, "2026-02-01").used, 205);
    log.command("2026-02-10T12:00:01Z", opening(10, 2));
    assert_eq!(balance(&log, "2026-02-01").used, 205);
    log.command("2026-02-10T12:00:02Z", opening(10, 3));
    assert_eq!(balance(&log, "2026-02-01").used, 15);
    let decided = [
        said(
            "education",
            "block",
            "policy_changed",
            "2026-02-10T12:00:00Z",
        ),
        said(
            "education",
            "allow",
            "policy_changed",
            "2026-02-10T12:00:02Z",
        ),
    ];
    assert_eq!(log.decided(), decided);
}

#[test]
fn a_new_programme_changes_the_limit_of_the_current_cycle_and_keeps_thresholds_that_are_still_reached()
 {
    let mut log = log(100);
    log.usage("2026-02-10T12:00:00Z", 1, 85);
    log.command(
        "2026-02-11T00:00:00Z",
        programme("UTC", json!([cohort(education(160))])),
    );
    let row = balance(&log, "2026-02-01");
    assert_eq!(
        (row.limit, row.thresholds),
        (160, vec![(50, ms("2026-02-10T12:00:00Z"))])
    );
    log.command(
        "2026-02-12T00:00:00Z",
        programme("UTC", json!([cohort(education(85))])),
    );
    let at = ms("2026-02-12T00:00:00Z");
    let row = balance(&log, "2026-02-01");
    assert_eq!(
        row.thresholds,
        [(50, ms("2026-02-10T12:00:00Z")), (80, at), (100, at)]
    );
}

#[test]
fn a_grant_of_a_cohort_is_each_sims_own_and_the_soonest_end_pays_first() {
    let mut log = log(10);
    log.command(
        "2026-02-01T00:00:00Z",
        grant("late", 10, "2026-02-01", "2026-02-28", 1),
    );
    log.command(
        "2026-02-01T00:00:00Z",
        grant("soon", 10, "2026-02-01", "2026-02-15", 1),
    );
    log.usage("2026-02-10T12:00:00Z", 1, 15);
    log.progress("2026-02-15T00:00:00Z", &[], 1, 15);
    let row = balance(&log, "2026-02-01");
    // Five of `soon` are used, and all of `late` is left.
    assert_eq!((row.used, row.granted), (15, 15));
}
