//! A small feed shows everything that can happen, often enough to be tested.

use std::collections::BTreeMap;

use hissa_carrier::truth::{AlertKind, Change, Reason, Truth};
use hissa_carrier::{RegistryFile, Scenario, generate};

use super::{date, run};

fn at_least_ten<K: Ord + std::fmt::Debug>(what: &str, found: impl Iterator<Item = K>, kinds: &[K]) {
    let mut counts: BTreeMap<K, u64> = BTreeMap::new();
    for kind in found {
        *counts.entry(kind).or_default() += 1;
    }
    for kind in kinds {
        let count = counts.get(kind).copied().unwrap_or_default();
        assert!(count >= 10, "{what}: {kind:?} {count} times: {counts:?}");
    }
}

fn everything_occurs(truth: &Truth, seed: u64) {
    let what = format!("seed {seed}");
    let outcomes: BTreeMap<(String, String), u64> = truth
        .outcomes()
        .into_iter()
        .map(|(outcome, reason, rows, _)| ((outcome, reason), rows))
        .collect();
    // Four without a reason, three quarantined, eight rejected.
    assert_eq!(outcomes.len(), 15, "{what}: {outcomes:?}");
    assert!(
        outcomes.values().all(|rows| *rows >= 10),
        "{what}: {outcomes:?}"
    );

    let flags = truth
        .flag_days
        .iter()
        .flat_map(|f| (0..f.rows).map(|_| f.flag.as_str()));
    let kinds = [
        "sentinel",
        "late_reading",
        "wrap",
        "reset",
        "leaked_education",
        "leaked_other",
    ];
    at_least_ten(&what, flags, &kinds);

    let reasons = truth.decisions.iter().map(|decision| decision.reason);
    let kinds = [
        Reason::Enrolled,
        Reason::EnforcementStarted,
        Reason::Exhausted,
        Reason::Reset,
        Reason::Granted,
        Reason::Retired,
    ];
    at_least_ten(&what, reasons, &kinds);

    let fired = truth
        .alerts
        .iter()
        .filter(|a| a.change == Change::Fire)
        .map(|a| a.kind);
    let kinds = [
        AlertKind::SimQuota80,
        AlertKind::SimExhausted,
        AlertKind::TabletIdle,
        AlertKind::SimMoved,
        AlertKind::PossibleSharing,
    ];
    at_least_ten(&what, fired, &kinds);
    let resolved = truth.alerts.iter().filter(|a| a.change == Change::Resolve);
    let kinds = [
        AlertKind::SimQuota80,
        AlertKind::SimExhausted,
        AlertKind::PossibleSharing,
    ];
    at_least_ten(&what, resolved.map(|a| a.kind), &kinds);
    assert!(truth.conflicts.len() >= 10, "{what}: hours with conflicts");
    assert!(
        truth.lost_records >= 10,
        "{what}: {} lost",
        truth.lost_records
    );
}

#[test]
fn every_outcome_flag_reason_and_alert_occurs_ten_times() {
    for seed in [1, 2, 3, 7, 212, 1_447] {
        let (_, messages, truth) = run(&Scenario::small(seed));
        let rows = truth.received_rows;
        assert!((50_000..110_000).contains(&rows), "{rows} rows");
        assert_eq!(
            truth.messages + 1,
            messages,
            "one of them is the quiet message"
        );
        everything_occurs(&truth, seed);
    }
}

#[test]
fn grants_expire_in_the_whole_window() {
    let scenario = Scenario {
        pupils: 75,
        ..Scenario::full(212)
    };
    let (_, _, truth) = run(&scenario);
    everything_occurs(&truth, 212);
    let expiring = truth
        .alerts
        .iter()
        .filter(|a| a.kind == AlertKind::GrantExpiring);
    at_least_ten(
        "the gift",
        expiring.map(|a| a.change),
        &[Change::Fire, Change::Resolve],
    );
    let ends = scenario.zone().midnight(date("2026-03-21"));
    let cut = truth
        .decisions
        .iter()
        .filter(|d| d.at_ms == ends && d.reason == Reason::Exhausted);
    assert!(cut.count() >= 10, "the end of the gift cuts");
}

#[test]
fn nobody_is_idle_because_the_feed_was_silent() {
    let (_, _, truth) = run(&Scenario::small(212));
    // The tenth school day is 12 February; 24 February was deaf, so that a row that began behind it is a day longer.
    let fired = |on: &str| {
        let of_day = |a: &&hissa_carrier::truth::AlertChange| {
            (a.kind, a.change, a.of.as_str()) == (AlertKind::TabletIdle, Change::Fire, on)
        };
        truth.alerts.iter().filter(of_day).count()
    };
    assert!(fired("2026-02-13") >= 10);
    assert_eq!(fired("2026-02-25"), 0, "a deaf day makes nobody idle");
}

#[test]
fn what_a_replaced_sim_had_used_is_entered_with_the_new_one() {
    let generated = generate(&Scenario::small(212)).unwrap();
    let mut again = Vec::new();
    let mut replacements = 0;
    for event in &generated.events {
        match &event.file {
            RegistryFile::Replacement(replacement) => {
                replacements += 1;
                assert_eq!(replacement.row.valid_from, replacement.on);
                assert_ne!(replacement.row.imsi, replacement.old_imsi);
                assert_eq!(replacement.openings.len(), 3, "education, other, system");
                assert!(replacement.openings.iter().all(|o| o.revision == 1));
                again.extend(replacement.openings.clone());
            }
            RegistryFile::Openings(openings) => {
                for opening in openings {
                    assert_eq!(opening.revision, 2);
                    let first = again
                        .iter()
                        .find(|o| (&o.imsi, &o.allowance) == (&opening.imsi, &opening.allowance));
                    assert!(first.unwrap().used_bytes <= opening.used_bytes);
                }
            }
            _ => {}
        }
    }
    assert_eq!(replacements, 12);
    assert!(
        again
            .iter()
            .any(|opening| opening.used_bytes > 1_000_000_000)
    );
}
