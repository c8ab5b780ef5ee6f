//! Section 10.

use serde_json::{Value, json};

use crate::rig::*;

fn log(bytes: u64) -> Log {
    let mut log = begun(json!([allowance("e", "education", bytes, json!("month"))]));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    log
}

#[test]
fn eighty_percent_fires_and_both_resolve_when_the_next_cycle_begins() {
    let mut log = log(100);
    log.usage("2026-02-11T00:00:00Z", 1, 80);
    log.usage("2026-02-12T12:00:00Z", 1, 20);
    log.progress("2026-03-01T00:00:00Z", &[], 2, 100);
    let march = "2026-03-01T00:00:00Z";
    assert_eq!(
        log.alerted("SimQuota80"),
        changed(&[("fire", "2026-02-11T00:00:00Z"), ("resolve", march)])
    );
    assert_eq!(
        log.alerted("SimExhausted"),
        changed(&[("fire", "2026-02-12T12:00:00Z"), ("resolve", march)])
    );
    let alert = &log.alerts("SimQuota80")[0];
    assert_eq!(alert.id, format!("SimQuota80/{}/2026-02-01", sim(1)));
    assert!(alert.cause.is_some());
    // 80 bytes in 10 days: the 20 that are left last for 2 and a half.
    let details = json!({"sim": sim(1), "cohort": "c", "school": "s", "allowance": "e", "cycle": "2026-02-01",
        "limit_bytes": 100, "granted_bytes": 0, "used_bytes": 80, "resets_at_ms": ms(march), "resets_on": "2026-03-01",
        "runs_out_on": "2026-02-13", "state": "block"});
    assert_eq!(alert.details, details);
}

#[test]
fn one_row_that_finds_both_says_exhausted_alone() {
    let mut log = log(100);
    log.usage("2026-02-11T00:00:00Z", 1, 100);
    let grant = json!({"command": "grant", "id": "g", "cohort": "c", "allowance": "e", "bytes": 100,
        "valid_from": "2026-02-01", "valid_until": "2026-03-01", "priority": 0, "donor": "d"});
    log.command("2026-02-12T00:00:00Z", grant);
    log.usage("2026-02-13T00:00:00Z", 1, 70);
    assert_eq!(log.alerted("SimQuota80"), []);
    let changes = [
        ("fire", "2026-02-11T00:00:00Z"),
        ("resolve", "2026-02-12T00:00:00Z"),
    ];
    assert_eq!(log.alerted("SimExhausted"), changed(&changes));
}

/// Every clock hour from 08:00 to 18:00 of these days of February.
fn hear(log: &mut Log, days: std::ops::RangeInclusive<u32>) {
    for day in days {
        let hours: Vec<String> = (8..18)
            .map(|hour| format!("2026-02-{day:02}T{hour:02}:00:00Z"))
            .collect();
        let heard: Vec<&str> = hours.iter().map(String::as_str).collect();
        log.progress(&hours[9], &heard, 0, 0);
    }
}

#[test]
fn ten_school_days_without_use_are_idle_and_use_resolves() {
    let mut log = log(100);
    // Sunday 1 and 8 February are no school days: the tenth one is Thursday the 12th.
    hear(&mut log, 1..=12);
    assert_eq!(log.alerted("TabletIdle"), []);
    log.progress("2026-02-13T00:00:00Z", &[], 0, 0);
    let fired = ("fire", "2026-02-13T00:00:00Z");
    assert_eq!(log.alerted("TabletIdle"), changed(&[fired]));
    assert_eq!(
        log.alerts("TabletIdle")[0].id,
        format!("TabletIdle/{}/2026-02-13", sim(1))
    );
    // Use of before the last day counted is no news.
    log.usage_at(1, "2026-02-13T12:00:00Z", "2026-02-11T12:00:00Z", 1, 1);
    assert_eq!(log.alerted("TabletIdle"), changed(&[fired]));
    log.usage_at(1, "2026-02-13T12:00:00Z", "2026-02-12T12:00:00Z", 2, 1);
    assert_eq!(
        log.alerted("TabletIdle"),
        changed(&[fired, ("resolve", "2026-02-13T12:00:00Z")])
    );
    assert_eq!(
        log.alerts("TabletIdle")[1].details["last_used_on"],
        "2026-02-12"
    );
}

#[test]
fn deaf_days_do_not_count() {
    let mut log = log(100);
    hear(&mut log, 1..=5);
    log.progress(
        "2026-02-06T18:00:00Z",
        &["2026-02-06T08:00:00Z", "2026-02-06T09:00:00Z"],
        0,
        0,
    );
    hear(&mut log, 7..=12);
    log.progress("2026-02-13T00:00:00Z", &[], 0, 0);
    assert_eq!(log.alerted("TabletIdle"), []);
    hear(&mut log, 13..=13);
    log.progress("2026-02-14T00:00:00Z", &[], 0, 0);
    assert_eq!(
        log.alerted("TabletIdle"),
        changed(&[("fire", "2026-02-14T00:00:00Z")])
    );
}

