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
        let mut sum = 0_u64;
        let mut read = |some: u64| sum = sum.wrapping_add(some);
        let homes = places(run_of.iter().map(|ahead| self.seen.home(ahead.identity)));
        homes.iter().flatten().for_each(|home| read(home.touch()));
        let slots = places(rows.iter().map(|row| self.roster.slot(&row.sim())));
        slots.iter().flatten().for_each(|slot| read(**slot));
        homes
            .iter()
            .flatten()
            .for_each(|home| read(home.touch_next()));
        for (ahead, row) in run_of.iter_mut().zip(rows) {
            ahead.sim = self.roster.likely_number(&row.sim());
        }
        let sims = places(
            run_of
                .iter()
                .map(|ahead| ahead.sim.map(|number| self.roster.get(number))),
        );
        sims.iter().flatten().for_each(|sim| read(sim.touch()));
        for ((ahead, row), sim) in run_of.iter_mut().zip(rows).zip(sims) {
            // Another one's hash is the same once in 2³² pairs.
            if sim.is_some_and(|sim| sim.id != row.sim()) {
                ahead.sim = self.roster.number(&row.sim());
            }
        }
        let cells = &self.booking.cells;
        let cells = places(sims.iter().map(|sim| cells.first((*sim)?.first_cell)));
        cells.iter().flatten().for_each(|cell| read(cell.touch()));
        std::hint::black_box(sum);
        run
    }
}

/// The places of a run, worked out before any of them is read: the shorter a loop, the more of it waits at once.
fn places<T: Copy>(places: impl Iterator<Item = Option<T>>) -> [Option<T>; RUN] {
    let mut run = [None; RUN];
    run.iter_mut()
        .zip(places)
        .for_each(|(one, place)| *one = place);
    run
}
