//! How many rows a second the aggregator takes from a preloaded `hissa.usage` into ClickHouse.
//!
//! `cargo run --release -p hissa-aggregator --example rate -- [thousands of rows] [rows of a frame]`

// A measurement, not a part of the service: what fails ends it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_possible_wrap
)]

#[path = "../tests/scene/house.rs"]
mod house;
#[path = "../tests/scene/mod.rs"]
mod scene;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hissa_core::sim::Partitions;
use house::House;
use scene::*;

const TABLETS: u64 = 4_640;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().unwrap());
    let rows = arguments.next().unwrap_or(1_500) * 1_000;
    let frame_rows = usize::try_from(arguments.next().unwrap_or(500)).unwrap();
    let mut house = House::build(Partitions::SMALL).await;
    house.config.flush_every_ms = 1_000;
    let ends = preload(&house, rows, frame_rows);
    eprintln!("{rows} rows are in the log");

    let before = (
        cpu_seconds(std::process::id()),
        cpu_seconds(house.clickhouse_pid()),
    );
    let began = Instant::now();
    let running = house.start();
    let mut shown = Instant::now();
    while !house.is_fresh(&ends).await {
        if shown.elapsed() > Duration::from_secs(5) {
            shown = Instant::now();
            eprintln!("{:.0} s …", began.elapsed().as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    let after = (
        cpu_seconds(std::process::id()),
        cpu_seconds(house.clickhouse_pid()),
    );
    let written = house
        .client()
        .query("SELECT sum(rows) FROM system.parts WHERE database = 'hissa' AND active")
        .fetch_one::<u64>()
        .await
        .unwrap_or_default();
    let drained = Instant::now();
    running.stop().await;
    println!(
        "{rows} rows in {seconds:.1} s: {:.0} rows/s, start and last flush counted in; {written} rows in ClickHouse's parts;\n\
         CPU seconds: aggregator {:.1}, ClickHouse {:.1}; drain {:.1} s",
        rows as f64 / seconds,
        after.0 - before.0,
        after.1 - before.1,
        drained.elapsed().as_secs_f64(),
    );
}

/// Tablets use the network day by day, some forty rows a day each, in the order of delivery.
fn preload(house: &House, rows: u64, frame_rows: usize) -> BTreeMap<u16, u64> {
    let by_partition = sims(TABLETS, Partitions::SMALL);
    let mut ends = BTreeMap::new();
    for (partition, sims) in (0..).zip(by_partition) {
        let share = rows * sims.len() as u64 / TABLETS;
        let mut entries = vec![block_entry(0, &registry(&sims))];
        let mut frame = Vec::with_capacity(frame_rows);
        for number in 0..share {
            let sim = sims[usize::try_from(number).unwrap() % sims.len()];
            // 38 days, whatever the number of rows.
            let end = FEBRUARY + (u128::from(number) * 38 * DAY as u128 / u128::from(share)) as i64;
            let mut row = row_at(sim, number, 1_000_000, end);
            row.rating_group = (if number % 5 == 0 { 99 } else { 4101 }).into();
            frame.push(row);
            if frame.len() == frame_rows || number + 1 == share {
                entries.push(rows_entry(entries.len() as u64, &frame));
                frame.clear();
            }
        }
        let through = FEBRUARY + 39 * DAY;
        entries.push(progress_entry(
            entries.len() as u64,
            share + 1,
            share,
            share * 1_000_000,
            through,
        ));
        house.publish(partition, &entries);
        ends.insert(partition, entries.len() as u64 - 1);
    }
    ends
}

/// User and system time of a process, from `/proc`.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let behind_name = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    // utime and stime are the fields 14 and 15, in hundredths of a second.
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}
