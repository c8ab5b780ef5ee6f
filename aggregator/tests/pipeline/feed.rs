//! What ingest publishes for some tablets, what the core makes of it, and whether the same came out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeBounds;

use hissa_aggregator::restore;
use hissa_aggregator::snapshots::SnapshotStore;
use hissa_aggregator::worker::LogEntry;
use hissa_core::decision::Decision;
use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::shard::{Effects, LOGIC, Shard, ShardConfig};
use hissa_core::sim::{Partitions, SimId};
use hissa_core::wire;

use crate::house::House;
use crate::scene::*;

/// What ingest publishes for some tablets, in two halves, and what the core makes of all of it.
pub struct Feed {
    /// By partition: entries of the first half, of the second.
    pub halves: BTreeMap<u16, [Vec<LogEntry>; 2]>,
    pub bytes: BTreeMap<SimId, u64>,
    pub decisions: BTreeMap<(u16, u64), Decision>,
    pub alerts: BTreeSet<(String, u32)>,
    pub digests: BTreeMap<u16, [u128; 2]>,
}

pub const DAYS: u64 = 6;
/// Tablets use their gigabyte up on the fourth day.
pub const ROW_BYTES: u64 = GB / 40;
pub const ROWS_A_DAY: u64 = 12;

pub fn partitions() -> Partitions {
    Partitions::try_from(4).unwrap()
}

pub fn feed() -> Feed {
    let mut feed = Feed {
        halves: BTreeMap::new(),
        bytes: BTreeMap::new(),
        decisions: BTreeMap::new(),
        alerts: BTreeSet::new(),
        digests: BTreeMap::new(),
    };
    let mut number = 0;
    for (partition, sims) in (0..).zip(sims(60, partitions())) {
        let mut shard = Shard::new(ShardConfig::new(1, partition, partitions().count()));
        let mut offset = 0;
        let mut halves = [vec![block_entry(0, &registry(&sims))], Vec::new()];
        let (mut rows, mut bytes) = (0, 0);
        for day in 0..DAYS {
            let half = &mut halves[usize::from(day >= DAYS / 2)];
            for of_day in 0..ROWS_A_DAY {
                let end = FEBRUARY + day as i64 * DAY + (7 + of_day as i64) * 60 * MINUTE;
                let frame: Vec<_> = sims
                    .iter()
                    .map(|sim| {
                        number += 1;
                        *feed.bytes.entry(*sim).or_default() += ROW_BYTES;
                        row_at(*sim, number, ROW_BYTES, end)
                    })
                    .collect();
                rows += frame.len() as u64;
                bytes += ROW_BYTES * frame.len() as u64;
                offset += 1;
                half.push(rows_entry(offset, &frame));
            }
            offset += 1;
            let as_of = FEBRUARY + (day as i64 + 1) * DAY;
            half.push(progress_entry(offset, number + 1, rows, bytes, as_of));
        }
        let digests = halves.each_ref().map(|half| {
            for entry in half {
                let mut effects = Effects::default();
                let decoded = wire::decode(&entry.kind, &entry.version, &entry.payload).unwrap();
                shard.apply(&decoded, entry.offset, &mut effects).unwrap();
                assert_eq!(effects.discrepancies, []);
                for decision in effects.decisions {
                    let known = (partition, decision.number);
                    feed.decisions.insert(known, decision);
                }
                for alert in effects.alerts {
                    feed.alerts.insert((alert.id, alert.revision));
                }
            }
            shard.digest()
        });
        feed.digests.insert(partition, digests);
        feed.halves.insert(partition, halves);
    }
    assert!(feed.decisions.len() > 60 * 3, "some tablets are throttled");
    assert!(!feed.alerts.is_empty());
    feed
}

impl Feed {
    pub fn publish(&self, house: &House, half: usize, entries: impl RangeBounds<usize> + Clone) {
        for (partition, halves) in &self.halves {
            let range = (entries.start_bound().cloned(), entries.end_bound().cloned());
            house.publish(*partition, &halves[half][range]);
        }
    }

    pub fn end_of(&self, half: usize) -> BTreeMap<u16, u64> {
        self.halves
            .iter()
            .map(|(partition, halves)| (*partition, halves[half].last().unwrap().offset))
            .collect()
    }

    /// Every SIM's bytes, every decision (once or more, the same each time), every alert.
    pub async fn compare(&self, house: &House) {
        let rows = house
            .client()
            .query(
                "SELECT hex(sim), sum(uplink_bytes + downlink_bytes) FROM hissa.sim_day FINAL GROUP BY sim",
            )
            .fetch_all::<(String, u64)>()
            .await
            .unwrap();
        let found: BTreeMap<SimId, u64> = rows
            .into_iter()
            .map(|(sim, bytes)| (sim.to_lowercase().parse().unwrap(), bytes))
            .collect();
        assert_eq!(found, self.bytes);
        let all: u64 = self.bytes.values().sum();
        let by_hour = house
            .client()
            .query(
                "SELECT sum(uplink_bytes + downlink_bytes), uniqExact(hour), uniqExact(partition) FROM hissa.place_hour FINAL",
            )
            .fetch_one::<(u64, u64, u64)>()
            .await
            .unwrap();
        assert_eq!(by_hour, (all, ROWS_A_DAY, self.halves.len() as u64));
        let key = Pseudonymizer::new(KEY);
        let mut sent = BTreeMap::new();
        for (decision, imsi) in house.decisions() {
            assert_eq!(imsi, key.imsi(&decision.sim).unwrap().reveal());
            let known = (decision.partition, decision.number);
            if let Some(before) = sent.insert(known, decision.clone()) {
                assert_eq!(before, decision, "sent again, and another one");
            }
        }
        assert_eq!(sent, self.decisions);
        let alerts: BTreeSet<(String, u32)> = house
            .alerts()
            .into_iter()
            .map(|alert| (alert.id, alert.revision))
            .collect();
        assert_eq!(alerts, self.alerts);
        let in_table = house
            .client()
            .query("SELECT count(), countIf(cause_offset IS NULL) FROM hissa.decision FINAL")
            .fetch_one::<(u64, u64)>()
            .await
            .unwrap();
        let without_cause = self
            .decisions
            .values()
            .filter(|decision| decision.cause.is_none())
            .count();
        assert_eq!(
            in_table,
            (self.decisions.len() as u64, without_cause as u64)
        );
    }

    /// The snapshots on disk are the state that the core has reached.
    pub fn compare_snapshots(&self, house: &House, half: usize) {
        let store = SnapshotStore::new(&house.snapshots(), 1, LOGIC);
        for (partition, digests) in &self.digests {
            let shard = restore::newest(
                &store,
                ShardConfig::new(1, *partition, partitions().count()),
            )
            .unwrap()
            .unwrap();
            assert_eq!(
                shard.applied_offset(),
                Some(self.end_of(half)[partition]),
                "partition {partition}"
            );
            assert_eq!(shard.digest(), digests[half], "partition {partition}");
        }
    }
}
