//! Accounts of SIMs: opening, charging, closing (section 8).

use std::sync::Arc;

use super::Shard;
use crate::balance::Balance;
use crate::day::Day;
use crate::findings::{CycleRow, SimCycle};
use crate::names::Class;
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
        let id = self.sims[sim].cohort(self.steps.assignments)?;
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
    fn open(&mut self, sim: usize, allowance: &Allowance, cycle: Cycle) -> Option<BalanceKey> {
        let key = (self.account(allowance)?, cycle.first);
        if self.is_closed(cycle) || !self.sims[sim].is_enrolled_in(cycle) {
            return None;
        }
        let limit = allowance.bytes;
        self.sims[sim]
            .balances
            .entry(key)
            .or_insert_with(|| Balance {
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

    /// Adds bytes of a usage day to every account that takes them (Q4, Q5, Q7).
    pub(super) fn charge(
        &mut self,
        sim: usize,
        day: Day,
        charged: Option<Class>,
        bytes: u64,
        at: i64,
    ) {
        let Some(charged) = charged else { return };
        if let Some(cohort) = self.rules_of(sim) {
            for allowance in cohort
                .allowances
                .iter()
                .filter(|allowance| allowance.scope.takes(charged))
            {
                let cycle = self.cycle_of(sim, allowance.every, day);
                if !cycle.ended_before(self.steps.cycles) {
                    self.open(sim, allowance, cycle);
                }
            }
        }
        let keys: Vec<BalanceKey> = self.sims[sim].balances.keys().copied().collect();
        for key in keys {
            let Account { scope, every, .. } = self.accounts[key.0];
            let cycle = self.cycle_of(sim, every, day);
            if scope.takes(charged) && cycle.first == key.1 && !self.is_closed(cycle) {
                self.charge_one(sim, key, day, bytes);
                if self.cycle_of(sim, every, self.steps.cycles).first != key.1 {
                    self.touch(sim, key, at);
                }
            }
        }
    }

    fn charge_one(&mut self, sim: usize, key: BalanceKey, day: Day, bytes: u64) {
        let id = &self.accounts[key.0].id;
        let mut grants: Vec<usize> = self.grants_of(sim, id, day).collect();
        grants.sort_by_key(|&place| {
            let grant = &self.rules.grants[place].grant;
            (grant.priority, grant.valid_until, place)
        });
        let left: Vec<(usize, u64)> = grants
            .into_iter()
            .map(|grant| (grant, self.left(sim, grant)))
            .collect();
        let Some(balance) = self.sims[sim].balances.get_mut(&key) else {
            return;
        };
        for (grant, part) in balance.charge(bytes, left.into_iter()) {
            *self.sims[sim].grants_used.entry(grant).or_default() += part;
        }
    }

    /// The grants that a SIM has for an account on a day (Q8).
    fn grants_of(&self, sim: usize, account: &str, day: Day) -> impl Iterator<Item = usize> {
        let cohort = self.sims[sim].cohort(self.steps.assignments);
        let entries = self.rules.grants.iter().enumerate();
        let holding = entries.filter(move |(_, entry)| {
            entry.grant.allowance == account
                && entry.grant.valid_from <= day
                && day < entry.grant.valid_until
                && self.rules.has(self.sims[sim].name, cohort, entry)
        });
        holding.map(|(place, _)| place)
    }

    /// What is left of a grant for a SIM.
    pub(super) fn left(&self, sim: usize, grant: usize) -> u64 {
        let used = self.sims[sim].grants_used.get(&grant).copied().unwrap_or(0);
        self.rules.grants[grant].grant.bytes - used
    }

    /// Sets anew what follows from what is in current cycles (Q9, Q10).
    pub(super) fn refresh(&mut self, sim: usize, at: i64) {
        let Some(cohort) = self.rules_of(sim) else {
            return;
        };
        for allowance in &cohort.allowances {
            let Some((key, _)) = self.current(sim, allowance) else {
                continue;
            };
            let grants = self.grants_of(sim, &allowance.id, self.steps.grants);
            let left: u64 = grants.map(|grant| self.left(sim, grant)).sum();
            let Some(balance) = self.sims[sim].balances.get_mut(&key) else {
                continue;
            };
            balance.granted = balance.from_grants + left;
            balance.note_thresholds(&cohort.thresholds, at);
            self.write(sim, key);
        }
    }

    /// The same for a cycle that is not current: what is left of grants is none of its own (Q9).
    pub(super) fn touch(&mut self, sim: usize, key: BalanceKey, at: i64) {
        let thresholds = self.rules_of(sim).map(|cohort| cohort.thresholds.clone());
        let Some(balance) = self.sims[sim].balances.get_mut(&key) else {
            return;
        };
        balance.granted = balance.from_grants;
        if let Some(thresholds) = thresholds {
            balance.note_thresholds(&thresholds, at);
        }
        self.write(sim, key);
    }

    /// Tells how a balance stands, while the SIM's rules name the account (Q14).
    fn write(&mut self, sim: usize, key: BalanceKey) {
        let Some(cohort) = self.rules_of(sim) else {
            return;
        };
        if !cohort
            .allowances
            .iter()
            .any(|allowance| self.account(allowance) == Some(key.0))
        {
            return;
        }
        let enforced = self.is_enforced(&cohort);
        let name = self.sims[sim].name;
        let Some(balance) = self.sims[sim].balances.get_mut(&key) else {
            return;
        };
        let state = match (enforced, balance.is_exhausted()) {
            (false, _) => "observed",
            (true, true) => "exhausted",
            (true, false) => "within",
        };
        let stands = balance.written.as_ref().is_some_and(|row| {
            (row.limit, row.granted, row.used) == (balance.limit, balance.granted, balance.used())
                && row.state == state
                && row.thresholds == balance.thresholds
        });
        if !stands {
            let row = CycleRow {
                limit: balance.limit,
                granted: balance.granted,
                used: balance.used(),
                state: state.to_owned(),
                thresholds: balance.thresholds.clone(),
            };
            balance.written = Some(row.clone());
            let key = SimCycle {
                sim: name,
                cycle_start: key.1,
                allowance: self.accounts[key.0].id.clone(),
            };
            self.findings
                .sim_cycle
                .entry(key)
                .or_default()
                .insert(self.today, row);
        }
    }

    /// Step 3 for one SIM: cycles end and begin (Q9, Q11). Whether one did.
    pub(super) fn begin_cycles(&mut self, sim: usize, today: Day, at: i64) -> bool {
        let mut changed = false;
        let keys: Vec<BalanceKey> = self.sims[sim].balances.keys().copied().collect();
        for key in keys {
            let every = self.accounts[key.0].every;
            let was_current = self.cycle_of(sim, every, today.plus(-1)).first == key.1;
            if was_current && self.cycle_of(sim, every, today).first == today {
                self.touch(sim, key, at);
                changed = true;
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
            changed = true;
            let Some(key) = self.open(sim, allowance, cycle) else {
                continue;
            };
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
        let Some(programme) = self.rules.programme.clone() else {
            return;
        };
        self.closed_before = self
            .closed_before
            .max(today.plus(-programme.closes_after_days));
        for sim in 0..self.sims.len() {
            let keys: Vec<BalanceKey> = self.sims[sim].balances.keys().copied().collect();
            for key in keys {
                let cycle = self.cycle_of(sim, self.accounts[key.0].every, key.1);
                if self.is_closed(cycle) {
                    self.sims[sim].balances.remove(&key);
                }
            }
        }
        self.move_holding_day();
        let first = (self.holding_day, Class::Education);
        for days in self.held.values_mut() {
            *days = days.split_off(&first);
        }
        self.held.retain(|_, days| !days.is_empty());
    }

    /// E5.
    pub(super) fn move_holding_day(&mut self) {
        let Some(programme) = self.rules.programme.clone() else {
            return;
        };
        let mut earliest = self.closed_before.month_first();
        for allowance in programme
            .cohorts
            .iter()
            .flat_map(|cohort| &cohort.allowances)
        {
            let first = match allowance.every {
                Every::Days(days) => self.today.plus(-(2 * days + programme.closes_after_days)),
                every => cycle(every, self.closed_before, Day(0), &self.rules.spans).first,
            };
            earliest = earliest.min(first);
        }
        self.holding_day = self.holding_day.max(earliest);
    }
}
