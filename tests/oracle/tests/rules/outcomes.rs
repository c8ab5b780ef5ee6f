//! Sections 4, 6 and 13, and leaks.

use serde_json::{Value, json};

use crate::rig::*;

const NOON: &str = "2026-02-10T12:00:00Z";

fn log() -> Log {
    let mut log = begun(json!([allowance(
        "e",
        "education",
        20 * GB,
        json!("month")
    )]));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-01-01"));
    log
}

fn outcomes(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter()
        .map(|(name, rows)| ((*name).to_owned(), *rows))
        .collect()
}

#[test]
fn a_carriers_repeat_is_a_duplicate_and_an_ingests_repeat_is_nothing() {
    let mut log = log();
    let mut record = record(1, 7, NOON);
    record["containers"] = json!([container(NOON, NOON, 1, 5), container(NOON, NOON, 2, 6)]);
    let first = log.record(NOON, &record);
    log.rows(NOON, first, 2, 0);
    assert_eq!(log.outcomes(), outcomes(&[("counted", 2)]));
    log.record(NOON, &record);
    assert_eq!(
        log.outcomes(),
        outcomes(&[("counted", 2), ("duplicate", 2)])
    );
    record["containers"][0]["downlink_bytes"] = json!(99);
    log.record(NOON, &record);
    let all = [
        ("counted", 2),
        ("duplicate", 3),
        ("quarantined conflict", 1),
    ];
    assert_eq!(log.outcomes(), outcomes(&all));
}

#[test]
fn a_stub_counts_one_row_and_no_bytes() {
    let mut log = log();
    let offset = log.stub(NOON, b"{", 1);
    log.rows(NOON, offset, 1, 1);
    assert_eq!(log.outcomes(), outcomes(&[("rejected malformed_json", 1)]));
}

#[test]
fn a_stub_of_a_record_that_can_be_read_is_told() {
    let mut log = log();
    let mut record = record(1, 7, NOON);
    record["containers"] = json!([container(NOON, NOON, 1, 5)]);
    log.stub(NOON, record.to_string().as_bytes(), 2);
    assert!(log.try_judge().is_err());
}

#[test]
fn an_opening_46_days_ago_is_too_old_and_one_45_days_ago_is_not() {
    let mut log = log();
    for (id, opened) in [(1, "2025-12-27T23:59:59Z"), (2, "2025-12-26T23:59:59Z")] {
        let mut record = record(1, id, opened);
        record["containers"] = json!([container(NOON, NOON, 1, 5)]);
        log.record(NOON, &record);
    }
    assert_eq!(
        log.outcomes(),
        outcomes(&[("counted", 1), ("quarantined too_old", 1)])
    );
}

#[test]
fn a_resend_is_a_duplicate_while_it_is_remembered_and_too_old_after_that() {
    let mut log = log();
    let opened = "2026-02-10T00:00:00Z";
    let mut record = record(1, 1, opened);
    record["containers"] = json!([container(NOON, NOON, 1, 5)]);
    log.record(NOON, &record);
    // 10 February and 53 days are 4 April: on that day it is past.
    log.record("2026-04-03T23:59:59Z", &record);
    log.record("2026-04-04T00:00:00Z", &record);
    let all = [("counted", 1), ("duplicate", 1), ("quarantined too_old", 1)];
    assert_eq!(log.outcomes(), outcomes(&all));
}

#[test]
fn a_row_from_the_future_is_not_seen_so_that_a_plausible_resend_counts() {
    let mut log = log();
    log.command(
        NOON,
        json!({"command": "feed", "id": "pgw-1", "future_tolerance_ms": 1000}),
    );
    let (end, delivered) = ("2026-02-10T12:00:02Z", "2026-02-10T12:00:01Z");
    let mut record = record(1, 1, NOON);
    record["containers"] = json!([container(NOON, end, 1, 5)]);
    log.record(NOON, &record);
    log.record(delivered, &record);
    assert_eq!(
        log.outcomes(),
        outcomes(&[("counted", 1), ("quarantined future", 1)])
    );
}