fn moved(log: &mut Log, id: u64, at: &str, imei: &str) {
    let mut record = record(1, id, at);
    record["imei"] = json!(imei);
    record["containers"] = json!([container(at, at, 1, 1), container(at, at, 2, 1)]);
    log.record(at, &record);
}

#[test]
fn the_second_record_with_another_device_fires_and_the_enrolled_one_resolves() {
    let mut log = log(100);
    moved(&mut log, 11, "2026-02-10T12:00:00Z", "86000000000001");
    assert_eq!(log.alerted("SimMoved"), []);
    moved(&mut log, 12, "2026-02-11T12:00:00Z", "86000000000001");
    moved(&mut log, 13, "2026-02-12T12:00:00Z", "86000099000002");
    moved(&mut log, 14, "2026-02-13T12:00:00Z", IMEI);
    let changes = [
        ("fire", "2026-02-11T12:00:00Z"),
        ("update", "2026-02-12T12:00:00Z"),
        ("resolve", "2026-02-13T12:00:00Z"),
    ];
    assert_eq!(log.alerted("SimMoved"), changed(&changes));
    let alerts = log.alerts("SimMoved");
    assert_eq!(alerts[1].id, format!("SimMoved/{}/2026-02-11", sim(1)));
    assert_eq!(
        (
            &alerts[0].details["device_tac"],
            &alerts[1].details["device_tac"]
        ),
        (&json!(86_000_000), &json!(86_000_099))
    );
}

#[test]
fn a_tablet_of_the_same_type_is_no_accusation() {
    let mut log = log(100);
    for id in 1..4 {
        moved(&mut log, id, "2026-02-10T12:00:00Z", "35209912999999");
    }
    assert_eq!(log.alerted("SimMoved"), []);
}

#[test]
fn sharing_fires_at_the_row_and_ends_after_seven_days() {
    let mut log = log(100 * GB);
    log.usage("2026-02-10T12:00:00Z", 2, 2 * GB);
    log.usage("2026-02-10T13:00:00Z", 2, 1);
    log.usage("2026-02-11T13:00:00Z", 2, 3 * GB);
    log.progress("2026-02-20T00:00:00Z", &[], 3, 5 * GB + 1);
    let changes = [
        ("fire", "2026-02-10T13:00:00Z"),
        ("update", "2026-02-11T13:00:00Z"),
        // The 12th to the 18th have ended without one.
        ("resolve", "2026-02-19T00:00:00Z"),
    ];
    assert_eq!(log.alerted("PossibleSharing"), changed(&changes));
}

#[test]
fn conflicts_of_an_hour_are_one_alert() {
    let mut log = log(100);
    let at = "2026-02-10T12:10:00Z";
    for bytes in 1..=4 {
        let mut record = record(1, 1, at);
        record["containers"] = json!([container(at, at, 1, bytes)]);
        log.record(at, &record);
    }
    log.usage("2026-02-10T15:00:00Z", 1, 1);
    let changes = [("fire", at), ("update", "2026-02-10T13:00:00Z")];
    assert_eq!(log.alerted("RecordConflict"), changed(&changes));
    let hour = ms("2026-02-10T12:00:00Z");
    let update = log.alerts("RecordConflict").remove(1);
    assert_eq!(update.id, format!("RecordConflict/pgw-1/0/{hour}"));
    assert_eq!(
        update.details,
        json!({"feed": "pgw-1", "hour_at_ms": hour, "records": 3})
    );
}

#[test]
fn a_grant_that_ends_with_much_left_is_told_seven_days_before() {
    let mut log = log(100);
    let grant: Value = json!({"command": "grant", "id": "g", "sim": sim(1), "allowance": "e", "bytes": 100,
        "valid_from": "2026-02-01", "valid_until": "2026-02-20", "priority": 0, "donor": "d"});
    log.command("2026-02-02T00:00:00Z", grant);
    log.usage("2026-02-10T12:00:00Z", 1, 169);
    log.usage("2026-02-14T12:00:00Z", 1, 1);
    let changes = [
        ("fire", "2026-02-13T00:00:00Z"),
        ("resolve", "2026-02-14T12:00:00Z"),
    ];
    assert_eq!(log.alerted("GrantExpiring"), changed(&changes));
    let details = json!({"sim": sim(1), "cohort": "c", "school": "s", "grant": "g", "donor": "d", "given_bytes": 100,
        "left_bytes": 31, "valid_until": "2026-02-20"});
    assert_eq!(log.alerts("GrantExpiring")[0].details, details);
}
