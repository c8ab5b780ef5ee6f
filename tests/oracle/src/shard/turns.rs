//! Cycles begin, end and close (Q3, Q9, Q11), and with them what is held (E5).

use super::Shard;
use crate::balance::Balance;
use crate::day::Day;
use crate::names::Class;
use crate::period::{Every, cycle};
use crate::sim::BalanceKey;

impl Shard {
    /// Step 3 for one SIM: cycles end and begin (Q9, Q11). Whether one did.
    pub(super) fn begin_cycles(&mut self, sim: usize, today: Day, at: i64) -> bool {
        let mut changed = false;
        let keys: Vec<BalanceKey> = self.sims[sim].balances.keys().copied().collect();
        for key in keys {
            let every = self.accounts[key.0].every;
            let was_current = self.cycle_of(sim, every, today.plus(-1)).first == key.1;
            if was_current && self.cycle_of(sim, every, today).first == today {
                self.touch(sim, key, at);
            }
        }
        let Some(cohort) = self.rules_of(sim) else {
            return changed;
        };
        for allowance in &cohort.allowances {
            let cycle = self.cycle_of(sim, allowance.every, today);
            if cycle.first != today {
                continue;
            }
            let Some(key) = self.open(sim, allowance, cycle) else {
                continue;
            };
            changed = true;
            let before = self.cycle_of(sim, allowance.every, today.plus(-1)).first;
            let left = self.sims[sim]
                .balances
                .get(&(key.0, before))
                .map_or(0, Balance::left_of_limit);
            if let Some(balance) = self.sims[sim].balances.get_mut(&key) {
                balance.rolled = left.min(allowance.rollover_max_bytes);
                balance.limit = allowance.bytes.saturating_add(balance.rolled);
            }
        }
        changed
    }

    /// Months and cycles close (Q3); what was held of days before them is forgotten (E5).
    pub(super) fn close(&mut self, today: Day) {
        self.closed_before = self
            .closed_before
            .max(today.plus(-self.rules.closes_after()));
        for sim in 0..self.sims.len() {
            self.drop_cycles(sim);
        }
        self.move_holding_day();
        self.forget_held();
    }

    /// Balances that are closed, or whose cycle a new calendar does not know, are over (Q2, Q3).
    pub(super) fn drop_cycles(&mut self, sim: usize) {
        let keys: Vec<BalanceKey> = self.sims[sim].balances.keys().copied().collect();
        for key in keys {
            let cycle = self.cycle_of(sim, self.accounts[key.0].every, key.1);
            if cycle.first != key.1 || self.is_closed(cycle) {
                self.sims[sim].balances.remove(&key);
            }
        }
    }

    /// E5.
    pub(super) fn move_holding_day(&mut self) {
        let closes_after = self.rules.closes_after();
        let programme = self.rules.programme.clone();
        let cohorts = programme.iter().flat_map(|programme| &programme.cohorts);
        let mut earliest = self.closed_before.month_first();
        for allowance in cohorts.flat_map(|cohort| &cohort.allowances) {
            let first = match allowance.every {
                Every::Days(days) => self.today.plus(-(2 * days + closes_after)),
                every => cycle(every, self.closed_before, Day(0), &self.rules.spans).first,
            };
            earliest = earliest.min(first);
        }
        self.holding_day = self.holding_day.max(earliest);
    }

    /// What is held of days before the holding day: at step 5 and when a programme is entered (E5).
    fn forget_held(&mut self) {
        let first = (self.holding_day, Class::Education);
        for days in self.held.values_mut() {
            *days = days.split_off(&first);
        }
        self.held.retain(|_, days| !days.is_empty());
    }
}
