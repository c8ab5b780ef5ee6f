//! What the whole demo plants, at seed 212 in full size: every figure within a tenth of its target.

use std::sync::LazyLock;

use hissa_carrier::truth::{Flag, Planted, Truth};
use hissa_carrier::{Date, Scenario};

use super::{date, run};

/// The whole window, made once for all tests here.
pub static WHOLE: LazyLock<Truth> = LazyLock::new(|| run(&Scenario::full(212)).2);

pub fn within(tolerance: f64, figures: &[(&str, f64, f64)]) {
    let far = |(_, found, target): &&(&str, f64, f64)| (found / target - 1.0).abs() > tolerance;
    let far: Vec<_> = figures.iter().filter(far).collect();
    assert!(far.is_empty(), "what, found, target: {far:#?}");
}

fn february() -> &'static Planted {
    let of = |planted: &&Planted| planted.month == date("2026-02-01");
    WHOLE.planted.iter().find(of).unwrap()
}

#[test]
fn february_of_the_pupils_has_its_figures() {
    let february = february();
    assert_eq!(
        february.sims,
        1_500 + 9,
        "the nine that came in the middle of it too"
    );
    within(
        0.1,
        &[
            ("zero share", february.zero_share, 0.22),
            ("never activated", february.never_activated_share, 0.04),
            (
                "zero in Guercif",
                february.province_zero_share["02.265"],
                0.27,
            ),
            (
                "zero in Sidi Bennour",
                february.province_zero_share["06.467"],
                0.11,
            ),
            (
                "median in Guercif",
                february.province_median_gb["02.265"],
                1.2,
            ),
            ("median", february.median_gb, 2.4),
            (
                "median in Sidi Bennour",
                february.province_median_gb["06.467"],
                3.5,
            ),
            ("Gini", february.gini.unwrap(), 0.60),
            ("top 5 %", february.top_5_percent_share, 0.22),
            ("exhausted", february.exhausted_share, 0.045),
        ],
    );
}

#[test]
fn the_parts_that_a_few_play_come_out() {
    let parts = &WHOLE.parts;
    let gift = &WHOLE.grants[0];
    within(
        0.1,
        &[
            ("rows", WHOLE.received_rows as f64, 2e6),
            ("repairs", parts.moved_repairs as f64, 23.0),
            ("phones", parts.moved_phones as f64, 11.0),
            ("routers", parts.moved_routers as f64, 4.0),
            ("hotspots", parts.hotspots as f64, 22.0),
            ("roaming", parts.roaming as f64, 6.0),
            ("replaced", parts.replaced as f64, 9.0),
            ("leaking", parts.leaking as f64, 40.0),
            (
                "gift",
                gift.used_bytes as f64 / gift.given_bytes as f64,
                0.62,
            ),
        ],
    );
}

fn flagged(flag: Flag) -> u64 {
    WHOLE
        .flag_days
        .iter()
        .filter(|f| f.flag == flag)
        .map(|f| f.rows)
        .sum()
}

#[test]
fn dirt_has_its_shares() {
    let rows = WHOLE.received_rows as f64;
    let of = |outcome: &str, reason: &str| {
        let sum = |(o, r, rows, _): (String, String, u64, u64)| {
            if o == outcome && (reason.is_empty() || r == reason) {
                rows
            } else {
                0
            }
        };
        WHOLE.outcomes().into_iter().map(sum).sum::<u64>() as f64
    };
    let records = (WHOLE.messages - WHOLE.nodes.iter().map(|n| n.repeated).sum::<u64>()) as f64;
    // What was exported a second time came in the night behind.
    let repeats: [Date; 2] = [date("2026-02-06"), date("2026-03-13")];
    let single = |duplicates: bool| {
        let days = WHOLE
            .outcome_days
            .iter()
            .filter(|d| !repeats.contains(&d.booked_day));
        let days = days.filter(|d| !duplicates || d.outcome.as_str() == "duplicate");
        days.map(|d| d.rows).sum::<u64>() as f64
    };
    within(
        0.2,
        &[
            ("redelivered", single(true) / single(false), 0.008),
            ("conflicts", of("quarantined", "conflict") / rows, 1e-4),
            ("malformed", of("rejected", "") / rows, 5e-4),
            (
                "ahead: an hour, a day, ten years",
                of("quarantined", "future") / rows,
                3.0 / 5_000.0,
            ),
            ("unknown", of("held", "") / rows, 0.004),
            ("missing", WHOLE.lost_records as f64 / records, 5e-4),
            (
                "counters that begin anew",
                flagged(Flag::Reset) as f64,
                12.0,
            ),
        ],
    );
    assert!(flagged(Flag::Wrap) >= 12 && flagged(Flag::Sentinel) >= 12);
    let again = WHOLE
        .outcome_days
        .iter()
        .filter(|d| repeats.contains(&d.booked_day));
    let again = again
        .filter(|d| d.outcome.as_str() == "duplicate")
        .map(|d| d.rows);
    assert!(again.min().unwrap() > 20_000, "whole days came again");
    let missing: u64 = WHOLE.nodes.iter().map(|n| n.missing).sum();
    assert!(
        missing >= WHOLE.lost_records,
        "and what is broken or still on its way"
    );
}
