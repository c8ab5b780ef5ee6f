//! Whole feeds: the same bytes for the same scenario, the planted truths, every kind of outcome.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod planted;
mod shapes;
mod small;

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
