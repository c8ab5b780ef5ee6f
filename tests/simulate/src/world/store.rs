//! Snapshots: under a name that says partition and offset, whole or torn; the newest few are kept.

use std::collections::BTreeMap;

use hissa_core::shard::{Shard, ShardConfig};
use xxhash_rust::xxh3::xxh3_128;

use super::Surroundings;

/// How many of a partition are kept.
const KEPT: usize = 4;

/// All snapshots.
#[derive(Default)]
pub struct Store {
    kept: BTreeMap<(u16, u64), Vec<u8>>,
    /// Of every one that was ever stored whole: the hash of its bytes.
    pub ever: BTreeMap<(u16, u64), u128>,
    /// Each time that one was stored: partition, offset, tick.
    pub stored: Vec<(u16, u64, u64)>,
}

impl Store {
    /// The newest one that is whole, of those that are not among the newest `back`.
    pub fn newest(&self, config: ShardConfig, back: u32) -> Option<Box<Shard>> {
        let partition = config.partition;
        let of_partition = self
            .kept
            .range((partition, 0)..=(partition, u64::MAX))
            .rev();
        let mut whole = of_partition.filter_map(|((_, offset), bytes)| {
            let shard = Shard::restore(bytes, config).ok()?;
            (shard.applied_offset() == Some(*offset)).then(|| Box::new(shard))
        });
        whole.nth(back as usize)
    }

    fn prune(&mut self, partition: u16) {
        let of_partition = self.kept.range((partition, 0)..=(partition, u64::MAX));
        let offsets: Vec<u64> = of_partition.map(|((_, offset), _)| *offset).collect();
        for offset in offsets.iter().rev().skip(KEPT) {
            self.kept.remove(&(partition, *offset));
        }
    }
}

impl Surroundings<'_> {
    /// Stores a snapshot, whole or torn.
    pub fn store_snapshot(
        &mut self,
        partition: u16,
        offset: u64,
        mut bytes: Vec<u8>,
        is_whole: bool,
    ) {
        let name = (partition, offset);
        let tick = self.tick();
        if is_whole {
            let hash = xxh3_128(&bytes);
            self.digest.update(&hash.to_le_bytes());
            self.store.stored.push((partition, offset, tick));
            let first = *self.store.ever.entry(name).or_insert(hash);
            if first != hash {
                self.violated(format!(
                    "two owners of partition {partition} have other states at offset {offset}"
                ));
            }
        } else {
            let cut = self.dice(offset).place(bytes.len());
            bytes.truncate(cut);
            // A whole one under this name stays.
            if self.store.kept.contains_key(&name) {
                return;
            }
        }
        self.store.kept.insert(name, bytes);
        self.store.prune(partition);
    }
}
