//! Enrolment, retirement, and what they do to a SIM (E1, E2, E6).

use super::{Because, Shard};
use crate::day::Day;
use crate::findings::{AssignmentKey, AssignmentRow};
use crate::names::Pseudonym;
use crate::registry::Enrol;
use crate::sim::{Assignment, Sim};

/// What of a SIM's present assignment others ask.
pub(super) struct Standing {
    pub(super) cohort: Option<String>,
    school: String,
    device: Option<Pseudonym>,
    pub(super) has_left: bool,
}

impl Standing {
    pub(super) fn of(sim: &Sim, today: Day) -> Standing {
        Standing {
            cohort: sim.cohort(today).map(str::to_owned),
            school: sim.school(today),
            device: sim.enrolled_device(today),
            has_left: sim.has_left(today),
        }
    }
}

impl Shard {
    /// The present assignment may be another one, or have ended.
    pub(super) fn reassign(&mut self, sim: usize, before: &Standing, because: &Because) {
        let now = Standing::of(&self.sims[sim], self.steps.assignments);
        if now.has_left && !before.has_left {
            let cohort = before.cohort.clone().unwrap_or_default();
            self.sims[sim].leaving = Some((cohort, before.school.clone()));
            self.leave(sim, because);
            self.sims[sim].leaving = None;
        }
        if now.cohort != before.cohort {
            self.sims[sim].forget_unsaid();
            self.follow_rules(sim, because.at);
        }
        if now.device != before.device {
            self.end_moved(sim, because);
        }
        self.open_current(sim);
        self.touch_ended(sim, because.at);
    }

    pub(super) fn enrol(&mut self, enrol: &Enrol, revision: u64, at: i64, offset: u64) {
        let known = self.by_name.get(&enrol.sim).copied();
        let sim = known.unwrap_or(self.sims.len());
        if known.is_none() {
            self.sims.push(Sim::new(enrol.sim, enrol.valid_from));
            self.by_name.insert(enrol.sim, sim);
        }
        let before = Standing::of(&self.sims[sim], self.steps.assignments);
        let assignment = Assignment {
            cohort: enrol.cohort.clone(),
            place: enrol.place.clone(),
            device: enrol.device,
            device_tac: enrol.device_tac.unwrap_or(0),
            valid_until: enrol.valid_until,
        };
        self.tell_assignment(enrol.sim, enrol.valid_from, &assignment, revision);
        self.sims[sim]
            .assignments
            .insert(enrol.valid_from, assignment);
        let fresh = known.is_none() || (before.has_left && !self.has_left(sim));
        let because = Because::new(
            if fresh { "enrolled" } else { "policy_changed" },
            at,
            offset,
        );
        self.reassign(sim, &before, &because);
        self.open_ended(sim, at);
        self.take_over(sim, at);
        self.settle(sim, &because);
        if fresh {
            self.decide_all(sim, &because);
        } else {
            self.decide(sim, &because);
        }
    }

    /// Held bytes of the days on which the SIM is enrolled (E6).
    fn take_over(&mut self, sim: usize, at: i64) {
        let name = self.sims[sim].name;
        for ((day, class), bytes) in self.held.remove(&name).unwrap_or_default() {
            if self.sims[sim].is_enrolled(day) {
                self.charge(sim, day, self.rules.charged(class), bytes, at);
            } else {
                self.held
                    .entry(name)
                    .or_default()
                    .insert((day, class), bytes);
            }
        }
    }

    pub(super) fn retire(
        &mut self,
        name: Pseudonym,
        day: Day,
        revision: u64,
        at: i64,
        offset: u64,
    ) {
        let Some(&sim) = self.by_name.get(&name) else {
            return;
        };
        let before = Standing::of(&self.sims[sim], self.steps.assignments);
        let mut told = Vec::new();
        let lasts =
            |assignment: &Assignment| assignment.valid_until.is_none_or(|until| until > day);
        for (&from, assignment) in &mut self.sims[sim].assignments {
            if from < day && lasts(assignment) {
                assignment.valid_until = Some(day);
                told.push((from, assignment.clone()));
            } else if from >= day {
                // What is removed is told as an assignment without days.
                told.push((
                    from,
                    Assignment {
                        valid_until: Some(from),
                        ..assignment.clone()
                    },
                ));
            }
        }
        let present = self.sims[sim].present(self.steps.assignments).cloned();
        self.sims[sim].assignments.retain(|&from, _| from < day);
        if self.sims[sim].assignments.is_empty() {
            self.sims[sim].gone = present;
        }
        for (from, assignment) in told {
            self.tell_assignment(name, from, &assignment, revision);
        }
        let because = Because::new("retired", at, offset);
        self.reassign(sim, &before, &because);
        self.settle(sim, &because);
        self.decide(sim, &because);
    }

    fn tell_assignment(
        &mut self,
        sim: Pseudonym,
        valid_from: Day,
        assignment: &Assignment,
        revision: u64,
    ) {
        let key = AssignmentKey {
            sim,
            valid_from,
            booked_day: self.today,
        };
        let row = AssignmentRow {
            cohort: assignment.cohort.clone(),
            place: assignment.place.clone(),
            valid_until: assignment.valid_until,
            revision,
        };
        self.findings.assignments.insert(key, row);
    }

    /// What an account of that id stood at elsewhere (Q13).
    pub(super) fn opening(&mut self, opening: &crate::registry::Opening, at: i64, offset: u64) {
        let Some(&sim) = self.by_name.get(&opening.sim) else {
            return;
        };
        let Some(cohort) = self.rules_of(sim) else {
            return;
        };
        let Some(allowance) = cohort
            .allowances
            .iter()
            .find(|allowance| allowance.id == opening.allowance)
        else {
            return;
        };
        let cycle = self.cycle_of(sim, allowance.every, opening.as_of);
        let Some(account) = self.account(allowance) else {
            return;
        };
        let key = (account, cycle.first);
        if self.is_closed(cycle) {
            return;
        }
        let Some(balance) = self.sims[sim].balances.get_mut(&key) else {
            return;
        };
        if opening.revision <= balance.opening_revision {
            return;
        }
        balance.opening_revision = opening.revision;
        balance.opening = opening.used_bytes;
        if self.cycle_of(sim, allowance.every, self.steps.cycles) != cycle {
            self.touch(sim, key, at);
        }
        let because = Because::new("policy_changed", at, offset);
        self.settle(sim, &because);
        self.decide(sim, &because);
    }
}
