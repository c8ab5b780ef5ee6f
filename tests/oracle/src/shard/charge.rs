//! A row's bytes in the accounts that take them, and grants (Q5, Q7, Q8).

use super::Shard;
use crate::day::Day;
use crate::names::Class;
use crate::period::Account;
use crate::sim::BalanceKey;

impl Shard {
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
        // Two accounts of one id share grants: the balance that was opened first comes first.
        let balances = &self.sims[sim].balances;
        let mut keys: Vec<BalanceKey> = balances.keys().copied().collect();
        keys.sort_by_key(|key| balances[key].opened);
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
    pub(super) fn grants_of(
        &self,
        sim: usize,
        account: &str,
        day: Day,
    ) -> impl Iterator<Item = usize> {
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
}
