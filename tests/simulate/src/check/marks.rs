//! Moments at which an owner said that all up to an offset is done: snapshots and rows of `freshness`.

use std::collections::HashMap;

use hissa_core::shard::Shard;
use xxhash_rust::xxh3::xxh3_128;

use super::{Differences, Quiet};
use crate::quick::Quick;
use crate::world::Ran;
use crate::world::clickhouse::Key;

/// Such a moment.
#[derive(Clone, Copy)]
struct Mark {
    offset: u64,
    tick: u64,
    is_snapshot: bool,
}

/// The marks of a partition by offset, and the rows that must have been there.
pub struct Marks {
    marks: Vec<Mark>,
    next: usize,
    /// The least tick of `1 << n` marks from a place on, by n.
    least: Vec<Vec<u64>>,
    /// The version of a row, and the first mark that it must stand before.
    rows: HashMap<Key, (u64, usize), Quick>,
}

impl Marks {
    pub fn new(ran: &Ran, partition: u16) -> Marks {
        let snapshots = ran
            .store
            .stored
            .iter()
            .map(|(of, offset, tick)| (*of, *offset, *tick, true));
        let freshness = &ran.clickhouse.freshness;
        let freshness = freshness
            .iter()
            .map(|(of, row, tick)| (*of, row.offset, *tick, false));
        let ours = snapshots
            .chain(freshness)
            .filter(|(of, ..)| *of == partition);
        let mut marks: Vec<Mark> = ours
            .map(|(_, offset, tick, is_snapshot)| Mark {
                offset,
                tick,
                is_snapshot,
            })
            .collect();
        marks.sort_by_key(|mark| mark.offset);
        Marks {
            least: least(&marks),
            marks,
            next: 0,
            rows: HashMap::default(),
        }
    }

    /// Whether the next mark stands at this offset.
    pub fn is_at(&self, offset: u64) -> bool {
        self.marks
            .get(self.next)
            .is_some_and(|mark| mark.offset == offset)
    }

    /// A row has changed by the next mark.
    pub fn changed(
        &mut self,
        ran: &Ran,
        partition: u16,
        key: &Key,
        version: u64,
        differences: &mut Differences,
    ) {
        let next = self.next;
        let before = match self.rows.get_mut(key) {
            Some(row) => Some(std::mem::replace(row, (version, next))),
            None => self.rows.insert(key.clone(), (version, next)),
        };
        if let Some(before) = before {
            self.check_row(ran, partition, key, before, next, differences);
        }
    }

    /// The state at the next mark, which is passed.
    pub fn check_state(
        &mut self,
        shard: &Shard,
        ran: &Ran,
        partition: u16,
        differences: &mut Differences,
    ) {
        let mark = self.marks[self.next];
        self.next += 1;
        let offset = mark.offset;
        if mark.is_snapshot {
            let is_known = self.next > 1
                && self.marks[self.next - 2].offset == offset
                && self.marks[self.next - 2].is_snapshot;
            if !is_known
                && ran.store.ever.get(&(partition, offset)) != Some(&xxh3_128(&shard.snapshot()))
            {
                differences.add(|| {
                    format!("the snapshot of partition {partition} at offset {offset} is not the state of one who read quietly")
                });
            }
            return;
        }
        let here = (shard.clock_ms(), shard.booked_day());
        for (of, freshness, tick) in &ran.clickhouse.freshness {
            let told = (Some(freshness.clock_ms), Some(freshness.open_booked_day));
            if (*of, *tick) == (partition, mark.tick) && told != here {
                differences.add(|| {
                    format!("freshness of partition {partition}: {freshness:?}, but {here:?}")
                });
            }
        }
    }

    /// All rows, as of the marks that are left for them.
    pub fn check_end(&mut self, ran: &Ran, partition: u16, differences: &mut Differences) {
        if let Some(mark) = self.marks.get(self.next) {
            differences.add(|| {
                format!(
                    "a mark of partition {partition} speaks of offset {}, which is not in the log",
                    mark.offset
                )
            });
        }
        for (key, row) in &self.rows {
            self.check_row(ran, partition, key, *row, self.next, differences);
        }
    }

    /// A version of a row must have been there before the marks `first..end` were made.
    fn check_row(
        &self,
        ran: &Ran,
        partition: u16,
        key: &Key,
        row: (u64, usize),
        end: usize,
        differences: &mut Differences,
    ) {
        let (version, first) = row;
        let Some(count) = end.checked_sub(first).filter(|count| *count > 0) else {
            return;
        };
        let level = count.ilog2() as usize;
        let least = self.least[level][first].min(self.least[level][end - (1 << level)]);
        let versions = ran.clickhouse.rows.get(&(partition, key.clone()));
        let arrived = versions
            .into_iter()
            .flatten()
            .filter(|row| row.version >= version)
            .map(|row| row.tick)
            .min();
        if arrived.is_none_or(|arrived| arrived > least) {
            let offset = self.marks[first].offset;
            differences.add(|| format!("a snapshot or freshness at or behind offset {offset} stood before version {version} of {key:?}"));
        }
    }
}

fn least(marks: &[Mark]) -> Vec<Vec<u64>> {
    let mut least: Vec<Vec<u64>> = vec![marks.iter().map(|mark| mark.tick).collect()];
    let mut width = 1;
    while width * 2 <= marks.len() {
        let last = &least[least.len() - 1];
        let pairs = last.iter().zip(&last[width..]);
        least.push(pairs.map(|(a, b)| *a.min(b)).collect());
        width *= 2;
    }
    least
}

/// What a snapshot's state caused was acknowledged before it was stored.
pub fn check_acknowledged(ran: &Ran, quiet: &Quiet, differences: &mut Differences) {
    let partition = quiet.partition;
    let stored = ran.store.stored.iter().filter(|(of, ..)| *of == partition);
    let mut stored: Vec<(u64, u64)> = stored.map(|(_, offset, tick)| (*offset, *tick)).collect();
    stored.sort_unstable();
    // Of all snapshots from here on, the one that was stored first.
    for place in (1..stored.len()).rev() {
        stored[place - 1].1 = stored[place - 1].1.min(stored[place].1);
    }
    let first_stored = |offset: u64| {
        let place = stored.partition_point(|(stored, _)| *stored < offset);
        stored.get(place).map_or(u64::MAX, |(_, tick)| *tick)
    };
    for (decision, (_, tick)) in quiet
        .decisions
        .iter()
        .zip(&ran.outlet.decisions[usize::from(partition)])
    {
        if *tick > first_stored(decision.offset) {
            differences.add(|| {
                format!(
                    "decision {} of partition {partition} came behind a snapshot of its state",
                    decision.number
                )
            });
        }
    }
    for alert in &quiet.alerts {
        let arrived = ran.outlet.alerts.get(&(alert.id.clone(), alert.revision));
        if arrived.is_some_and(|(_, tick)| *tick > first_stored(alert.offset)) {
            differences.add(|| {
                format!(
                    "{} {} came behind a snapshot of its state",
                    alert.id, alert.revision
                )
            });
        }
    }
}
