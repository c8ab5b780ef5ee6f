//! The order of deliveries, apart from Kafka and from the network: which change is news, which may go now, and how far
//! a partition is done.
//!
//! An alert lives in one partition, so that its changes come in order; a change goes only when no other of its alert
//! is under way. Offsets are committed up to the first change that is not done: a restart sends the rest again, under
//! the same ids. The revisions already sent are learnt by reading the partition from its start, so that a `fire` from
//! an owner that was paused is recognised behind the `resolve` of the new one, also after a restart.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use hissa_core::alert::AlertChange;
use sha2::{Digest as _, Sha256};

/// A change on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivery {
    partition: i32,
    /// Which assignment of the partition it belongs to.
    assignment: u64,
    offset: i64,
    pub change: AlertChange,
}

/// What a change is to the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It will be delivered.
    Queued,
    /// It was delivered before the service was started.
    History,
    /// A revision that is not above the last one known of its alert.
    Outdated,
    /// Of a partition that is not ours (any more).
    Foreign,
}

#[derive(Default)]
pub(crate) struct Desk {
    concurrency_max: usize,
    assignments: u64,
    partitions: BTreeMap<i32, Partition>,
    waiting: VecDeque<Delivery>,
    under_way: HashSet<AlertKey>,
}

struct Partition {
    assignment: u64,
    /// Below it, everything was delivered: what the group has committed.
    committed: i64,
    /// Behind the last change that was read.
    read_to: i64,
    /// Changes that are not delivered: when they were appended (UTC milliseconds), by offset.
    open: BTreeMap<i64, i64>,
    revisions: HashMap<AlertKey, u32>,
}

/// 16 bytes in the place of an id of some 60.
type AlertKey = [u8; 16];

fn key(change: &AlertChange) -> AlertKey {
    let mut key = AlertKey::default();
    key.copy_from_slice(&Sha256::digest(&change.id)[..16]);
    key
}

impl Desk {
    /// A desk that has so many changes under way at once.
    pub(crate) fn new(concurrency_max: usize) -> Desk {
        Desk {
            concurrency_max,
            ..Desk::default()
        }
    }

    /// A partition is ours, and will be read from its start.
    pub(crate) fn assign(&mut self, partition: i32, committed: i64) {
        self.revoke(partition);
        self.assignments += 1;
        let state = Partition {
            assignment: self.assignments,
            committed,
            read_to: 0,
            open: BTreeMap::new(),
            revisions: HashMap::new(),
        };
        self.partitions.insert(partition, state);
    }

    /// A partition is no longer ours: what waits is the new owner's, what is under way goes unnoticed.
    pub(crate) fn revoke(&mut self, partition: i32) {
        self.partitions.remove(&partition);
        self.waiting
            .retain(|delivery| delivery.partition != partition);
    }

    /// A change was read, in the order of its partition.
    pub(crate) fn read(
        &mut self,
        partition: i32,
        offset: i64,
        appended_at_ms: i64,
        change: AlertChange,
    ) -> News {
        let Some(state) = self.partitions.get_mut(&partition) else {
            return News::Foreign;
        };
        state.read_to = offset + 1;
        let last = state.revisions.entry(key(&change)).or_default();
        let newer = change.revision > *last;
        *last = change.revision.max(*last);
        if offset < state.committed {
            return News::History;
        }
        if !newer {
            return News::Outdated;
        }
        state.open.insert(offset, appended_at_ms);
        self.waiting.push_back(Delivery {
            partition,
            assignment: state.assignment,
            offset,
            change,
        });
        News::Queued
    }

    /// The next change that may go, if any.
    pub(crate) fn start(&mut self) -> Option<Delivery> {
        if self.under_way.len() >= self.concurrency_max {
            return None;
        }
        let free = |delivery: &Delivery| !self.under_way.contains(&key(&delivery.change));
        let place = self.waiting.iter().position(free)?;
        let delivery = self.waiting.remove(place)?;
        self.under_way.insert(key(&delivery.change));
        Some(delivery)
    }

    /// A change is done: delivered, or refused for good.
    pub(crate) fn finish(&mut self, delivery: &Delivery) {
        self.under_way.remove(&key(&delivery.change));
        if let Some(state) = self.partitions.get_mut(&delivery.partition)
            && state.assignment == delivery.assignment
        {
            state.open.remove(&delivery.offset);
        }
    }

    /// Partitions that are done further than was committed, with the offset to commit; they count as committed now.
    pub(crate) fn commit(&mut self) -> Vec<(i32, i64)> {
        let mut advanced = Vec::new();
        for (partition, state) in &mut self.partitions {
            let done = match state.open.first_key_value() {
                Some((offset, _)) => *offset,
                None => state.read_to,
            };
            if done > state.committed {
                state.committed = done;
                advanced.push((*partition, done));
            }
        }
        advanced
    }

