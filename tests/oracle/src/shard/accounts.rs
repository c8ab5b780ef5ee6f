//! Accounts of SIMs: which there are, when they are opened, and how they stand (section 8).

use std::sync::Arc;

use super::Shard;
use crate::balance::Balance;
use crate::day::Day;
use crate::findings::{CycleRow, SimCycle};
use crate::period::{Account, Cycle, Every, cycle};
use crate::registry::{Allowance, Cohort, Programme};
use crate::sim::BalanceKey;

/// The rules of a cohort.
#[derive(Clone)]
pub(super) struct CohortRules {
    programme: Arc<Programme>,
    cohort: usize,
}

impl std::ops::Deref for CohortRules {
    type Target = Cohort;

    fn deref(&self) -> &Cohort {
        &self.programme.cohorts[self.cohort]
    }
}

impl Shard {
    /// The rules that hold for a SIM (E3), if there are any.
    pub(super) fn rules_of(&self, sim: usize) -> Option<CohortRules> {
        self.rules_named(self.sims[sim].cohort(self.steps.assignments)?)
    }

    /// The rules of a cohort, if there are any.
    pub(super) fn rules_named(&self, id: &str) -> Option<CohortRules> {
        let programme = self.rules.programme.clone()?;
        let cohort = programme
            .cohorts
            .iter()
            .position(|cohort| cohort.id == id)?;
        Some(CohortRules { programme, cohort })
    }

    pub(super) fn is_enforced(&self, cohort: &Cohort) -> bool {
        cohort
            .enforce_from
            .is_some_and(|from| from <= self.steps.enforcement)
    }

    /// The number of an allowance's account (Q1).
    pub(super) fn account(&self, allowance: &Allowance) -> Option<usize> {
        let is_it = |account: &Account| {
            account.id == allowance.id
                && account.scope == allowance.scope
                && account.every == allowance.every
        };
        self.accounts.iter().position(is_it)
    }

    /// Gives a number to each account that the programme names.
    pub(super) fn number_accounts(&mut self) {
        let Some(programme) = self.rules.programme.clone() else {
            return;
        };
        for allowance in programme
            .cohorts
            .iter()
            .flat_map(|cohort| &cohort.allowances)
        {
            if self.account(allowance).is_none() {
                let Allowance {
                    ref id,
                    scope,
                    every,
                    ..
                } = *allowance;
                self.accounts.push(Account {
                    id: id.clone(),
                    scope,
                    every,
                });
            }
        }
    }

    pub(super) fn cycle_of(&self, sim: usize, every: Every, day: Day) -> Cycle {
        cycle(every, day, self.sims[sim].activation, &self.rules.spans)
    }

    pub(super) fn is_closed(&self, cycle: Cycle) -> bool {
        cycle.ended_before(self.closed_before)
    }

    /// The key and cycle of an allowance's current cycle.
    pub(super) fn current(&self, sim: usize, allowance: &Allowance) -> Option<(BalanceKey, Cycle)> {
        let cycle = self.cycle_of(sim, allowance.every, self.steps.cycles);
        Some(((self.account(allowance)?, cycle.first), cycle))
    }

    /// The balance of an allowance in its current cycle.
    pub(super) fn current_balance(&self, sim: usize, allowance: &Allowance) -> Option<&Balance> {
        let (key, _) = self.current(sim, allowance)?;
        self.sims[sim].balances.get(&key)
    }

    /// Opens a balance if there is none, the cycle is open and the SIM is enrolled on one of its days (Q4).
    pub(super) fn open(
        &mut self,
        sim: usize,
        allowance: &Allowance,
        cycle: Cycle,
    ) -> Option<BalanceKey> {
        let key = (self.account(allowance)?, cycle.first);
        if self.is_closed(cycle) || !self.sims[sim].is_enrolled_in(cycle) {
            return None;
        }
        let limit = allowance.bytes;
        let balances = &mut self.sims[sim].balances;
        let opened = balances.values().map(|balance| balance.opened).max();
        let opened = opened.map_or(0, |last| last + 1);
        balances.entry(key).or_insert_with(|| Balance {
            opened,
            limit,
            ..Balance::default()
        });
        Some(key)
    }

    /// Opens the balances of current cycles (Q4).
    pub(super) fn open_current(&mut self, sim: usize) {
        let Some(cohort) = self.rules_of(sim) else {
            return;
        };
        for allowance in &cohort.allowances {
            let cycle = self.cycle_of(sim, allowance.every, self.steps.cycles);
            // At a midnight, a cycle that has just ended is still the current one in step 2; `enrol` alone opens it.
            if !cycle.ended_before(self.today) {
                self.open(sim, allowance, cycle);
            }
        }
    }

