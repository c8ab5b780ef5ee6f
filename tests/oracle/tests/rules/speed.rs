//! How fast the oracle is. A simulator runs it on seeds of 20,000 rows, ten thousand times.

use std::time::Instant;

use serde_json::json;

use crate::rig::*;

#[test]
#[ignore = "a measurement: cargo test --release -p hissa-oracle -- --ignored --nocapture"]
fn two_hundred_thousand_rows_a_second() {
    let allowances = json!([
        allowance("e", "education", 100_000, json!("month")),
        allowance("o", "other", 20_000, json!("day")),
        allowance("a", "all", 500_000, json!("week")),
    ]);
    let mut log = begun_with(programme("Africa/Casablanca", json!([cohort(allowances)])));
    for last in 1..=200 {
        log.command("2026-02-01T00:00:00Z", enrol(last, "2026-01-15"));
    }
    let records = 5_000_u32;
    for id in 0..records {
        let minutes = id * 10;
        let (day, hour, minute) = (2 + minutes / 1440, minutes / 60 % 24, minutes % 60);
        let (month, day) = if day > 28 { (3, day - 28) } else { (2, day) };
        let at = format!(
            "2026-{month:02}-{:02}T{hour:02}:{minute:02}:00Z",
            day.min(28)
        );
        let last = u8::try_from(id % 200 + 1).unwrap();
        let mut record = record(last, u64::from(id), &at);
        let container = |group: u32| container(&at, &at, group, 1000);
        record["containers"] = json!([container(1), container(2), container(3), container(9)]);
        log.record(&at, &record);
    }
    let began = Instant::now();
    let findings = log.judge();
    let took = began.elapsed();
    let rows = u64::from(records) * 4;
    println!(
        "{rows} rows in {took:?}: {} rows/s",
        u128::from(rows) * 1_000_000 / took.as_micros().max(1)
    );
    println!(
        "{} decisions, {} days",
        findings.decisions.values().map(Vec::len).sum::<usize>(),
        findings.sim_day.len()
    );
}