    /// How many changes are not done.
    pub(crate) fn open(&self) -> usize {
        self.partitions.values().map(|state| state.open.len()).sum()
    }

    /// When the oldest of them was appended (UTC milliseconds).
    pub(crate) fn oldest_ms(&self) -> Option<i64> {
        let oldest = |state: &Partition| state.open.values().min().copied();
        self.partitions.values().filter_map(oldest).min()
    }
}

#[cfg(test)]
mod tests {
    use hissa_core::alert::{AlertKind, Change};

    use super::*;
    use crate::samples::change;

    /// The change `revision` of the alert `id`.
    fn of(id: &str, revision: u32) -> AlertChange {
        AlertChange {
            id: id.into(),
            revision,
            ..change(AlertKind::SimExhausted, Change::Fire)
        }
    }

    #[test]
    fn a_revision_that_is_not_above_the_last_one_is_no_news() {
        let mut desk = Desk::new(8);
        desk.assign(0, 2);
        // Delivered before the restart: fired and resolved. Then the paused owner's fire, again, and a real one.
        let table = [
            (0, "a", 1, News::History),
            (1, "a", 2, News::History),
            (2, "a", 1, News::Outdated),
            (3, "a", 2, News::Outdated),
            (4, "b", 1, News::Queued),
            (5, "a", 3, News::Queued),
            (6, "b", 1, News::Outdated),
        ];
        for (offset, id, revision, expected) in table {
            assert_eq!(
                desk.read(0, offset, 0, of(id, revision)),
                expected,
                "{offset}"
            );
        }
        assert_eq!(desk.open(), 2);
        assert_eq!(desk.read(7, 0, 0, of("a", 4)), News::Foreign);
    }

    #[test]
    fn changes_of_an_alert_go_one_after_another_and_others_overtake() {
        let mut desk = Desk::new(2);
        desk.assign(0, 0);
        for (offset, id, revision) in [(0, "a", 1), (1, "a", 2), (2, "b", 1), (3, "c", 1)] {
            desk.read(0, offset, 0, of(id, revision));
        }
        let first = desk.start().unwrap();
        let second = desk.start().unwrap();
        assert_eq!(
            (first.change.id.as_str(), second.change.id.as_str()),
            ("a", "b")
        );
        assert_eq!(desk.start(), None, "two are under way");
        desk.finish(&second);
        assert_eq!(desk.start().unwrap().change.id, "c");
        desk.finish(&first);
        assert_eq!(desk.start().unwrap().change.revision, 2);
    }

    #[test]
    fn offsets_are_committed_up_to_the_first_change_that_is_not_done() {
        let mut desk = Desk::new(8);
        desk.assign(0, 0);
        for (offset, id) in [(0, "a"), (1, "b"), (2, "c")] {
            desk.read(0, offset, 100 + offset, of(id, 1));
        }
        let (a, b) = (desk.start().unwrap(), desk.start().unwrap());
        assert_eq!(desk.oldest_ms(), Some(100));
        desk.finish(&b);
        assert_eq!(desk.commit(), []);
        desk.finish(&a);
        assert_eq!(desk.commit(), [(0, 2)]);
        assert_eq!(desk.commit(), []);
        assert_eq!(desk.oldest_ms(), Some(102));
        // What is no news counts as done.
        desk.read(0, 3, 0, of("a", 1));
        let c = desk.start().unwrap();
        desk.finish(&c);
        assert_eq!(desk.commit(), [(0, 4)]);
        assert_eq!(desk.oldest_ms(), None);
    }

    #[test]
    fn history_commits_nothing_again() {
        let mut desk = Desk::new(8);
        desk.assign(0, 5);
        desk.read(0, 0, 0, of("a", 1));
        assert_eq!(desk.commit(), []);
    }

    #[test]
    fn a_partition_that_was_taken_away_is_not_committed() {
        let mut desk = Desk::new(8);
        desk.assign(0, 0);
        desk.read(0, 0, 0, of("a", 1));
        desk.read(0, 1, 0, of("b", 1));
        let a = desk.start().unwrap();
        desk.revoke(0);
        assert_eq!(desk.start(), None);
        desk.assign(0, 0);
        desk.read(0, 0, 0, of("a", 1));
        assert_eq!(desk.start(), None, "the same alert is under way still");
        desk.finish(&a);
        assert_eq!(desk.commit(), [], "it was done for the earlier assignment");
        let again = desk.start().unwrap();
        desk.finish(&again);
        assert_eq!(desk.commit(), [(0, 1)]);
    }
}
