//! What is wanted of a class, and until when (X2, X6, X7).

use super::Shard;
use crate::balance::Balance;
use crate::day::Day;
use crate::names::Class;
use crate::period::{Cycle, Scope};
use crate::registry::{Allowance, Cohort};
use crate::said::Standing;
use crate::sim::Action;

impl Shard {
    pub(super) fn has_left(&self, sim: usize) -> bool {
        self.sims[sim].has_left(self.steps.assignments)
    }

    /// X2; `system` is always allowed (X1).
    pub(super) fn wanted(&self, sim: usize, class: Class) -> Action {
        let Some(cohort) = self.rules_of(sim) else {
            return Action::Allow;
        };
        if class == Class::System || !self.is_enforced(&cohort) {
            return Action::Allow;
        }
        if self.has_left(sim) {
            return Action::Block;
        }
        if self.opened_until(&cohort, class).is_some() {
            return Action::Allow;
        }
        let cuts = self
            .cuts(sim, &cohort, class)
            .into_iter()
            .map(|(allowance, _)| Action::of(allowance.on_exhausted));
        cuts.max_by_key(|action| action.strictness())
            .unwrap_or(Action::Allow)
    }

    /// The exhausted allowances that cut a class, with their current cycles.
    fn cuts<'a>(
        &self,
        sim: usize,
        cohort: &'a Cohort,
        class: Class,
    ) -> Vec<(&'a Allowance, Cycle)> {
        let cuts = |allowance: &&Allowance| {
            (allowance.scope.is(class) || allowance.scope == Scope::All)
                && Action::of(allowance.on_exhausted) != Action::Allow
                && self.current_balance(sim, allowance).map_or(
                    // It has used nothing, and has no grants (Q10).
                    allowance.bytes == 0,
                    Balance::is_exhausted,
                )
        };
        let cutting = cohort.allowances.iter().filter(cuts);
        cutting
            .map(|allowance| {
                (
                    allowance,
                    self.cycle_of(sim, allowance.every, self.steps.cycles),
                )
            })
            .collect()
    }

    /// The day behind the last one of the calendar's entries that hold today and open a class, if there are any.
    fn opened_until(&self, cohort: &Cohort, class: Class) -> Option<Day> {
        let today = self.steps.calendar;
        let opening = self
            .rules
            .spans
            .iter()
            .filter(|span| span.is_for(&cohort.id) && span.opens(class));
        opening
            .filter(|span| span.holds(today))
            .map(|span| span.to.plus(1))
            .max()
    }

    /// The first day on which an entry that is still to come opens a class.
    fn opens_next(&self, cohort: &Cohort, class: Class) -> Option<Day> {
        let today = self.steps.calendar;
        let opening = self
            .rules
            .spans
            .iter()
            .filter(|span| span.is_for(&cohort.id) && span.opens(class));
        opening
            .map(|span| span.from)
            .filter(|&from| from > today)
            .min()
    }

    /// X7.
    pub(super) fn until(&self, sim: usize, class: Class, action: Action) -> Option<i64> {
        let cohort = self.rules_of(sim)?;
        if class == Class::System || self.has_left(sim) {
            return None;
        }
        let cuts = self.cuts(sim, &cohort, class);
        let cycles_end = self.last_end(&cuts);
        let midnight = |day: Day| self.rules.zone.midnight(day);
        if action != Action::Allow {
            let opens = self.opens_next(&cohort, class);
            return cycles_end.into_iter().chain(opens).min().map(midnight);
        }
        if cuts.is_empty() {
            return None;
        }
        let mut shield = self.opened_until(&cohort, class);
        if !self.is_enforced(&cohort) {
            shield = shield.max(Some(cohort.enforce_from?));
        }
        let shield = shield?;
        cycles_end
            .is_none_or(|end| end > shield)
            .then(|| midnight(shield))
    }

    /// The day behind the last of the cycles, if it ends and none of the allowances is one of 0 bytes.
    fn last_end(&self, cuts: &[(&Allowance, Cycle)]) -> Option<Day> {
        if cuts.iter().any(|(allowance, _)| allowance.bytes == 0) {
            return None;
        }
        let ends: Option<Vec<Day>> = cuts.iter().map(|(_, cycle)| cycle.end()).collect();
        ends?.into_iter().max()
    }

    /// X6: the deciding allowance as it stands, and its cycle's first day.
    pub(super) fn deciding(&self, sim: usize, class: Class, action: Action) -> (Standing, Day) {
        let none = || (Standing::default(), self.today.month_first());
        let Some(cohort) = self.rules_of(sim) else {
            return none();
        };
        let wants = |allowance: &&Allowance| Action::of(allowance.on_exhausted) == action;
        let cuts = self.cuts(sim, &cohort, class);
        let cutting = cuts.iter().map(|(allowance, _)| *allowance).find(wants);
        let cutting = cutting.filter(|_| action != Action::Allow);
        let its_own = || {
            cohort
                .allowances
                .iter()
                .find(|allowance| allowance.scope.is(class))
        };
        let of_all = || {
            cohort
                .allowances
                .iter()
                .find(|allowance| allowance.scope == Scope::All)
        };
        let Some(allowance) = cutting.or_else(its_own).or_else(of_all) else {
            return none();
        };
        let cycle = self.cycle_of(sim, allowance.every, self.steps.cycles);
        let balance = self.current_balance(sim, allowance);
        let standing = Standing {
            id: allowance.id.clone(),
            limit_bytes: balance.map_or(allowance.bytes, |balance| balance.limit),
            granted_bytes: balance.map_or(0, |balance| balance.granted),
            used_bytes: balance.map_or(0, Balance::used),
        };
        (standing, cycle.first)
    }
}
