//! The breaker: too many new cuts are held (B1 to B6, W10).

use std::collections::BTreeMap;

use serde_json::json;

use super::{Because, Shard};
use crate::day::HOUR;
use crate::names::Class;
use crate::registry::{Bounds, BreakerAction};
use crate::sim::Unsaid;

/// The breaker of a cohort's class.
#[derive(Default)]
pub(super) struct Breaker {
    hour: i64,
    /// New cuts by rows within that clock hour.
    cuts: u64,
    tripped: bool,
    trips: u64,
    /// The number held that was told last.
    told: u64,
}

/// Whether that many new cuts are too many (B2).
fn is_over(cuts: u64, sims: u64, partitions: u16, bounds: Bounds) -> bool {
    cuts * 1000 > bounds.share_permille * sims && cuts * u64::from(partitions) > bounds.at_least
}

impl Shard {
    /// Whether a row's new cut is held (B2, B4).
    pub(super) fn breaker_holds(&mut self, sim: usize, class: Class, because: &Because) -> bool {
        let Some((cohort, bounds, sims)) = self.share_of(sim) else {
            return false;
        };
        let hour = because.at.div_euclid(HOUR);
        let partitions = self.partitions;
        let breaker = self.breakers.entry((cohort.clone(), class)).or_default();
        if breaker.hour != hour {
            (breaker.hour, breaker.cuts) = (hour, 0);
        }
        if !breaker.tripped {
            breaker.cuts += 1;
            if !is_over(breaker.cuts, sims, partitions, bounds) {
                return false;
            }
        }
        self.set_unsaid(sim, class, Unsaid::Held);
        self.trip(&cohort, class, because);
        true
    }

    /// Holds a command's new cuts where they are too many (B3).
    pub(super) fn hold_many(&mut self, cuts: &[(usize, Class)], because: &Because) {
        let mut counts: BTreeMap<(String, Class), (u64, u64, Bounds)> = BTreeMap::new();
        for &(sim, class) in cuts {
            if let Some((cohort, bounds, sims)) = self.share_of(sim) {
                counts.entry((cohort, class)).or_insert((0, sims, bounds)).0 += 1;
            }
        }
        for ((cohort, class), (count, sims, bounds)) in counts {
            let tripped = self
                .breakers
                .get(&(cohort.clone(), class))
                .is_some_and(|breaker| breaker.tripped);
            if !tripped && !is_over(count, sims, self.partitions, bounds) {
                continue;
            }
            for &(sim, _) in cuts.iter().filter(|cut| cut.1 == class) {
                if self.sims[sim].cohort(self.steps.assignments) == Some(&cohort) {
                    self.set_unsaid(sim, class, Unsaid::Held);
                }
            }
            self.trip(&cohort, class, because);
        }
    }

    fn set_unsaid(&mut self, sim: usize, class: Class, unsaid: Unsaid) {
        if let Some(told) = self.sims[sim].told.get_mut(&class) {
            told.unsaid = Some(unsaid);
        }
    }

    /// A SIM's present cohort, its bounds, and how many SIMs are in it and have not left.
    fn share_of(&self, sim: usize) -> Option<(String, Bounds, u64)> {
        let rules = self.rules_of(sim)?;
        let sims = (0..self.sims.len())
            .filter(|&other| self.is_in(other, &rules.id) && !self.has_left(other));
        let sims = u64::try_from(sims.count()).unwrap_or(u64::MAX);
        Some((rules.id.clone(), rules.breaker, sims))
    }

    pub(super) fn is_in(&self, sim: usize, cohort: &str) -> bool {
        self.sims[sim].cohort(self.steps.assignments) == Some(cohort)
    }

    fn held_sims(&self, cohort: &str, class: Class) -> Vec<usize> {
        let is_held = |&sim: &usize| {
            let told = self.sims[sim].told.get(&class);
            self.is_in(sim, cohort) && told.is_some_and(|told| told.unsaid == Some(Unsaid::Held))
        };
        (0..self.sims.len()).filter(is_held).collect()
    }

    fn held(&self, cohort: &str, class: Class) -> u64 {
        u64::try_from(self.held_sims(cohort, class).len()).unwrap_or(u64::MAX)
    }

    fn trip(&mut self, cohort: &str, class: Class, because: &Because) {
        let held = self.held(cohort, class);
        let breaker = self.breakers.entry((cohort.to_owned(), class)).or_default();
        if breaker.tripped {
            return;
        }
        breaker.tripped = true;
        breaker.trips += 1;
        breaker.told = held;
        let trips = breaker.trips;
        self.say_held(cohort, class, trips, "fire", held, because);
    }

    fn say_held(
        &mut self,
        cohort: &str,
        class: Class,
        trips: u64,
        change: &'static str,
        held: u64,
        because: &Because,
    ) {
        let id = format!("OrdersHeld/{cohort}/{class}/{}/{trips}", self.partition);
        let details = json!({"cohort": cohort, "class": class, "held": held});
        self.say(&id, "OrdersHeld", change, details, because);
    }

    /// Step 1: the number held has changed (W10).
    pub(super) fn tell_held(&mut self, because: &Because) {
        let tripped = self.breakers.iter().filter(|(_, breaker)| breaker.tripped);
        let tripped: Vec<(String, Class)> = tripped.map(|(key, _)| key.clone()).collect();
        for (cohort, class) in tripped {
            let held = self.held(&cohort, class);
            let Some(breaker) = self.breakers.get_mut(&(cohort.clone(), class)) else {
                continue;
            };
            if breaker.told != held {
                breaker.told = held;
                let trips = breaker.trips;
                self.say_held(&cohort, class, trips, "update", held, because);
            }
        }
    }

    /// `breaker` is entered (B5).
    pub(super) fn breaker(&mut self, action: BreakerAction, cohort: &str, because: &Because) {
        let mut released = Vec::new();
        for class in Class::DECIDED {
            let held = self.held_sims(cohort, class);
            if action == BreakerAction::Drop {
                for sim in held {
                    self.set_unsaid(sim, class, Unsaid::Dropped);
                }
            } else {
                released.extend(held.into_iter().map(|sim| (sim, class)));
            }
        }
        for &(sim, class) in &released {
            if let Some(told) = self.sims[sim].told.get_mut(&class) {
                told.unsaid = None;
            }
        }
        for class in Class::DECIDED {
            let Some(breaker) = self.breakers.get_mut(&(cohort.to_owned(), class)) else {
                continue;
            };
            breaker.cuts = 0;
            if std::mem::take(&mut breaker.tripped) {
                let trips = breaker.trips;
                self.say_held(cohort, class, trips, "resolve", 0, because);
            }
        }
        let mut sims: Vec<usize> = released.iter().map(|(sim, _)| *sim).collect();
        sims.sort_unstable();
        sims.dedup();
        for sim in sims {
            self.decide(sim, because);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_trips_above_both_bounds() {
        let bounds = Bounds {
            share_permille: 200,
            at_least: 20,
        };
        assert!(!is_over(20, 50, 1, bounds));
        assert!(is_over(21, 50, 1, bounds));
        assert!(!is_over(21, 105, 1, bounds));
        assert!(is_over(6, 20, 4, bounds));
        assert!(!is_over(5, 20, 4, bounds));
    }
}
