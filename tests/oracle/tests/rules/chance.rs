//! Logs made by chance: nothing breaks, and what must not matter does not.

use hissa_oracle::{Entry, Findings, Kind};
use serde_json::{Value, json};

use crate::numbers::Chance;
use crate::rig::*;

impl Chance {
    fn day(&mut self, around: u64, before: u64, behind: u64) -> String {
        date((around + self.below(before + behind)).saturating_sub(before))
    }
}

/// Days are counted from 2026-01-01.
fn date(day: u64) -> String {
    let first = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    (first + chrono::Days::new(day)).to_string()
}

fn time(minute: u64) -> String {
    format!(
        "{}T{:02}:{:02}:00Z",
        date(minute / 1440),
        minute / 60 % 24,
        minute % 60
    )
}

fn a_programme(chance: &mut Chance, day: u64) -> Value {
    let scopes = ["education", "other", "all", "education"];
    let periods = [
        json!("day"),
        json!("week"),
        json!("month"),
        json!("term"),
        json!({"days": 5}),
    ];
    let actions = [
        json!({"action": "block"}),
        json!({"action": "throttle", "kbit_s": 512}),
        json!({"action": "throttle", "kbit_s": 64}),
        json!({"action": "notify"}),
    ];
    let mut cohorts = Vec::new();
    for id in ["c", "d"] {
        let mut allowances = Vec::new();
        for number in 0..chance.below(4) {
            let bytes = chance.of(&[0, 50, 200, 1000]);
            let mut allowance = allowance(
                &format!("a{number}"),
                chance.of(&scopes),
                bytes,
                chance.of(&periods),
            );
            allowance["on_exhausted"] = chance.of(&actions);
            allowance["rollover_max_bytes"] = json!(chance.of(&[0, 30]));
            allowances.push(allowance);
        }
        let enforce_from = if chance.one_in(4) {
            Value::Null
        } else {
            json!(chance.day(day, 10, 10))
        };
        cohorts.push(json!({"id": id, "enforce_from": enforce_from, "allowances": allowances,
            "thresholds": [50, 80, 100], "restore_over_ms": 600_000,
            "breaker": {"share_permille": chance.of(&[0, 300, 1000]), "at_least": chance.of(&[0, 2])}}));
    }
    let zone = chance.of(&[
        "Africa/Casablanca",
        "Africa/Casablanca",
        "UTC",
        "Asia/Kolkata",
        "America/New_York",
    ]);
    let mut programme = programme(zone, json!(cohorts));
    programme["closes_after_days"] = json!(chance.of(&[0, 3, 7, 40]));
    programme
}

fn a_command(chance: &mut Chance, day: u64, number: u64) -> Value {
    let name = sim(u8::try_from(1 + chance.below(6)).unwrap());
    match chance.below(12) {
        0 | 1 => a_programme(chance, day),
        2 => {
            let first = day.saturating_sub(chance.below(20));
            let entries = json!([
                {"kind": "term", "from": date(first), "to": date(first + 8)},
                {"kind": "term", "from": date(first + 12), "to": date(first + 30)},
                {"kind": "exam", "from": date(day + chance.below(3)), "to": date(day + 3), "opens": ["education"]},
                {"kind": "break", "from": date(day), "to": date(day + chance.below(3)), "cohorts": ["c"]},
            ]);
            json!({"command": "calendar", "entries": entries})
        }
        3 => json!({"command": "retire", "sim": name, "at": chance.day(day, 3, 3)}),
        4 => {
            json!({"command": "opening", "sim": name, "allowance": format!("a{}", chance.below(3)),
            "used_bytes": chance.below(300), "as_of": chance.day(day, 9, 3), "revision": 1 + chance.below(4)})
        }
        5 | 6 => {
            let (from, days) = (day + chance.below(4), 1 + chance.below(12));
            let mut grant = json!({"command": "grant", "id": format!("g{number}"), "allowance": format!("a{}",
                chance.below(3)), "bytes": 1 + chance.below(200), "valid_from": date(from.saturating_sub(2)),
                "valid_until": date(from + days), "priority": chance.below(2), "donor": "d"});
            let to_cohort = chance.one_in(2);
            grant[if to_cohort { "cohort" } else { "sim" }] =
                if to_cohort { json!("c") } else { json!(name) };
            grant
        }
        7 => {
            json!({"command": "breaker", "action": chance.of(&["release", "drop"]), "cohort": "c"})
        }
        8 => json!({"command": "feed", "id": "pgw-1", "future_tolerance_ms": 300_000,
            "counter": chance.of(&["delta", "cumulative32", "cumulative64"])}),
        _ => {
            let mut enrol = enrol(
                u8::try_from(1 + chance.below(6)).unwrap(),
                &chance.day(day, 20, 4),
            );
            enrol["cohort"] = json!(chance.of(&["c", "c", "d", "nowhere"]));
            if chance.one_in(3) {
                enrol["valid_until"] = json!(date(day + 5 + chance.below(5)));
            }
            enrol
        }
    }
}

