//! Prints how the planted truths of a scenario came out: `cargo run --release -p hissa-carrier --example figures -- 212`
//! (a seed, and optionally a number of pupils).

#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::collections::BTreeMap;
use std::time::Instant;

use hissa_carrier::truth::{Flag, Truth};
use hissa_carrier::{PUPILS, Scenario, generate};

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|n| n.parse::<u32>().ok());
    let seed = numbers.next().unwrap_or(212);
    let scenario = Scenario {
        pupils: numbers.next().unwrap_or(PUPILS),
        ..Scenario::full(u64::from(seed))
    };
    let begun = Instant::now();
    match generate(&scenario) {
        Ok(mut generated) => {
            let rehearsed = begun.elapsed();
            let bytes: usize = generated.feed.by_ref().map(|m| m.payload.len()).sum();
            let truth = generated.feed.into_truth();
            let took = begun.elapsed();
            println!("rehearsed in {rehearsed:.1?}, generated {bytes} bytes in {took:.1?}");
            print(&truth);
        }
        Err(why) => println!("{why}"),
    }
}

fn print(truth: &Truth) {
    println!("{} messages, {} rows", truth.messages, truth.received_rows);
    for (outcome, reason, rows, _) in truth.outcomes() {
        let share = rows as f64 / truth.received_rows as f64 * 100.0;
        println!("  {outcome:12} {reason:15} {rows:9} {share:8.4} %");
    }
    for planted in &truth.planted {
        println!("{planted:#?}");
    }
    println!("{:?}", truth.parts);
    for grant in &truth.grants {
        let share = grant.used_bytes as f64 / grant.given_bytes.max(1) as f64;
        println!("{grant:?}: {share:.3}");
    }
    println!("lost {}, {:?}", truth.lost_records, truth.nodes);
    let mut flags: BTreeMap<Flag, (u64, u64)> = BTreeMap::new();
    for day in &truth.flag_days {
        let sum = flags.entry(day.flag).or_default();
        *sum = (sum.0 + day.rows, sum.1 + day.bytes);
    }
    println!("{flags:?}");
    let mut alerts: BTreeMap<String, u64> = BTreeMap::new();
    for alert in &truth.alerts {
        *alerts
            .entry(format!("{:?} {:?}", alert.kind, alert.change))
            .or_default() += 1;
    }
    println!(
        "{alerts:#?}\n{} hours with conflicts",
        truth.conflicts.len()
    );
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for decision in &truth.decisions {
        *reasons
            .entry(format!("{:?} {:?}", decision.reason, decision.class))
            .or_default() += 1;
    }
    println!("{reasons:#?}");
}
