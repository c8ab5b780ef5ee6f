//! Which partitions are ours, where each one stands, and which are paused: bookkeeping without Kafka.

use std::collections::{BTreeMap, BTreeSet};

/// The partitions that are assigned.
#[derive(Debug, Default)]
pub struct Positions {
    /// Assigned and restored: the next offset to read.
    open: BTreeMap<u16, u64>,
    /// Assigned, and not restored yet.
    opening: BTreeSet<u16>,
    /// Threads whose partitions are paused, for they have enough to do.
    paused: BTreeSet<usize>,
}

/// From so many bytes of entries on, a thread gets no more; below so many, it does again. A pause costs a fetch, so the
/// two lie apart.
pub const BACKLOG_HIGH: usize = 24 << 20;
/// See [`BACKLOG_HIGH`].
pub const BACKLOG_LOW: usize = 6 << 20;

impl Positions {
    /// The group has assigned these partitions, and no others.
    pub fn assigned(&mut self, partitions: &[u16]) {
        self.open.clear();
        self.opening = partitions.iter().copied().collect();
    }

    /// The group has taken all partitions back.
    pub fn revoked(&mut self) {
        self.open.clear();
        self.opening.clear();
    }

    /// A shard is restored. False if the partition is not ours any more.
    pub fn opened(&mut self, partition: u16, from: u64) -> bool {
        let ours = self.opening.remove(&partition);
        if ours {
            self.open.insert(partition, from);
        }
        ours
    }

    /// A shard reads no further. True if it was read.
    pub fn halted(&mut self, partition: u16) -> bool {
        self.opening.remove(&partition);
        self.open.remove(&partition).is_some()
    }

    /// An entry was handed over. False if nobody waits for it.
    pub fn passed(&mut self, partition: u16, offset: u64) -> bool {
        match self.open.get_mut(&partition) {
            Some(next) => {
                *next = offset + 1;
                true
            }
            None => false,
        }
    }

    /// What is to be read, from where.
    pub fn open(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.open
            .iter()
            .map(|(partition, next)| (*partition, *next))
    }

    /// Whether the thread is to be paused (`Some(true)`) or resumed (`Some(false)`) now.
    pub fn pressure(&mut self, thread: usize, backlog: usize) -> Option<bool> {
        if backlog >= BACKLOG_HIGH && self.paused.insert(thread) {
            Some(true)
        } else if backlog <= BACKLOG_LOW && self.paused.remove(&thread) {
            Some(false)
        } else {
            None
        }
    }

    /// Whether the thread is paused.
    pub fn is_paused(&self, thread: usize) -> bool {
        self.paused.contains(&thread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(positions: &Positions) -> Vec<(u16, u64)> {
        positions.open().collect()
    }

    #[test]
    fn a_partition_is_read_only_after_its_shard_is_restored() {
        let mut positions = Positions::default();
        positions.assigned(&[1, 2]);
        assert_eq!(open(&positions), []);
        assert!(
            !positions.passed(1, 0),
            "an entry before the shard is there"
        );
        assert!(positions.opened(1, 7));
        assert!(positions.passed(1, 7));
        assert_eq!(open(&positions), [(1, 8)]);
        assert!(positions.opened(2, 0));
        assert_eq!(open(&positions), [(1, 8), (2, 0)]);
    }

    #[test]
    fn a_shard_that_is_restored_too_late_is_not_read() {
        let mut positions = Positions::default();
        positions.assigned(&[1]);
        positions.revoked();
        assert!(!positions.opened(1, 7));
        positions.assigned(&[2]);
        assert!(!positions.opened(1, 7));
        assert_eq!(open(&positions), []);
    }

    #[test]
    fn a_halted_shard_is_not_read_any_more() {
        let mut positions = Positions::default();
        positions.assigned(&[1, 2]);
        positions.opened(1, 0);
        positions.opened(2, 0);
        assert!(positions.halted(1));
        assert!(!positions.passed(1, 0));
        assert_eq!(open(&positions), [(2, 0)]);
    }

    #[test]
    fn a_thread_is_paused_at_the_high_mark_and_resumed_at_the_low_one() {
        let mut positions = Positions::default();
        for (backlog, expected) in [
            (BACKLOG_HIGH - 1, None),
            (BACKLOG_HIGH, Some(true)),
            (BACKLOG_HIGH + 1, None),
            (BACKLOG_LOW + 1, None),
            (BACKLOG_LOW, Some(false)),
            (0, None),
        ] {
            assert_eq!(positions.pressure(0, backlog), expected, "{backlog}");
        }
    }
}
