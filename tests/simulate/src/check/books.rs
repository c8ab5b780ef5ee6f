//! Every row that the carrier delivered has exactly one outcome, or is told to be missing.

use std::collections::BTreeMap;

use hissa_core::sim::Imsi;
use hissa_core::usage::Source;
use serde::Deserialize;

use super::{Differences, Quiet};
use crate::scenario::Scenario;
use crate::world::Ran;

/// Rows and bytes of a source that go to a partition.
type Books = BTreeMap<(Source, u16), (u64, u64)>;

pub fn check(scenario: &Scenario, ran: &Ran, quiets: &[Quiet], differences: &mut Differences) {
    let delivered = delivered(scenario);
    let known = ran.log.furthest();
    for topic in &scenario.topics {
        let stored = known.get(&topic.source).cloned().unwrap_or_default();
        if stored.position != topic.messages.len() as u64 && !topic.messages.is_empty() {
            differences.add(|| {
                format!(
                    "{:?} ends at {}, and ingest at {}",
                    topic.source,
                    topic.messages.len(),
                    stored.position
                )
            });
        }
        for partition in scenario.shape.partitions.numbers() {
            let (rows, bytes) = delivered
                .get(&(topic.source, partition))
                .copied()
                .unwrap_or_default();
            let book = stored
                .books
                .get(usize::from(partition))
                .copied()
                .unwrap_or_default();
            if (book.rows, book.bytes) != (rows, bytes) {
                differences.add(|| format!("{:?} delivered {rows} rows for partition {partition}, and ingest has {book:?}", topic.source));
            }
        }
    }
    for quiet in quiets {
        let partition = quiet.partition;
        let of_partition = delivered.iter().filter(|((_, of), _)| *of == partition);
        let (rows, bytes) = of_partition.fold((0, 0), |sum, (_, of)| (sum.0 + of.0, sum.1 + of.1));
        let found = quiet
            .outcomes
            .values()
            .fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        // What was lost is told, row by row and byte by byte, and nothing else.
        let told = quiet.discrepancies.iter().map(|(_, told)| told);
        let missing = told.fold((0, 0), |sum, told| {
            (
                sum.0 + i128::from(told.promised_rows) - i128::from(told.found_rows),
                sum.1 + i128::from(told.promised_bytes) - i128::from(told.found_bytes),
            )
        });
        let expected = (i128::from(rows) - missing.0, i128::from(bytes) - missing.1);
        if (i128::from(found.0), i128::from(found.1)) != expected {
            differences.add(|| format!("partition {partition} got {rows} rows of {bytes} bytes, misses {missing:?}, and has outcomes for {found:?}"));
        }
    }
}

/// What the carrier delivered, read from its text without ingest: a row a container, a stub for what is no record.
fn delivered(scenario: &Scenario) -> Books {
    let mut books = Books::new();
    for topic in &scenario.topics {
        for message in &topic.messages {
            let text = scenario.text(message);
            if hissa_oracle::why_rejected(text).is_some() {
                books.entry((topic.source, 0)).or_default().0 += 1;
                continue;
            }
            let told: Told = match serde_json::from_slice(text) {
                Ok(Told { containers, .. }) if containers.is_empty() => continue,
                Ok(told) => told,
                Err(why) => unreachable!("a record that the oracle reads: {why}"),
            };
            let Ok(imsi) = Imsi::parse(&told.imsi) else {
                unreachable!("the oracle has read the IMSI");
            };
            let sim = scenario.pseudonyms.sim(&imsi);
            let partition = sim.partition(scenario.shape.partitions);
            let book = books.entry((topic.source, partition)).or_default();
            for container in &told.containers {
                book.0 += 1;
                book.1 += container.uplink_bytes + container.downlink_bytes;
            }
        }
    }
    books
}

/// What is counted of a message; a quiet one has nothing of it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    imsi: String,
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    uplink_bytes: u64,
    downlink_bytes: u64,
}
