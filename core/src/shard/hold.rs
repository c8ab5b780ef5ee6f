//! Decisions that the breaker holds. Rules: `docs/semantics.md`, B1 to B6, W10.

use std::collections::BTreeMap;

use super::decide::{Gate, place};
use super::rows::RowAt;
use super::{Effects, Now, Shard};
use crate::alert::{Change, OrdersHeld, Subject};
use crate::breaker::Bounds;
use crate::decision::Reason;
use crate::registry::{self, BreakerAction, BreakerOrder, Class};
use crate::roster::{CUT, Hold};

impl Shard {
    /// Whether the breaker holds a new cut of a class.
    pub(super) fn holds(&mut self, number: u32, class: Class, gate: Gate) -> bool {
        if matches!(gate, Gate::Free | Gate::Through) {
            return false;
        }
        let cohort = self.roster.get(number).cohort;
        if self.breakers.is_tripped(cohort, class) {
            return true;
        }
        if gate == Gate::Command {
            return false;
        }
        let bounds = self.bounds(cohort);
        let clock_ms = self.clock_ms;
        self.breakers.of(cohort, class).count(clock_ms, bounds)
    }

    fn bounds(&self, cohort: u32) -> Bounds {
        let rules = self.programme.cohort(cohort);
        Bounds {
            rules: rules.map_or_else(registry::Breaker::default, |rules| rules.breaker),
            sims: self.roster.in_cohort(cohort),
            partitions: self.config.partitions,
        }
    }

    /// Counts the new cuts of a command before one of them is emitted.
    pub(super) fn look_at_command(&mut self) {
        let mut cuts = BTreeMap::<(u32, Class), u64>::new();
        for sim in self.roster.all().iter() {
            for class in CUT {
                let last = sim.decided[place(class)];
                let free = last.sequence > 0 && last.hold == Hold::None;
                if free && self.wanted(sim, class).is_stricter_than(last.action) {
                    *cuts.entry((sim.cohort, class)).or_default() += 1;
                }
            }
        }
        for ((cohort, class), cuts) in cuts {
            let bounds = self.bounds(cohort);
            if !self.breakers.is_tripped(cohort, class) {
                self.breakers.of(cohort, class).look_at(cuts, bounds);
            }
        }
    }

    /// Sets whether a class's decision is held, and keeps count.
    pub(super) fn set_hold(&mut self, number: u32, class: Class, hold: Hold) {
        let sim = self.roster.get_mut(number);
        let before = std::mem::replace(&mut sim.decided[place(class)].hold, hold);
        if before == hold {
            return;
        }
        let breaker = self.breakers.of(sim.cohort, class);
        match (before == Hold::Held, hold == Hold::Held) {
            (false, true) => breaker.held += 1,
            // A breaker that has closed holds nothing.
            (true, false) => breaker.held = breaker.held.saturating_sub(1),
            _ => {}
        }
    }

    /// Nothing of a SIM is held any more: it leaves, or its cohort is another one.
    pub(super) fn let_go(&mut self, number: u32) {
        for class in CUT {
            self.set_hold(number, class, Hold::None);
        }
    }

    /// Tells of breakers that tripped while an entry was applied.
    pub(super) fn tell_tripped(
        &mut self,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        for (cohort, class) in self.breakers.tripped() {
            if self.breakers.of(cohort, class).revision == 0 {
                self.tell_breaker(cohort, class, Change::Fire, cause, now, effects);
            }
        }
    }

    /// Tells, at a midnight, of how many are held where that has changed.
    pub(super) fn tell_held(&mut self, now: Now, effects: &mut Effects) {
        for (cohort, class) in self.breakers.tripped() {
            let breaker = self.breakers.of(cohort, class);
            if breaker.held != breaker.told {
                self.tell_breaker(cohort, class, Change::Update, None, now, effects);
            }
        }
    }

    fn tell_breaker(
        &mut self,
        cohort: u32,
        class: Class,
        change: Change,
        cause: Option<RowAt<'_>>,
        now: Now,
        effects: &mut Effects,
    ) {
        let cause = cause.map(|cause| self.cause(cause));
        let breaker = self.breakers.of(cohort, class);
        breaker.revision += 1;
        breaker.told = breaker.held;
        let breaker = *breaker;
        let name = self.cohorts.value(cohort).clone();
        let partition = self.config.partition;
        let id = format!("{name}/{}/{partition}/{}", class.as_str(), breaker.trips);
        let subject = Subject::OrdersHeld(OrdersHeld {
            cohort: name,
            class,
            held: breaker.held,
        });
        let revision = breaker.revision;
        self.tell(&id, revision, change, subject, cause, now, effects);
    }

    /// Releases or drops what is held of a cohort.
    pub(super) fn order_breaker(&mut self, order: &BreakerOrder, now: Now, effects: &mut Effects) {
        let Some(cohort) = self.cohorts.known(&order.cohort) else {
            return;
        };
        for class in CUT {
            let tripped = self.breakers.is_tripped(cohort, class);
            self.breakers.of(cohort, class).close();
            if tripped {
                self.tell_breaker(cohort, class, Change::Resolve, None, now, effects);
            }
        }
        for number in self.roster.numbers() {
            if self.roster.get(number).cohort != cohort {
                continue;
            }
            for class in CUT {
                if self.roster.get(number).decided[place(class)].hold != Hold::Held {
                    continue;
                }
                match order.action {
                    BreakerAction::Drop => self.set_hold(number, class, Hold::Dropped),
                    BreakerAction::Release => {
                        self.set_hold(number, class, Hold::None);
                        self.decide(number, class, Reason::Released, Gate::Free, now, effects);
                    }
                }
            }
        }
    }
}
