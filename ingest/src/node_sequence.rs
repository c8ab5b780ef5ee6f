//! Gaps and repeats in each node's own numbering of its records (`docs/semantics.md`, P3). Pure.
//!
//! For each node of a feed it is known from which number on (the *floor*) up to which (the *top*) everything came, but
//! for the *holes* between. A number above the top opens a hole; a number that comes late fills it; one that is known to
//! have come is a *repeat*. A hole that is not filled within seven days of delivery time is given up: its numbers are
//! *missing*, the floor rises above it, and what comes from below the floor is no longer judged.
//!
//! # Across restarts
//!
//! The state is a function of the positions that it names, and is stored with them in `hissa.ingest`: it is small, for
//! it holds intervals. So a restart neither invents a gap nor forgets one, and records that are read again after a crash
//! lie below the positions that the state names: they are no repeats of the carrier's. Where a state is lost, or names
//! lower positions than the stored ones, every node starts afresh with the next number that is seen of it.

use std::collections::BTreeMap;

use hissa_core::sim::NodeId;
use hissa_core::usage::Source;
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// A hole is given up after this much delivery time.
pub const PATIENCE_MS: i64 = 7 * 24 * 3_600_000;
/// A number this far outside of what is known of its node says nothing of a gap: it is an error, or a new beginning.
const FAR: u64 = 1_000_000;
/// So many such numbers in a row are a new beginning.
const FAR_IN_A_ROW: u32 = 100;

/// How much is known at the most; beyond it the oldest is given up. It bounds memory, and the size of what is stored
/// (some 300 kB).
#[derive(Clone, Copy, Debug)]
struct Bounds {
    holes_a_node: usize,
    holes: usize,
    nodes: usize,
}

const BOUNDS: Bounds = Bounds {
    holes_a_node: 1_024,
    holes: 4_096,
    nodes: 256,
};

/// A record that has a number of its node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    pub source: Source,
    /// Its offset in the source.
    pub offset: u64,
    pub delivered_at_ms: i64,
    pub node: NodeId,
    /// Below 2⁶³.
    pub number: u64,
}

/// What was found since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Numbers that were given up.
    pub missing: u64,
    /// Records with a number that had come before.
    pub repeated: u64,
}

/// What is known of the numbers of a feed's nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSequences {
    /// By carrier partition: the offset behind the last record that is in here.
    through: BTreeMap<u32, u64>,
    /// The latest delivery time of a record with a number (UTC milliseconds).
    clock_ms: i64,
    nodes: BTreeMap<NodeId, Node>,
}

/// What is known of one node's numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Node {
    /// Below it nothing is judged.
    floor: u64,
    /// The highest number.
    top: u64,
    /// What has not come between the two, rising. A hole further up was opened later.
    holes: Vec<Hole>,
    /// The delivery time of the last record.
    last_ms: i64,
    /// Numbers far outside in a row.
    far: u32,
}

/// Numbers that have not come: the first, the last, and the delivery time of the record that showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Hole(u64, u64, i64);

impl Hole {
    fn numbers(self) -> u64 {
        self.1 - self.0 + 1
    }
}

impl NodeSequences {
    /// Nothing known yet of sources that are at these positions, by carrier partition.
    pub fn begin(positions: impl IntoIterator<Item = (u32, u64)>) -> NodeSequences {
        NodeSequences {
            through: positions.into_iter().collect(),
            ..NodeSequences::default()
        }
    }

    /// Whether no node has a number.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The offset behind the last record of a carrier partition that is in here.
    pub fn through(&self, partition: u32) -> u64 {
        self.through.get(&partition).copied().unwrap_or(0)
    }

    /// How far all partitions together have got: of two states of one feed the one that knows more has the higher.
    pub fn age(&self) -> u128 {
        self.through
            .values()
            .map(|through| u128::from(*through))
            .sum()
    }

    /// Holes that are open now.
    pub fn open_holes(&self) -> usize {
        self.nodes.values().map(|node| node.holes.len()).sum()
    }

    /// Takes the number of a record. Records of one partition come in the order of their offsets; one that is in here
    /// already changes nothing.
    pub fn note(&mut self, record: &Numbered, found: &mut Found) {
        self.note_within(record, found, BOUNDS);
    }

