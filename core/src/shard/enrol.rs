//! Enrolment: a SIM becomes part of the programme, takes over what was held, and is decided.

use super::{Effects, Now, Shard};
use crate::calendar::Day;
use crate::decision::{Action, Reason};
use crate::facts::Fact;
use crate::programme::ALLOWANCES;
use crate::registry::Enrolment;
use crate::roster::{Assigned, DECIDED, Decided, QuotaAlerts, Sim};

impl Shard {
    /// Applies an `enrol` command.
    pub(super) fn enrol(
        &mut self,
        enrolment: &Enrolment,
        revision: u64,
        now: Now,
        effects: &mut Effects,
    ) {
        let assigned = Assigned {
            valid_from: Day::of(enrolment.valid_from),
            revision,
            version: now.offset,
            dirty: true,
        };
        let cohort = self.cohorts.number(&enrolment.cohort);
        let place = self.places.number(&enrolment.place);
        let known = self.roster.number(&enrolment.sim);
        let (number, reason) = match known {
            Some(number) => {
                self.assign_again(number, assigned);
                (number, Reason::PolicyChanged)
            }
            None => {
                let number = self.roster.enrol(Sim {
                    id: enrolment.sim,
                    cohort,
                    place,
                    enrolled_from: assigned.valid_from,
                    decided: [Decided {
                        action: Action::Allow,
                        sequence: 0,
                    }; 3],
                    alerts: QuotaAlerts::default(),
                    balances: Vec::new(),
                    assignment: assigned,
                });
                self.booking.waiting.assignments.push(number);
                (number, Reason::Enrolled)
            }
        };
        let sim = self.roster.get_mut(number);
        (sim.cohort, sim.place) = (cohort, place);
        sim.enrolled_from = sim.enrolled_from.min(assigned.valid_from);
        let opened = self.open_balances(number, now);
        let taken_over = self.take_over(number, now);
        if opened || taken_over {
            self.touch_cycles(number, self.cycles.open_from, now.offset);
        }
        self.follow_programme(number, now);
        for class in DECIDED {
            self.decide(number, class, reason, now, effects);
        }
        self.update_alerts(number, now, effects);
    }

    /// Notes a later assignment. One of another date that still waits is finished first; one of the same date gives
    /// way, for it has the same key.
    fn assign_again(&mut self, number: u32, assigned: Assigned) {
        let old = self.roster.get(number).assignment;
        if !old.dirty {
            self.booking.waiting.assignments.push(number);
        } else if old.valid_from != assigned.valid_from {
            let (id, valid_from) = (self.roster.get(number).id, assigned.valid_from.date());
            let displaced = self.assignment_fact(number);
            let finished = &mut self.booking.waiting.finished;
            // Within one entry a key has one row: the last.
            finished.retain(|fact| {
                !matches!(fact, Fact::Assignment(row) if row.sim == id
                    && row.valid_from == valid_from && row.version == assigned.version)
            });
            finished.push_back(displaced);
        }
        self.roster.get_mut(number).assignment = assigned;
    }

    /// Opens the balances of the months that are open, up to the current one; says whether there was one to open.
    fn open_balances(&mut self, number: u32, now: Now) -> bool {
        let before = self.roster.get(number).balances.len();
        let mut month = self.cycles.open_from;
        while month <= self.cycles.current {
            self.open_balance(number, month, now);
            month = month.next();
        }
        self.roster.get(number).balances.len() > before
    }

    /// Takes over the bytes that were held since the SIM's enrolment is valid, and says whether there were any. Closed
    /// months hold none.
    fn take_over(&mut self, number: u32, now: Now) -> bool {
        let sim = self.roster.get_mut(number);
        let rules = self.programme.cohort(sim.cohort);
        let thresholds = rules.map_or(&[][..], |rules| &rules.thresholds);
        let taken = self.held.take(&sim.id, sim.enrolled_from);
        for held in &taken {
            let month = held.day.month();
            assert!(!self.cycles.is_closed(month), "closed months hold nothing");
            if sim.balance(month).is_none() {
                assert!(month > self.cycles.current, "an open month has its balance");
                let balance = super::rows::new_balance(sim, month, now.at_ms, &self.programme);
                sim.balances.push(balance);
            }
            let Some(balance) = sim.balance_mut(month) else {
                unreachable!("the balance was opened above");
            };
            balance.take_over(held.class, held.bytes);
            for class in ALLOWANCES {
                balance.mark_reached(class, thresholds, now.at_ms);
            }
        }
        !taken.is_empty()
    }
}
