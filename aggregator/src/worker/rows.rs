//! Rows on their way to ClickHouse, and `freshness` behind them.

use super::{Command, Freshness, Phase, Worker};

impl Worker {
    /// Takes rows where enough wait or enough time has passed, as long as few batches are under way.
    pub(super) fn flush(&mut self, now_ms: u64, commands: &mut Vec<Command>) {
        if self.rows_stopped.is_some() {
            return;
        }
        let due = now_ms >= self.flush_at_ms || self.phase == Phase::Draining;
        while self.acks.batches_in_flight() < self.config.batches_max {
            let pending = self.shard.facts_pending();
            if pending >= self.config.batch_rows || (due && pending > 0) {
                self.write_batch(commands);
            } else if due && self.acks.has_fresh() {
                self.write_batch(commands);
                break;
            } else {
                break;
            }
        }
        if self.shard.facts_pending() == 0 {
            self.mark();
            if due {
                self.flush_at_ms = self.next_flush(now_ms);
            }
        }
    }

    pub(super) fn write_batch(&mut self, commands: &mut Vec<Command>) {
        let facts = self.shard.take_facts(self.config.batch_rows);
        self.acks.sent.batches += 1;
        commands.push(Command::WriteRows {
            batch: self.acks.sent.batches,
            facts,
            freshness: self.acks.take_fresh(),
        });
    }

    /// Notes that all rows up to the last entry are in batches.
    pub(super) fn mark(&mut self) {
        if let (Some(offset), Some(clock_ms), Some(open_booked_day)) = (
            self.shard.applied_offset(),
            self.shard.clock_ms(),
            self.shard.booked_day(),
        ) {
            self.acks.mark(Freshness {
                offset,
                clock_ms,
                open_booked_day,
            });
        }
    }

    pub(super) fn next_flush(&self, now_ms: u64) -> u64 {
        let every = self.config.flush_every_ms.max(1);
        (now_ms / every + 1) * every
    }
}
