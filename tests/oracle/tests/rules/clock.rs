//! Sections 2, 3 and 12.

use hissa_oracle::{Entry, Kind, Why};
use serde_json::json;

use crate::rig::*;

#[test]
fn a_midnight_is_the_programmes_own() {
    let allowances = json!([allowance("e", "education", 100, json!("day"))]);
    let mut log = begun_with(programme("Africa/Casablanca", json!([cohort(allowances)])));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    log.usage("2026-02-10T12:00:00Z", 1, 100);
    log.progress("2026-02-10T23:30:00Z", &[], 1, 100);
    let reset = said("education", "allow", "reset", "2026-02-10T23:00:00Z");
    assert_eq!(log.decided().last(), Some(&reset));
}

#[test]
fn a_zone_with_an_earlier_date_does_not_bring_yesterday_back() {
    let allowances = json!([allowance("e", "education", 100, json!("day"))]);
    let mut log = begun(allowances.clone());
    log.command("2026-02-10T02:00:00Z", enrol(1, "2026-02-01"));
    log.command(
        "2026-02-10T02:00:00Z",
        programme("America/New_York", json!([cohort(allowances)])),
    );
    log.usage("2026-02-10T03:00:00Z", 1, 1);
    let key = log.judge().sim_day.into_keys().next().unwrap();
    assert_eq!(
        (
            key.usage_day.to_string().as_str(),
            key.booked_day.to_string().as_str()
        ),
        ("2026-02-09", "2026-02-10")
    );
}

#[test]
fn a_zone_with_a_later_date_passes_the_midnight_at_the_command() {
    let allowances = json!([allowance("e", "education", 100, json!("day"))]);
    let mut log = begun(allowances.clone());
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    log.usage("2026-02-10T12:00:00Z", 1, 100);
    log.command(
        "2026-02-10T23:30:00Z",
        programme("Africa/Casablanca", json!([cohort(allowances)])),
    );
    let reset = said("education", "allow", "reset", "2026-02-10T23:30:00Z");
    assert_eq!(log.decided().last(), Some(&reset));
}

#[test]
fn a_block_behind_a_gap_halts_and_one_that_is_known_is_ignored() {
    let mut log = begun(json!([]));
    let findings = log.judge();
    let again = log.entries[0].clone();
    log.entries.push(Entry {
        offset: 10,
        ..again
    });
    assert_eq!(log.judge(), findings);
    let block = json!({"from_rev": 9, "to_rev": 10, "commands": []})
        .to_string()
        .into_bytes();
    log.entries.push(Entry {
        partition: 0,
        offset: 11,
        kind: Kind::Block,
        payload: block,
    });
    let refused = log.try_judge().unwrap_err();
    assert_eq!(refused.offset, 11);
    assert!(
        matches!(refused.why, Why::Halt { rule: "R1", .. }),
        "{refused}"
    );
}

#[test]
fn another_logic_and_a_known_grant_halt() {
    let mut log = begun(json!([]));
    log.command(
        "2026-02-02T00:00:00Z",
        json!({"command": "logic", "version": 2}),
    );
    assert!(matches!(
        log.try_judge().unwrap_err().why,
        Why::Halt { rule: "R2", .. }
    ));
    let mut log = begun(json!([]));
    let grant = json!({"command": "grant", "id": "g", "cohort": "c", "allowance": "e", "bytes": 1,
        "valid_from": "2026-02-01", "valid_until": "2026-02-02", "priority": 0, "donor": "d"});
    log.command("2026-02-02T00:00:00Z", grant.clone());
    log.command("2026-02-02T00:00:00Z", grant);
    assert!(matches!(
        log.try_judge().unwrap_err().why,
        Why::Halt { rule: "T4", .. }
    ));
}

#[test]
fn framing_does_not_matter() {
    let mut log = begun(json!([allowance("e", "education", 100, json!("day"))]));
    log.command("2026-02-01T00:00:00Z", enrol(1, "2026-02-01"));
    for at in [
        "2026-02-10T12:00:00Z",
        "2026-02-10T23:59:59Z",
        "2026-02-12T00:00:00Z",
    ] {
        log.usage(at, 1, 100);
    }
    let decided = log.decided();
    let tail = log.entries.split_off(log.entries.len() - 3);
    let payload = tail
        .iter()
        .flat_map(|entry| entry.payload.clone())
        .collect();
    log.entries.push(Entry {
        payload,
        ..tail[0].clone()
    });
    assert_eq!(log.decided(), decided);
}
