//! What rows say of themselves, worked out for a run of rows before the first of them is applied.
//!
//! A row needs half a dozen places in memory, each far from the last row's; waiting for one after the other is most of
//! what it costs. So a run of rows first reads all places of one kind in a loop, where no row waits for the one before
//! it and the memory answers for many at once; then the rows are applied one after the other, and find it in the cache.

use super::Shard;
use crate::usage::{Identity, UsageRow};

/// Rows of a run: enough to wait for together, and few enough for their places to stay in the cache.
pub(super) const RUN: usize = 128;

/// What a row says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    pub(super) identity: Identity,
    pub(super) digest: u32,
    /// The SIM's number, where it is known. Rows do not change it.
    pub(super) sim: Option<u32>,
}

impl Ahead {
    const NOTHING: Ahead = Ahead {
        identity: Identity {
            opening_day: 0,
            hash: 0,
        },
        digest: 0,
        sim: None,
    };
}

impl Shard {
    /// Works out a run of rows.
    pub(super) fn look_ahead(&self, rows: &[UsageRow]) -> [Ahead; RUN] {
        let mut run = [Ahead::NOTHING; RUN];
        for (ahead, row) in run.iter_mut().zip(rows) {
            ahead.identity = row.identity();
            ahead.digest = row.digest();
        }
        let run_of = &mut run[..rows.len().min(RUN)];
        // Where rows begin is worked out apart: the shorter a loop, the more of it waits at once.
        let mut homes = [None; RUN];
        for (home, ahead) in homes.iter_mut().zip(&*run_of) {
            *home = self.seen.home(ahead.identity);
        }
        let homes = || homes.iter().flatten().copied();
        let mut sum: u64 = homes().map(|home| u64::from(home.touch())).sum();
        sum += homes()
            .map(|home| u64::from(home.touch_next()))
            .sum::<u64>();
        for row in rows {
            sum = sum.wrapping_add(self.roster.touch(&row.sim()));
        }
        for (ahead, row) in run_of.iter_mut().zip(rows) {
            ahead.sim = self.roster.likely_number(&row.sim());
        }
        for number in run_of.iter().filter_map(|ahead| ahead.sim) {
            sum = sum.wrapping_add(self.roster.get(number).touch());
        }
        for (ahead, row) in run_of.iter_mut().zip(rows) {
            let likely = ahead.sim.take();
            let is_it = |number: &u32| self.roster.get(*number).id == row.sim();
            ahead.sim = likely
                .filter(is_it)
                .or_else(|| self.roster.number(&row.sim()));
        }
        for number in run_of.iter().filter_map(|ahead| ahead.sim) {
            let first_cell = self.roster.get(number).first_cell;
            sum = sum.wrapping_add(self.booking.cells.touch(first_cell));
        }
        std::hint::black_box(sum);
        run
    }
}