fn a_record(chance: &mut Chance, minute: u64) -> Value {
    let opened = time(minute.saturating_sub(chance.of(&[0, 60, 4000, 90_000])));
    let mut record = record(
        u8::try_from(1 + chance.below(6)).unwrap(),
        1 + chance.below(9),
        &opened,
    );
    record["record_sequence"] = json!(chance.below(6));
    if chance.one_in(9) {
        record["imei"] = json!("86000000000001");
    }
    let containers: Vec<Value> = (0..1 + chance.below(3))
        .map(|_| {
            let end = (minute + chance.of(&[0, 0, 3, 9]))
                .saturating_sub(chance.of(&[0, 10, 3000, 20_000]));
            let start = end.saturating_sub(chance.below(20));
            container(
                &time(start),
                &time(end),
                1 + u32::try_from(chance.below(4)).unwrap(),
                chance.below(150),
            )
        })
        .collect();
    record["containers"] = json!(containers);
    record
}

/// A log by chance, and for each entry that may be published again, that one.
fn a_log(seed: u64) -> Log {
    let mut chance = Chance::new(seed);
    let mut minute = 60 * 24 * 40;
    let mut log = Log::default();
    log.command(&time(minute), json!({"command": "logic", "version": 1}));
    if chance.one_in(2) {
        let programme = a_programme(&mut chance, minute / 1440);
        log.command(&time(minute), programme);
    }
    log.command(&time(minute), catalogue());
    for number in 0..60 + chance.below(60) {
        minute += chance.of(&[0, 1, 20, 300, 1440]);
        if chance.one_in(5) {
            let command = a_command(&mut chance, minute / 1440, number);
            log.command(&time(minute), command);
        } else {
            let record = a_record(&mut chance, minute);
            log.record(&time(minute), &record);
        }
    }
    log.progress(&time(minute + 20_000), &[], 0, 0);
    log
}

/// Without what tells of entries.
fn without_offsets(mut findings: Findings) -> Findings {
    for decision in findings.decisions.values_mut().flatten() {
        decision.offset = 0;
        if let Some(cause) = &mut decision.cause {
            (cause.offset, cause.row) = (0, 0);
        }
    }
    for change in findings.alerts.values_mut().flatten() {
        change.offset = 0;
        if let Some(cause) = &mut change.cause {
            (cause.offset, cause.row) = (0, 0);
        }
    }
    for discrepancy in &mut findings.discrepancies {
        discrepancy.offset = 0;
    }
    findings
}

#[test]
fn neither_framing_nor_publishing_again_matters() {
    for seed in 0..400 {
        let mut log = a_log(seed);
        let expected = without_offsets(log.judge());
        let mut chance = Chance::new(seed + 1_000_000);
        let mut framed: Vec<Entry> = Vec::new();
        for entry in std::mem::take(&mut log.entries) {
            let again: Option<Entry> = framed
                .iter()
                .rev()
                .find(|old| old.kind == Kind::Rows)
                .cloned();
            match framed.last_mut() {
                Some(last)
                    if last.kind == Kind::Rows && entry.kind == Kind::Rows && chance.one_in(2) =>
                {
                    last.payload.extend(&entry.payload);
                }
                _ => framed.push(entry),
            }
            if chance.one_in(6) {
                framed.extend(again);
            }
        }
        for (offset, entry) in (0..).zip(&mut framed) {
            entry.offset = offset;
        }
        log.entries = framed;
        let differences = hissa_oracle::compare(&expected, &without_offsets(log.judge()));
        assert!(differences.is_empty(), "seed {seed}: {}", differences[0]);
    }
}

#[test]
fn every_row_that_does_not_come_again_has_one_outcome_and_numbers_have_no_gap() {
    for seed in 1000..1400 {
        let log = a_log(seed);
        let findings = log.judge();
        let rows: u64 = findings
            .outcome_day
            .values()
            .map(|rows| rows.cell.records)
            .sum();
        let all: usize = log
            .entries
            .iter()
            .filter(|entry| entry.kind == Kind::Rows)
            .map(|entry| entry.payload.len() / 180)
            .sum();
        assert_eq!(rows, u64::try_from(all).unwrap());
        for (number, decision) in (1..).zip(findings.decisions.values().flatten()) {
            assert_eq!(decision.number, number);
        }
    }
}

#[test]
fn logs_by_chance_are_not_empty_of_what_is_tried() {
    let mut seen = std::collections::BTreeMap::<String, u64>::new();
    for seed in 0..400 {
        let findings = a_log(seed).judge();
        for decision in findings.decisions.values().flatten() {
            *seen
                .entry(format!("{} {}", decision.reason, decision.action))
                .or_default() += 1;
        }
        for change in findings.alerts.values().flatten() {
            *seen
                .entry(format!("{} {}", change.kind, change.change))
                .or_default() += 1;
        }
        for (key, rows) in &findings.outcome_day {
            *seen
                .entry(format!("{} {}", key.outcome, key.reason))
                .or_default() += rows.cell.records;
        }
        for (key, rows) in &findings.flag_day {
            *seen.entry(key.flag.clone()).or_default() += rows.cell.records;
        }
    }
    println!("{seen:#?}");
    for what in [
        "exhausted block",
        "reset allow",
        "granted allow",
        "calendar allow",
        "retired block",
        "released block",
        "SimQuota80 fire",
        "SimExhausted resolve",
        "GrantExpiring fire",
        "OrdersHeld update",
        "RecordConflict fire",
        "SimMoved fire",
        "late ",
        "held ",
        "quarantined conflict",
        "leaked_education",
        "reset",
    ] {
        assert!(seen.contains_key(what), "{what} is never tried");
    }
}
