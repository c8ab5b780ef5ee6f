//! What stands in the books in the end.

use super::account::DECIDED;
use super::quotas::Quotas;
use super::{Balance, GrantUse, Order};
use crate::policy::{Class, Grant};
use crate::population::Imsi;
use crate::zone::{Date, month_of};

impl Quotas {
    /// What a SIM has used of its allowances in a month.
    pub(super) fn used(&self, imsi: Imsi, month: Date) -> Vec<(Class, u64)> {
        let accounts = self
            .sims
            .get(&imsi)
            .and_then(|sim| sim.accounts.get(&month));
        let Some(accounts) = accounts else {
            return Vec::new();
        };
        let classes = DECIDED.into_iter().zip(accounts);
        classes
            .filter_map(|(class, account)| Some((class, account.as_ref()?.used)))
            .collect()
    }

    /// The last decision of each SIM and class.
    pub(super) fn orders(&self) -> Vec<Order> {
        let mut orders = Vec::new();
        for (imsi, sim) in &self.sims {
            for (class, last) in DECIDED.into_iter().zip(sim.last) {
                if let Some((action, sequence)) = last {
                    orders.push(Order {
                        imsi: *imsi,
                        class,
                        action,
                        sequence,
                    });
                }
            }
        }
        orders.sort();
        orders
    }

    /// Every balance that was opened.
    pub(super) fn balances(&self) -> Vec<Balance> {
        let mut balances = Vec::new();
        for (imsi, sim) in &self.sims {
            for (cycle, accounts) in &sim.accounts {
                let current = *cycle == month_of(self.today());
                for (class, account) in DECIDED.into_iter().zip(accounts) {
                    if let Some(account) = account {
                        let grants = if current && class == Class::Education {
                            self.left_of_grants(sim)
                        } else {
                            0
                        };
                        balances.push(Balance {
                            imsi: *imsi,
                            cycle: *cycle,
                            allowance: class,
                            standing: account.standing(grants),
                        });
                    }
                }
            }
        }
        balances.sort();
        balances
    }

    /// What became of the programme's grants.
    pub(super) fn grants(&self) -> Vec<GrantUse> {
        let grants = self
            .programme
            .iter()
            .flat_map(|p| p.grants.iter().enumerate());
        let sum = |(place, grant): (usize, &Grant)| {
            let of = self.sims.values().filter(|sim| sim.cohort == grant.cohort);
            let sims = of.clone().count() as u64;
            GrantUse {
                id: grant.id.clone(),
                sims,
                given_bytes: sims * grant.bytes_per_sim,
                used_bytes: of.map(|sim| sim.grants_used[place]).sum(),
            }
        };
        grants.map(sum).collect()
    }
}
