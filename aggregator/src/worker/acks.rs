//! What was sent, what was acknowledged, and what waits for it.

use std::collections::VecDeque;

use super::event::Freshness;

/// How much of each kind, counted since the worker began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub decisions: u64,
    pub alerts: u64,
    pub batches: u64,
}

impl Counts {
    /// Whether all of `other` is within.
    pub fn cover(self, other: Counts) -> bool {
        self.decisions >= other.decisions
            && self.alerts >= other.alerts
            && self.batches >= other.batches
    }
}

/// The balance of sending and acknowledging, and what it allows.
#[derive(Debug, Default)]
pub(super) struct Acks {
    pub sent: Counts,
    acked: Counts,
    /// Offsets up to which all rows were taken, each with the last batch that carries them; by rising offset.
    marks: VecDeque<(u64, Freshness)>,
    /// The furthest offset of a mark so far.
    marked: Option<u64>,
    /// A mark whose rows are acknowledged, and which is not written yet itself.
    fresh: Option<Freshness>,
    /// The state to be stored once `after` is acknowledged.
    snapshot: Option<(Counts, u64, Vec<u8>)>,
}

impl Acks {
    /// Counts of the broker only grow; what was acknowledged and never sent is a fault of the caller.
    pub fn broker(&mut self, decisions: u64, alerts: u64) {
        assert!(
            decisions <= self.sent.decisions && alerts <= self.sent.alerts,
            "the broker acknowledged {decisions} decisions and {alerts} alerts of {:?}",
            self.sent
        );
        self.acked.decisions = self.acked.decisions.max(decisions);
        self.acked.alerts = self.acked.alerts.max(alerts);
    }

    /// Batches are acknowledged in order.
    pub fn rows(&mut self, batch: u64) {
        assert!(
            batch <= self.sent.batches,
            "ClickHouse acknowledged batch {batch} of {:?}",
            self.sent
        );
        self.acked.batches = self.acked.batches.max(batch);
        self.ripen();
    }

    pub fn batches_in_flight(&self) -> u64 {
        self.sent.batches - self.acked.batches
    }

    /// Whether all is acknowledged that was sent.
    pub fn settled(&self) -> bool {
        self.acked == self.sent
    }

    /// Whether the broker has acknowledged all that was sent to it.
    pub fn broker_settled(&self) -> bool {
        self.acked.decisions == self.sent.decisions && self.acked.alerts == self.sent.alerts
    }

    /// All rows up to `freshness.offset` are in the batches sent so far.
    pub fn mark(&mut self, freshness: Freshness) {
        if self.marked.is_none_or(|marked| marked < freshness.offset) {
            self.marked = Some(freshness.offset);
            // Of marks behind one batch the last says all.
            self.marks
                .pop_back_if(|(batch, _)| *batch == self.sent.batches);
            self.marks.push_back((self.sent.batches, freshness));
            self.ripen();
        }
    }

    /// The newest mark whose rows are acknowledged, to be written itself.
    pub fn take_fresh(&mut self) -> Option<Freshness> {
        self.fresh.take()
    }

    pub fn has_fresh(&self) -> bool {
        self.fresh.is_some()
    }

    /// Keeps a state until all that was sent so far is acknowledged.
    pub fn hold(&mut self, offset: u64, bytes: Vec<u8>) {
        assert!(self.snapshot.is_none(), "one snapshot at a time");
        self.snapshot = Some((self.sent, offset, bytes));
    }

    pub fn holds(&self) -> bool {
        self.snapshot.is_some()
    }

    /// The state, if all that it caused is acknowledged.
    pub fn release(&mut self) -> Option<(u64, Vec<u8>)> {
        let acked = self.acked;
        self.snapshot
            .take_if(|(after, _, _)| acked.cover(*after))
            .map(|(_, offset, bytes)| (offset, bytes))
    }

    fn ripen(&mut self) {
        while let Some((_, freshness)) = self
            .marks
            .pop_front_if(|(batch, _)| *batch <= self.acked.batches)
        {
            self.fresh = Some(freshness);
        }
    }
}
