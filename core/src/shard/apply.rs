//! How each kind of entry is applied, and how the clock moves.
//!
//! What can halt the shard is checked before ([`check`](super::check)), so that a halt leaves it as it was.

use super::ahead::RUN;
use super::{Effects, NEVER, Shard};
use crate::booking::Booking;
use crate::cycle::Closed;
use crate::registry::Block;
use crate::usage::{UsageRow, utc_day};
use crate::wire::Progress;

impl Shard {
    pub(super) fn apply_rows(&mut self, rows: &[UsageRow], offset: u64, effects: &mut Effects) {
        // A message holds a few thousand rows.
        let mut places = 0_u32..;
        for rows in rows.chunks(RUN) {
            let run = self.look_ahead(rows);
            for ((row, ahead), place) in rows.iter().zip(&run).zip(&mut places) {
                self.advance(row.delivered_at_ms.get(), offset, effects);
                self.apply_row(row, ahead, place, offset, effects);
            }
        }
    }

    /// Applies the commands that the shard has not seen: blocks of several ingesters overlap.
    pub(super) fn apply_block(&mut self, block: &Block, offset: u64, effects: &mut Effects) {
        self.assigned.clear();
        for revision in &block.commands {
            if revision.rev < self.revision {
                continue;
            }
            self.advance(revision.entered.entered_at_ms, offset, effects);
            self.command(revision.rev, &revision.entered.command, offset, effects);
        }
        self.revision = self.revision.max(block.to_rev);
    }

    pub(super) fn apply_progress(
        &mut self,
        progress: &Progress,
        offset: u64,
        effects: &mut Effects,
    ) {
        // What is told of hours may speak of the day that the clock now leaves.
        for source in &progress.sources {
            self.heard.note(&source.heard);
        }
        self.advance(progress.as_of_ms, offset, effects);
        for source in &progress.sources {
            let found = self.sources.check(source, self.clock_ms);
            effects.discrepancies.extend(found);
        }
    }

    /// Moves the clock to `to_ms`, if it lies behind, and does everything due at or before it first: whatever is due is
    /// done at its own time, so that neither framing nor republication can matter.
    pub(super) fn advance(&mut self, to_ms: i64, offset: u64, effects: &mut Effects) {
        if to_ms <= self.clock_ms {
            return;
        }
        if self.clock_ms == NEVER {
            return self.begin_time(to_ms);
        }
        let day_before = utc_day(self.clock_ms);
        while self.next_due_ms <= to_ms {
            let deadline = self.next_due_ms;
            assert!(deadline >= self.clock_ms, "what is due is done at its time");
            self.clock_ms = deadline;
            self.zone.attend(deadline);
            if self.sources.conflicts_due_ms() == Some(deadline) {
                self.end_conflict_hour(deadline, offset, effects);
            } else {
                self.begin_day(self.today().plus(1), deadline, offset, effects);
            }
            self.find_next_due();
        }
        self.clock_ms = to_ms;
        if utc_day(to_ms) != day_before {
            self.zone.attend(to_ms);
            let horizon_days = self.config.horizon_days;
            self.seen.forget(utc_day(to_ms), horizon_days);
            self.sessions.forget(utc_day(to_ms), horizon_days);
        }
    }

    /// The first instant that the shard hears of: nothing was due before it.
    fn begin_time(&mut self, at_ms: i64) {
        self.clock_ms = at_ms;
        self.zone.attend(at_ms);
        self.seen.forget(utc_day(at_ms), self.config.horizon_days);
        let (today, _) = self.zone.day_of(at_ms);
        self.booking = Booking::new(today);
        self.closed = Closed::as_of(today, self.programme.closes_after_days());
        self.find_holding_day();
        self.find_next_due();
    }

    /// Finds the next deadline: the next midnight, or the end of a clock hour with conflicts, which comes first.
    pub(crate) fn find_next_due(&mut self) {
        let midnight = self.zone.midnight(self.today().plus(1));
        let hour = self.sources.conflicts_due_ms();
        self.next_due_ms = hour.map_or(midnight, |hour| hour.min(midnight));
    }
}
