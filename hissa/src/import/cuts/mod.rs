//! How many SIMs new rules would cut, said before they are entered; and those that stand, before they are enforced.
//!
//! An estimate from the balances that ClickHouse has: what grants have paid so far is not among them, and is taken for
//! what was used beyond the limit. The shards decide by the rows themselves.

pub mod balances;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use hissa_core::decision::Action;
use hissa_core::registry::{Class, Cohort, OnExhausted};
use hissa_core::sim::SimId;
use jiff::civil::Date;
use serde::Serialize;

pub use rules::Rules;

/// What ClickHouse says of an allowance of a SIM in a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Its id.
    pub allowance: String,
    pub cycle_start: Date,
    /// With what was rolled over.
    pub limit_bytes: u64,
    pub granted_bytes: u64,
    pub used_bytes: u64,
    /// Whether the shard found it exhausted; false also where the cohort is only observed.
    pub exhausted: bool,
}

/// SIMs of a cohort that the new rules leave less than they have now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    pub cohort: String,
    pub class: &'static str,
    #[serde(flatten)]
    pub action: Action,
    /// The day on which it comes, where the cohort is only observed until then; none: at once.
    pub on: Option<Date>,
    pub sims: u64,
}

/// The count, SIM by SIM.
pub struct Count<'a> {
    before: Rules<'a>,
    after: Rules<'a>,
    today: Date,
    cuts: BTreeMap<(String, Option<Date>, Class, Action), u64>,
}

/// The classes that can be cut.
const CLASSES: [Class; 2] = [Class::Education, Class::Other];

impl<'a> Count<'a> {
    /// Nothing is counted yet.
    pub fn new(before: Rules<'a>, after: Rules<'a>, today: Date) -> Count<'a> {
        Count {
            before,
            after,
            today,
            cuts: BTreeMap::new(),
        }
    }

    /// Adds so many SIMs of a cohort with these balances; `sim` where it is one, for grants of its own.
    pub fn add(&mut self, sim: Option<SimId>, cohort: &str, balances: &[Balance], sims: u64) {
        let Some(new) = self.after.cohort(cohort) else {
            return;
        };
        let Some(enforce_from) = new.enforce_from else {
            return;
        };
        let on = (enforce_from > self.today).then_some(enforce_from);
        for class in CLASSES {
            let wanted = self.wanted_after(sim, new, class, balances, on);
            let now = match on {
                // What will be is told whether or not it was so before: the day is still to come.
                Some(_) => Action::Allow,
                None => self.wanted_before(sim, cohort, class, balances),
            };
            if wanted.is_stricter_than(now) {
                let key = (cohort.to_owned(), on, class, wanted);
                *self.cuts.entry(key).or_default() += sims;
            }
        }
    }

    /// What was counted: by cohort, what comes at once before what comes later.
    pub fn cuts(self) -> Vec<Cut> {
        let cut = |((cohort, on, class, action), sims): ((String, _, Class, _), _)| Cut {
            cohort,
            class: class.as_str(),
            action,
            on,
            sims,
        };
        self.cuts.into_iter().map(cut).collect()
    }

    fn wanted_before(
        &self,
        sim: Option<SimId>,
        cohort: &str,
        class: Class,
        balances: &[Balance],
    ) -> Action {
        let Some(old) = self.before.cohort(cohort) else {
            return Action::Allow;
        };
        if old.enforce_from.is_none_or(|from| from > self.today) {
            return Action::Allow;
        }
        let (rules, today) = (&self.before, self.today);
        strictest(rules, old, class, today, |place| {
            let allowance = &old.allowances[place];
            let balance = rules.current(balances, allowance, today);
            let limit = balance.map_or(allowance.bytes, |balance| balance.limit_bytes);
            let granted = rules.granted(sim, old, &allowance.id, today);
            is_exhausted(balance, limit, |left| match balance {
                Some(_) => left,
                None => granted,
            })
        })
    }

    fn wanted_after(
        &self,
        sim: Option<SimId>,
        new: &Cohort,
        class: Class,
        balances: &[Balance],
        on: Option<Date>,
    ) -> Action {
        let day = on.unwrap_or(self.today);
        let old = self.before.cohort(&new.id);
        strictest(&self.after, new, class, day, |place| {
            let allowance = &new.allowances[place];
            let account = (allowance.id.as_str(), allowance.scope, allowance.every);
            // Another scope or period is another account, which begins with nothing used.
            let same = old
                .into_iter()
                .flat_map(|old| &old.allowances)
                .find(|old| (old.id.as_str(), old.scope, old.every) == account);
            let balance = same.and_then(|_| self.before.current(balances, allowance, day));
            let granted_after = self.after.granted(sim, new, &allowance.id, day);
            let Some((same, balance)) = same.zip(balance) else {
                return is_exhausted(None, allowance.bytes, |_| granted_after);
            };
            let granted_before = self.before.granted(sim, new, &allowance.id, day);
            let rolled = balance.limit_bytes.saturating_sub(same.bytes);
            is_exhausted(
                Some(balance),
                allowance.bytes.saturating_add(rolled),
                |left| {
                    left.saturating_add(granted_after)
                        .saturating_sub(granted_before)
                },
            )
        })
    }
}