    fn note_within(&mut self, record: &Numbered, found: &mut Found, bounds: Bounds) {
        if record.offset < self.through(record.source.partition) {
            return;
        }
        let (number, at_ms) = (record.number, record.delivered_at_ms);
        self.clock_ms = self.clock_ms.max(at_ms);
        let Some(node) = self.nodes.get_mut(&record.node) else {
            self.nodes.insert(record.node, Node::begin(number, at_ms));
            self.forget_a_node(found, bounds);
            return;
        };
        node.give_up_old(self.clock_ms, found);
        let holes = node.holes.len();
        node.note(number, at_ms, found);
        if node.holes.len() > bounds.holes_a_node {
            node.give_up_first(found);
        }
        if node.holes.len() > holes {
            self.give_up_beyond(found, bounds);
        }
    }

    /// Notes that everything of a partition below this offset is in here; gives up what is too old.
    pub fn reach(&mut self, partition: u32, position: u64, found: &mut Found) {
        self.through.insert(partition, position);
        for node in self.nodes.values_mut() {
            node.give_up_old(self.clock_ms, found);
        }
    }

    /// Beyond the bound of the feed the oldest hole goes.
    fn give_up_beyond(&mut self, found: &mut Found, bounds: Bounds) {
        if self.open_holes() <= bounds.holes {
            return;
        }
        let oldest = |node: &&mut Node| node.holes.first().map_or(i64::MAX, |hole| hole.2);
        if let Some(node) = self.nodes.values_mut().min_by_key(oldest) {
            node.give_up_first(found);
        }
    }

    /// Beyond the bound the node that was silent for longest goes.
    fn forget_a_node(&mut self, found: &mut Found, bounds: Bounds) {
        if self.nodes.len() <= bounds.nodes {
            return;
        }
        let silent = self.nodes.iter().min_by_key(|(_, node)| node.last_ms);
        if let Some(name) = silent.map(|(name, _)| *name)
            && let Some(mut node) = self.nodes.remove(&name)
        {
            node.give_up_all(found);
        }
    }
}

impl Node {
    fn begin(number: u64, at_ms: i64) -> Node {
        Node {
            floor: number,
            top: number,
            holes: Vec::new(),
            last_ms: at_ms,
            far: 0,
        }
    }

    fn note(&mut self, number: u64, at_ms: i64, found: &mut Found) {
        self.last_ms = self.last_ms.max(at_ms);
        if number.saturating_sub(self.top) > FAR || self.floor.saturating_sub(number) > FAR {
            self.far += 1;
            if self.far == FAR_IN_A_ROW {
                self.give_up_all(found);
                *self = Node::begin(number, self.last_ms);
            }
            return;
        }
        self.far = 0;
        if number > self.top {
            if number > self.top + 1 {
                self.holes.push(Hole(self.top + 1, number - 1, at_ms));
            }
            self.top = number;
        } else if number >= self.floor && !self.fill(number) {
            found.repeated += 1;
        }
    }

    /// Whether the number was in a hole; it no longer is.
    fn fill(&mut self, number: u64) -> bool {
        let place = self.holes.partition_point(|hole| hole.1 < number);
        let Some(hole) = self
            .holes
            .get(place)
            .copied()
            .filter(|hole| hole.0 <= number)
        else {
            return false;
        };
        let below = (hole.0 < number).then(|| Hole(hole.0, number - 1, hole.2));
        let above = (number < hole.1).then(|| Hole(number + 1, hole.1, hole.2));
        self.holes
            .splice(place..=place, below.into_iter().chain(above));
        true
    }

    fn give_up_old(&mut self, clock_ms: i64, found: &mut Found) {
        let is_old = |hole: &Hole| clock_ms.saturating_sub(hole.2) > PATIENCE_MS;
        while self.holes.first().is_some_and(is_old) {
            self.give_up_first(found);
        }
    }

    fn give_up_first(&mut self, found: &mut Found) {
        if !self.holes.is_empty() {
            let hole = self.holes.remove(0);
            found.missing += hole.numbers();
            self.floor = hole.1 + 1;
        }
    }

    fn give_up_all(&mut self, found: &mut Found) {
        found.missing += self.holes.drain(..).map(Hole::numbers).sum::<u64>();
    }
}
