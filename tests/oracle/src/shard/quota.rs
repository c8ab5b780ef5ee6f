//! SimQuota80 and SimExhausted (W2, W3).

use serde_json::{Value, json};

use super::{Because, Shard};
use crate::balance::Balance;
use crate::period::Scope;
use crate::sim::Action;
use crate::watch::Quota;

/// What a SIM's quota is found to be.
struct Found {
    quota: Quota,
    is_80: bool,
    is_exhausted: bool,
}

impl Shard {
    /// Looks at the quota that alerts speak of, and says what is new.
    pub(super) fn watch_quota(&mut self, sim: usize, because: &Because) {
        let found = self.look(sim);
        let known = self.sims[sim].quota.take();
        let Some(found) = found else {
            if let Some(known) = known {
                self.end_quota(sim, known, because);
            }
            return;
        };
        let mut quota = match known {
            Some(known)
                if (known.account, known.start) == (found.quota.account, found.quota.start) =>
            {
                known
            }
            Some(known) => {
                self.end_quota(sim, known, because);
                found.quota
            }
            None => found.quota,
        };
        let new_exhausted = found.is_exhausted && !quota.fires_exhausted;
        if new_exhausted && !quota.fires_80 {
            // SimExhausted came first: SimQuota80 of this cycle never fires.
            self.sims[sim].never_80.insert(quota.start);
        }
        let may_80 = !self.sims[sim].never_80.contains(&quota.start);
        if found.is_80 && may_80 && !quota.fires_80 {
            quota.fires_80 = true;
            self.say_quota(sim, &quota, "SimQuota80", "fire", because);
        }
        if new_exhausted {
            quota.fires_exhausted = true;
            self.say_quota(sim, &quota, "SimExhausted", "fire", because);
        }
        if quota.fires_80 && !found.is_80 {
            quota.fires_80 = false;
            self.say_quota(sim, &quota, "SimQuota80", "resolve", because);
        }
        if quota.fires_exhausted && !found.is_exhausted {
            quota.fires_exhausted = false;
            self.say_quota(sim, &quota, "SimExhausted", "resolve", because);
        }
        self.sims[sim].quota = Some(quota);
    }

    /// The quota that alerts speak of: of the first allowance of scope `education`, in its current cycle.
    fn look(&self, sim: usize) -> Option<Found> {
        let cohort = self.rules_of(sim)?;
        let allowance = cohort
            .allowances
            .iter()
            .find(|allowance| allowance.scope == Scope::Education)?;
        let ((account, start), _) = self.current(sim, allowance)?;
        let balance = self.current_balance(sim, allowance);
        let speaks = self.is_enforced(&cohort) && !self.has_left(sim);
        let balance = balance.filter(|balance| speaks && balance.quota() > 0);
        Some(Found {
            quota: Quota {
                account,
                allowance: allowance.id.clone(),
                start,
                fires_80: false,
                fires_exhausted: false,
            },
            is_80: cohort.thresholds.contains(&80)
                && balance.is_some_and(|balance| balance.has_reached(80)),
            is_exhausted: balance.is_some_and(Balance::is_exhausted),
        })
    }

    /// The cycle has ended, or rules no longer speak of it.
    fn end_quota(&mut self, sim: usize, quota: Quota, because: &Because) {
        if quota.fires_80 {
            self.say_quota(sim, &quota, "SimQuota80", "resolve", because);
        }
        if quota.fires_exhausted {
            self.say_quota(sim, &quota, "SimExhausted", "resolve", because);
        }
    }

    fn say_quota(
        &mut self,
        sim: usize,
        quota: &Quota,
        kind: &str,
        change: &'static str,
        because: &Because,
    ) {
        let id = format!("{kind}/{}/{}", self.sims[sim].name, quota.start);
        let details = self.quota_details(sim, quota, because.at);
        self.say(&id, kind, change, details, because);
    }

    fn quota_details(&self, sim: usize, quota: &Quota, at: i64) -> Value {
        let none = Balance::default();
        let balance = self.sims[sim]
            .balances
            .get(&(quota.account, quota.start))
            .unwrap_or(&none);
        let zone = self.rules.zone;
        let leaving = self.sims[sim].leaving.as_ref();
        let rules = leaving.map_or_else(
            || self.rules_of(sim),
            |(cohort, _)| self.rules_named(cohort),
        );
        let mut named = rules.iter().flat_map(|cohort| &cohort.allowances);
        let named = named.find(|allowance| self.account(allowance) == Some(quota.account));
        let state = named.map_or("allow", |allowance| {
            Action::of(allowance.on_exhausted).word()
        });
        let cycle = self.cycle_of(sim, self.accounts[quota.account].every, quota.start);
        let end = cycle.end().filter(|_| cycle.first == quota.start);
        let resets_at = end.map(|end| zone.midnight(end));
        let began = zone.midnight(quota.start);
        let runs_out = runs_out(balance, at - began).and_then(|after| at.checked_add(after));
        let known = cycle.first == quota.start;
        let runs_out = runs_out.filter(|&at| resets_at.map_or(known, |resets_at| at < resets_at));
        let runs_out = runs_out.filter(|&at| crate::check::time(at).is_ok());
        self.about(
            sim,
            json!({
                "allowance": quota.allowance,
                "cycle": quota.start,
                "limit_bytes": balance.limit,
                "granted_bytes": balance.granted,
                "used_bytes": balance.used(),
                "resets_at_ms": resets_at,
                "resets_on": end,
                "runs_out_on": runs_out.map(|at| zone.date(at)),
                "state": state,
            }),
        )
    }
}

/// After how long, at the pace of the cycle so far, the quota is used; none where nothing is left or used.
fn runs_out(balance: &Balance, elapsed: i64) -> Option<i64> {
    let left = u128::from(balance.quota() - balance.drawn().min(balance.quota()));
    let used = u128::from(balance.used());
    if left == 0 || used == 0 {
        return None;
    }
    let elapsed = u128::try_from(elapsed).ok()?;
    i64::try_from(left * elapsed / used).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_lasts_at_the_pace_so_far() {
        let balance = Balance {
            limit: 100,
            rows: 80,
            ..Balance::default()
        };
        assert_eq!(runs_out(&balance, 1_000), Some(250));
        assert_eq!(
            runs_out(
                &Balance {
                    rows: 0,
                    ..balance.clone()
                },
                1_000
            ),
            None
        );
        assert_eq!(
            runs_out(
                &Balance {
                    rows: 120,
                    ..balance
                },
                1_000
            ),
            None
        );
    }
}