/// Whether a balance is used up under a limit; `left` makes of what is left of its grants what would be.
fn is_exhausted(
    balance: Option<&Balance>,
    limit_bytes: u64,
    left: impl FnOnce(u64) -> u64,
) -> bool {
    let Some(balance) = balance else {
        return limit_bytes == 0 && left(0) == 0;
    };
    let paid = if balance.exhausted {
        balance.granted_bytes
    } else {
        let over = balance.used_bytes.saturating_sub(balance.limit_bytes);
        over.min(balance.granted_bytes)
    };
    left(balance.granted_bytes - paid) == 0
        && balance.used_bytes.saturating_sub(paid) >= limit_bytes
}

/// The strictest of what the exhausted allowances of a class say, unless the calendar opens it (semantics X2).
fn strictest(
    rules: &Rules<'_>,
    cohort: &Cohort,
    class: Class,
    day: Date,
    mut is_exhausted: impl FnMut(usize) -> bool,
) -> Action {
    if rules.opens(cohort, class, day) {
        return Action::Allow;
    }
    let mut wanted = Action::Allow;
    for (place, allowance) in cohort.allowances.iter().enumerate() {
        let action = match allowance.on_exhausted {
            OnExhausted::Block => Action::Block,
            OnExhausted::Throttle { kbit_s } => Action::Throttle { kbit_s },
            OnExhausted::Notify => Action::Allow,
        };
        if allowance.scope.covers(class) && action.is_stricter_than(wanted) && is_exhausted(place) {
            wanted = action;
        }
    }
    wanted
}

/// The counts as lines for people; `as_of` says when the balances were so.
pub fn text(cuts: &[Cut], enrolled: u64, as_of: &str) -> String {
    if cuts.is_empty() {
        return format!(
            "These rules would cut none of {enrolled} enrolled SIMs (balances as of {as_of}).\n"
        );
    }
    let mut text = format!(
        "These rules would cut, of {enrolled} enrolled SIMs, by the balances as of {as_of}:\n"
    );
    for cut in cuts {
        let what = match cut.action {
            Action::Allow => "allowed".to_owned(),
            Action::Throttle { kbit_s } => format!("throttled to {kbit_s} kbit/s"),
            Action::Block => "blocked".to_owned(),
        };
        let when = match cut.on {
            None => "at once".to_owned(),
            Some(date) => format!("on {date}, when the cohort is enforced"),
        };
        let sims = if cut.sims == 1 { "SIM" } else { "SIMs" };
        text += &format!(
            "  {}: {} {what} for {} {sims} {when}\n",
            cut.cohort, cut.class, cut.sims
        );
    }
    text
}
