//! Snapshots, and the end of a drain, which is one.

use super::{Command, Phase, Stored, Worker};

impl Worker {
    /// Takes the state when it is time, with all rows before it. Not while ClickHouse lags behind: the state would
    /// only wait in memory, and grow old.
    pub(super) fn take_snapshot(&mut self, now_ms: u64, commands: &mut Vec<Command>) {
        let due = now_ms >= self.snapshot_at_ms || self.phase == Phase::Draining;
        let Some(applied) = self.shard.applied_offset().filter(|_| due) else {
            return;
        };
        if self.stored == Some(applied)
            || self.acks.holds()
            || self.storing.is_some()
            || self.rows_stopped.is_some()
            || (self.phase == Phase::Draining && self.snapshot_failed.is_some())
            || self.acks.batches_in_flight() >= self.config.batches_max
        {
            return;
        }
        while self.shard.facts_pending() > 0 {
            self.write_batch(commands);
        }
        self.mark();
        self.acks.hold(applied, self.shard.snapshot());
        self.snapshot_at_ms = now_ms + self.config.snapshot_every_ms;
    }

    pub(super) fn finish_drain(&mut self, commands: &mut Vec<Command>) {
        if self.phase != Phase::Draining || self.storing.is_some() {
            return;
        }
        let settled = match self.rows_stopped {
            Some(_) => self.acks.broker_settled(),
            // The row of freshness is the last one out.
            None => self.acks.settled() && !self.acks.has_fresh(),
        };
        if !settled {
            return;
        }
        let failed = self.rows_stopped.as_ref().or(self.snapshot_failed.as_ref());
        let stored = match (self.shard.applied_offset(), failed) {
            (None, _) => Stored::Nothing,
            (applied, _) if applied == self.stored => Stored::Yes,
            (_, Some(why)) => Stored::No { why: why.clone() },
            // Its snapshot is taken, or waits to be.
            (_, None) => return,
        };
        self.drained(stored, commands);
    }

    pub(super) fn drained(&mut self, stored: Stored, commands: &mut Vec<Command>) {
        self.phase = Phase::Drained;
        commands.push(Command::Drained { stored });
    }
}