    /// Opens the balances of cycles that have ended and are not closed: an `enrol` does (Q4).
    pub(super) fn open_ended(&mut self, sim: usize, at: i64) {
        let Some(cohort) = self.rules_of(sim) else {
            return;
        };
        for allowance in &cohort.allowances {
            let mut cycle = self.cycle_of(sim, allowance.every, self.steps.cycles);
            while cycle.first > Day(0) {
                cycle = self.cycle_of(sim, allowance.every, cycle.first.plus(-1));
                if self.is_closed(cycle) {
                    break;
                }
                if let Some(key) = self.open(sim, allowance, cycle) {
                    self.touch(sim, key, at);
                }
            }
        }
    }

    /// Current and coming cycles take their limit from the rules (Q6, Q12).
    pub(super) fn follow_rules(&mut self, sim: usize, at: i64) {
        let Some(cohort) = self.rules_of(sim) else {
            return;
        };
        for allowance in &cohort.allowances {
            let Some((current, _)) = self.current(sim, allowance) else {
                continue;
            };
            let balances = self.sims[sim]
                .balances
                .range_mut(current..=(current.0, Day(i32::MAX)));
            let mut coming = Vec::new();
            for (&key, balance) in balances {
                balance.limit = allowance.bytes.saturating_add(balance.rolled);
                coming.push(key);
            }
            for key in coming.into_iter().filter(|&key| key != current) {
                self.touch(sim, key, at);
            }
        }
    }

    /// What the rules say of cycles that have ended, beside their limits, is that of the present rules (Q12, Q14).
    pub(super) fn touch_ended(&mut self, sim: usize, at: i64) {
        let keys: Vec<BalanceKey> = self.sims[sim].balances.keys().copied().collect();
        for key in keys {
            let cycle = self.cycle_of(sim, self.accounts[key.0].every, key.1);
            // A cycle that the calendar does not know any more is over, too.
            if cycle.ended_before(self.steps.cycles) || cycle.first != key.1 {
                self.touch(sim, key, at);
            }
        }
    }

    /// Sets anew what follows from what is in current cycles (Q9, Q10).
    pub(super) fn refresh(&mut self, sim: usize, at: i64) {
        let keys: Vec<BalanceKey> = self.sims[sim].balances.keys().copied().collect();
        for key in keys {
            let Account { ref id, every, .. } = self.accounts[key.0];
            if self.cycle_of(sim, every, self.steps.cycles).first != key.1 {
                continue;
            }
            let grants = self.grants_of(sim, id, self.steps.grants);
            let left: u64 = grants.map(|grant| self.left(sim, grant)).sum();
            self.set(sim, key, left, at);
        }
    }

    /// The same for a cycle that is not current: what is left of grants is none of its own (Q9).
    pub(super) fn touch(&mut self, sim: usize, key: BalanceKey, at: i64) {
        self.set(sim, key, 0, at);
    }

    fn set(&mut self, sim: usize, key: BalanceKey, left: u64, at: i64) {
        let rules = self.rules_of(sim);
        // Where the rules do not name the account, nothing is said of it.
        let rules = rules.filter(|cohort| self.names(cohort, key.0));
        let Some(balance) = self.sims[sim].balances.get_mut(&key) else {
            return;
        };
        balance.granted = balance.from_grants + left;
        if let Some(rules) = rules {
            balance.note_thresholds(&rules.thresholds, at);
        }
        self.write(sim, key);
    }

    /// Whether a cohort's rules name an account.
    fn names(&self, cohort: &Cohort, account: usize) -> bool {
        let mut allowances = cohort.allowances.iter();
        allowances.any(|allowance| self.account(allowance) == Some(account))
    }

    /// Tells how a balance stands, while the SIM's rules name the account (Q14).
    fn write(&mut self, sim: usize, key: BalanceKey) {
        let Some(cohort) = self.rules_of(sim) else {
            return;
        };
        if !self.names(&cohort, key.0) {
            return;
        }
        let enforced = self.is_enforced(&cohort);
        let name = self.sims[sim].name;
        let Some(balance) = self.sims[sim].balances.get(&key) else {
            return;
        };
        let state = match (enforced, balance.is_exhausted()) {
            (false, _) => "observed",
            (true, true) => "exhausted",
            (true, false) => "within",
        };
        let row = CycleRow {
            limit: balance.limit,
            granted: balance.granted,
            used: balance.used(),
            state: state.to_owned(),
            thresholds: balance.thresholds.clone(),
        };
        let key = SimCycle {
            sim: name,
            cycle_start: key.1,
            allowance: self.accounts[key.0].id.clone(),
        };
        let days = self.findings.sim_cycle.entry(key).or_default();
        days.insert(self.today, row);
    }
}
