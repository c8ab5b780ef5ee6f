//! Rows of facts as they are taken: between entries, as absolute values of stored fields.

use std::collections::BTreeMap;

use super::Shard;
use crate::facts::{Fact, STATES, SimCycle};
use crate::ledger::Balance;
use crate::zone::Day;

/// A row of a balance that goes.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    sim: u32,
    row: SimCycle,
}

impl Shard {
    pub(super) fn take(&mut self, max: usize) -> Vec<Fact> {
        let mut taken = Vec::with_capacity(max.min(self.booking.waiting()));
        while taken.len() < max {
            if let Some(finished) = self.booking.waiting.finished.pop_front() {
                taken.push(finished);
            } else if let Some(open) = self.take_open() {
                taken.extend(open);
            } else {
                break;
            }
        }
        taken
    }

    /// Finishes every row of the open booked day that waits.
    pub(super) fn finish_booked_day(&mut self) {
        self.finish_leaving();
        while let Some(open) = self.take_open() {
            self.booking.waiting.finished.extend(open);
        }
    }

    /// Takes the row of a balance that goes, or that the rules no longer name, if it waits.
    pub(super) fn leave(&mut self, number: u32, account: u16, start: Day) {
        if let Some(Fact::SimCycle(row)) = self.cycle_fact(number, account, start) {
            self.leaving.push(Leaving { sim: number, row });
        }
    }

    /// Finishes the rows of balances that have gone in this entry and on this booked day. Two accounts of one id and one
    /// first day have one key: under one version the last row stands, and that of an account that is named before all.
    pub(super) fn finish_leaving(&mut self) {
        let leaving = std::mem::take(&mut self.leaving);
        let mut last = BTreeMap::new();
        for (place, left) in leaving.iter().enumerate() {
            last.insert(
                (
                    left.sim,
                    left.row.cycle_start,
                    &left.row.allowance,
                    left.row.version,
                ),
                place,
            );
        }
        let mut places: Vec<usize> = last.into_values().collect();
        places.sort_unstable();
        for Leaving { sim, row } in places.into_iter().map(|place| &leaving[place]) {
            let is_replaced = self.roster.get(*sim).balances.iter().any(|b| {
                let id = &self.accounts.value(b.account.into()).id;
                let waits = b.waits() && b.named && b.version() == row.version;
                waits && b.start.date() == row.cycle_start && *id == row.allowance
            });
            if !is_replaced {
                self.booking.finish(Fact::SimCycle(row.clone()));
            }
        }
    }

    /// Finishes the rows of `sim_cycle` that wait and whose balances are about to leave the state.
    pub(super) fn finish_cycles(&mut self, leaves: impl Fn(&Balance) -> bool) {
        for number in self.roster.numbers() {
            let balances = self.roster.get(number).balances.iter();
            let leaving = balances
                .filter(|b| b.waits() && leaves(b))
                .map(Balance::key);
            for (account, start) in leaving.collect::<Vec<_>>() {
                self.leave(number, account, start);
            }
        }
    }

    /// Takes a waiting row of the open booked day, if there is one: none within where it was finished already.
    fn take_open(&mut self) -> Option<Option<Fact>> {
        if let Some(number) = self.booking.waiting.sim() {
            return Some(self.take_cycle(number));
        }
        let sources = &self.sources;
        let feed_id = |feed| sources.feed_id(feed);
        let booking = &mut self.booking;
        let fact = booking.take_outcome(feed_id);
        let fact = fact.or_else(|| booking.take_flag(feed_id));
        let (day, cells, places) = (booking.day, &mut booking.cells, &mut booking.places);
        let fact = fact.or_else(|| places.take(day, &self.provinces, &self.cohorts));
        let fact = fact.or_else(|| cells.take(day, &self.roster, &self.services));
        fact.map(Some)
    }

    /// Takes a row of `sim_cycle` of the SIM that waits first; none where all were finished already.
    fn take_cycle(&mut self, number: u32) -> Option<Fact> {
        let sim = self.roster.get_mut(number);
        let Some(waiting) = sim.balances.iter().find(|balance| balance.waits()) else {
            self.booking.waiting.let_go(sim);
            return None;
        };
        let (account, start) = waiting.key();
        self.cycle_fact(number, account, start)
    }

    /// Takes a balance's row of `sim_cycle`, where it waits and the SIM's rules name the account.
    pub(super) fn cycle_fact(&mut self, number: u32, account: u16, start: Day) -> Option<Fact> {
        let booked_day = self.booking.day.date();
        let sim = self.roster.get_mut(number);
        let id = sim.id;
        let mut balances = sim.balances.iter_mut();
        let balance = balances.find(|b| b.key() == (account, start))?;
        if !self.booking.waiting.take(balance) || !balance.named {
            return None;
        }
        let [within, exhausted, observed] = STATES;
        Some(Fact::SimCycle(SimCycle {
            version: balance.version(),
            sim: id,
            cycle_start: start.date(),
            allowance: self.accounts.value(account.into()).id.clone(),
            booked_day,
            limit_bytes: balance.limit_bytes,
            granted_bytes: balance.granted_bytes(),
            used_bytes: balance.used_bytes,
            state: match balance.observed {
                true => observed,
                false if balance.is_exhausted() => exhausted,
                false => within,
            },
            thresholds: balance.reached().iter().map(|r| r.percent).collect(),
            reached_at_ms: balance.reached().iter().map(|r| r.at_ms).collect(),
        }))
    }
}