#[test]
fn february_closes_on_8_march() {
    let mut log = log();
    log.usage_at(1, "2026-03-07T23:59:59Z", NOON, 1, 5);
    log.usage_at(1, "2026-03-08T00:00:00Z", NOON, 1, 7);
    assert_eq!(log.outcomes(), outcomes(&[("counted", 1), ("late", 1)]));
    let findings = log.judge();
    let february = findings
        .sim_cycle
        .iter()
        .find(|(key, _)| key.cycle_start.to_string() == "2026-02-01");
    assert_eq!(february.unwrap().1.values().next_back().unwrap().used, 5);
    assert_eq!(
        findings
            .place_hour
            .values()
            .map(|cell| cell.down)
            .sum::<u64>(),
        12
    );
}

#[test]
fn a_container_closed_at_midnight_belongs_to_the_day_that_ended() {
    let mut log = log();
    let midnight = "2026-02-11T00:00:00Z";
    let mut record = record(1, 1, NOON);
    record["containers"] = json!([
        container(NOON, midnight, 1, 5),
        container(midnight, midnight, 1, 6)
    ]);
    log.record(midnight, &record);
    let days: Vec<_> = log
        .judge()
        .sim_day
        .into_iter()
        .map(|(key, cell)| (key.usage_day.to_string(), cell.cell.down))
        .collect();
    assert_eq!(
        days,
        [("2026-02-10".to_owned(), 5), ("2026-02-11".to_owned(), 6)]
    );
    let booked: Vec<_> = log
        .judge()
        .sim_day
        .into_keys()
        .map(|key| key.booked_day.to_string())
        .collect();
    assert_eq!(booked, ["2026-02-11", "2026-02-11"]);
}

fn reading(sequence: u32, down: u64) -> Value {
    let mut record = record(1, 1, NOON);
    record["record_sequence"] = json!(sequence);
    record["counter"] = json!("cumulative32");
    record["containers"] = json!([container(NOON, NOON, 1, down)]);
    record
}

#[test]
fn readings_of_a_counter_count_by_their_rise_and_books_count_them_raw() {
    let mut log = log();
    for (sequence, down) in [
        (1, 4_294_967_000),
        (2, 500),
        (3, 400),
        (4, 4_294_967_295),
        (1, 9),
    ] {
        log.record(NOON, &reading(sequence, down));
    }
    let findings = log.judge();
    // The last one has the first one's identity, with other bytes.
    let all = [("counted", 4), ("quarantined conflict", 1)];
    assert_eq!(log.outcomes(), outcomes(&all));
    let bytes: u64 = findings.sim_day.values().map(|cell| cell.cell.down).sum();
    assert_eq!(bytes, 4_294_967_000 + 796 + 400);
    let flags: Vec<_> = findings
        .flag_day
        .into_iter()
        .map(|(key, cell)| (key.flag, cell.cell.records, cell.cell.bytes))
        .collect();
    let flag = |name: &str, bytes| (name.to_owned(), 1, bytes);
    assert_eq!(
        flags,
        [flag("reset", 400), flag("sentinel", 0), flag("wrap", 796)]
    );
    let raw: u64 = findings
        .outcome_day
        .values()
        .map(|cell| cell.cell.bytes)
        .sum();
    assert_eq!(raw, 4_294_967_000 + 500 + 400 + 4_294_967_295 + 9);
}

#[test]
fn bytes_half_an_hour_behind_a_block_are_leaked() {
    let mut log = log();
    log.usage(NOON, 1, 20 * GB);
    log.usage("2026-02-10T12:30:00Z", 1, 1);
    log.usage("2026-02-10T12:30:01Z", 1, 2);
    log.usage("2026-02-10T12:30:02Z", 2, 4);
    let flags: Vec<_> = log
        .judge()
        .flag_day
        .into_iter()
        .map(|(key, cell)| (key.flag, cell.cell.bytes))
        .collect();
    assert_eq!(flags, [("leaked_education".to_owned(), 2)]);
}

#[test]
fn books_that_differ_are_reported_once() {
    let mut log = log();
    log.usage(NOON, 1, 5);
    log.progress(NOON, &[], 1, 5);
    log.progress(NOON, &[], 2, 9);
    log.progress(NOON, &[], 2, 9);
    let discrepancies = log.judge().discrepancies;
    assert_eq!(discrepancies.len(), 1);
    assert_eq!(
        (discrepancies[0].told_rows, discrepancies[0].found_bytes),
        (2, 5)
    );
}
