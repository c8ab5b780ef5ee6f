//! Whole feeds: the same bytes for the same scenario, the planted truths, every kind of outcome.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use hissa_carrier::truth::{AlertKind, Change, Reason};
use hissa_carrier::{Date, Dirt, Scenario, Truth, generate};

/// A digest of all messages and their times (FNV-1a), their number, and the truth.
fn run(scenario: &Scenario) -> (u64, u64, Truth) {
    let mut generated = generate(scenario).unwrap();
    let (mut digest, mut messages) = (0xcbf2_9ce4_8422_2325_u64, 0);
    let mut last_ms = i64::MIN;
    for message in generated.feed.by_ref() {
        assert!(message.delivered_at_ms >= last_ms, "stamps never fall");
        assert_eq!(message.delivered_at_ms % 900_000, 0, "drops of 15 minutes");
        last_ms = message.delivered_at_ms;
        messages += 1;
        for byte in message
            .payload
            .iter()
            .chain(&message.delivered_at_ms.to_le_bytes())
        {
            digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    (digest, messages, generated.feed.into_truth())
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn the_same_scenario_gives_the_same_bytes_and_the_same_truth() {
    let first = run(&Scenario::small(212));
    assert_eq!(first, run(&Scenario::small(212)));
    assert_ne!(first.0, run(&Scenario::small(213)).0);
}

#[test]
fn a_feed_ends_with_a_quiet_message_and_nothing_is_delivered_on_the_day_behind_it() {
    let scenario = Scenario {
        fed_to: date("2026-02-20"),
        ..Scenario::small(5)
    };
    let mut messages: Vec<_> = generate(&scenario).unwrap().feed.collect();
    let quiet = messages.pop().unwrap();
    let text = String::from_utf8(quiet.payload).unwrap();
    assert_eq!(text, "{\"quiet_until\":\"2026-02-21T00:15:00Z\"}");
    let midnight = scenario.zone().midnight(date("2026-02-21"));
    assert_eq!(quiet.delivered_at_ms, midnight);
    assert!(
        messages
            .iter()
            .all(|message| message.delivered_at_ms < midnight)
    );
}

#[test]
fn every_outcome_reason_and_alert_occurs_ten_times_even_in_a_small_feed() {
    for seed in [1, 2, 3, 212] {
        let (_, messages, truth) = run(&Scenario::small(seed));
        assert!(
            (50_000..110_000).contains(&truth.received_rows),
            "{} rows",
            truth.received_rows
        );
        assert_eq!(
            truth.messages + 1,
            messages,
            "one of them is the quiet message"
        );
        let outcomes: BTreeMap<(String, String), u64> = truth
            .outcomes()
            .into_iter()
            .map(|(outcome, reason, rows, _)| ((outcome, reason), rows))
            .collect();
        // Four without a reason, three quarantined, eight rejected.
        assert_eq!(outcomes.len(), 15, "seed {seed}: {outcomes:?}");
        assert!(
            outcomes.values().all(|rows| *rows >= 10),
            "seed {seed}: {outcomes:?}"
        );
        for kind in [AlertKind::SimQuota80, AlertKind::SimExhausted] {
            for change in [Change::Fire, Change::Resolve] {
                let count = truth
                    .alerts
                    .iter()
                    .filter(|a| a.kind == kind && a.change == change)
                    .count();
                assert!(count >= 10, "seed {seed}: {kind:?} {change:?} {count}");
            }
        }
        for reason in [
            Reason::Enrolled,
            Reason::EnforcementStarted,
            Reason::Exhausted,
            Reason::Reset,
        ] {
            let count = truth
                .decisions
                .iter()
                .filter(|d| d.reason == reason)
                .count();
            assert!(count >= 10, "seed {seed}: {reason:?} {count}");
        }
    }
}

#[test]
fn a_clean_feed_is_counted_and_nothing_else() {
    let (_, _, truth) = run(&Scenario {
        dirt: Dirt::None,
        ..Scenario::small(3)
    });
    assert_eq!(truth.rows_of("counted"), truth.received_rows);
}

#[test]
fn the_last_sixty_days_work_in_any_year() {
    let today = date("2026-11-24");
    let scenario = Scenario {
        pupils: 75,
        ..Scenario::last_60_days(4, today)
    };
    let (_, _, truth) = run(&scenario);
    assert!(truth.clock_ms < scenario.zone().midnight(today));
    assert!(truth.rows_of("late") >= 10 && truth.rows_of("held") >= 10);
}

#[test]
fn the_planted_truths_come_out_within_a_tenth() {
    let (_, _, truth) = run(&Scenario::demo(212));
    let within = |what: &str, found: f64, target: f64| {
        assert!(
            (found / target - 1.0).abs() <= 0.1,
            "{what}: {found}, expected {target}"
        );
    };
    within("rows", truth.received_rows as f64, 1.3e6);
    let february = truth
        .planted
        .iter()
        .find(|p| p.month == date("2026-02-01"))
        .unwrap();
    assert_eq!(february.sims, 1_500);
    within("zero share", february.zero_share, 0.22);
    within("median", february.median_gb, 2.4);
    within(
        "median in Guercif",
        february.province_median_gb["02.265"],
        1.2,
    );
    within(
        "median in Sidi Bennour",
        february.province_median_gb["06.467"],
        3.5,
    );
    within("Gini", february.gini.unwrap(), 0.60);
    within("top 5 %", february.top_5_percent_share, 0.22);
    within("exhausted", february.exhausted_share, 0.045);
    let share = |class: &str, enforced: bool| {
        let bytes = |only: Option<&str>| {
            let cells = truth
                .sim_days
                .iter()
                .filter(|cell| (cell.usage_day >= date("2026-02-08")) == enforced);
            let cells = cells.filter(|cell| only.is_none_or(|class| cell.class.as_str() == class));
            cells
                .map(|cell| cell.uplink_bytes + cell.downlink_bytes)
                .sum::<u64>() as f64
        };
        bytes(Some(class)) / bytes(None)
    };
    within(
        "education before enforcement",
        share("education", false),
        0.64,
    );
    assert!(share("other", false) > 0.12 && share("other", true) < 0.015);
}
