//! SIMs that come, move and leave. Rules: `docs/semantics.md`, sections 7 and 8 (openings).

use super::decide::Gate;
use super::watch::device_hash;
use super::{Effects, Now, Shard};
use crate::cycle::Cycle;
use crate::decision::Reason;
use crate::facts::{self, Fact};
use crate::registry::{Enrolment, Opening, Retirement};
use crate::roster::{Assignment, CUT, DECIDED, Sim};
use crate::sim::SimId;
use crate::zone::Day;

impl Shard {
    /// Applies an `enrol` command.
    pub(super) fn enrol(
        &mut self,
        told: &Enrolment,
        revision: u64,
        now: Now,
        effects: &mut Effects,
    ) {
        let assignment = Assignment {
            from: Day::of(told.valid_from),
            until: told.valid_until.map_or(Day::LAST, Day::of),
            cohort: self.cohorts.number(&told.cohort),
            place: self.place_number(&told.place),
            device: told.device.map_or(0, |device| device_hash(&device.0)),
            device_tac: told.device_tac,
            revision,
        };
        let known = self.roster.number(&told.sim);
        let number = match known {
            Some(number) => number,
            None => self.begin(told.sim, assignment.from),
        };
        let had_left = self.roster.get(number).has_left;
        self.write_assignment(number, &assignment, now);
        let sim = self.roster.get_mut(number);
        let mut assignments: Vec<Assignment> = sim.assignments().collect();
        match assignments.binary_search_by_key(&assignment.from, |a| a.from) {
            Ok(place) => assignments[place] = assignment,
            Err(place) => assignments.insert(place, assignment),
        }
        sim.set_assignments(assignments);
        self.attend(number, now, effects);
        // What was held is taken over under the limits of the cohort that the SIM is in now.
        self.follow_limits(number);
        self.open_enrolled_balances(number, now);
        self.take_over(number, now);
        let enrolled = known.is_none() || (had_left && !self.roster.get(number).has_left);
        if !enrolled {
            return self.settle(number, Reason::PolicyChanged, now, effects);
        }
        self.follow_rules(number, now);
        for class in DECIDED {
            self.decide(number, class, Reason::Enrolled, Gate::Through, now, effects);
        }
        self.update_quota_alerts(number, None, now, effects);
    }

    /// Makes a SIM known; the cells that it has as a stranger are its own.
    fn begin(&mut self, id: SimId, activation: Day) -> u32 {
        let number = self.roster.enrol(Sim::new(id, activation));
        let first_cell = self.booking.cells.adopt(&id, number);
        self.roster.get_mut(number).first_cell = first_cell;
        number
    }

    /// Applies a `retire` command.
    pub(super) fn retire(
        &mut self,
        told: &Retirement,
        revision: u64,
        now: Now,
        effects: &mut Effects,
    ) {
        let Some(number) = self.roster.number(&told.sim) else {
            return;
        };
        let at = Day::of(told.at);
        let sim = self.roster.get_mut(number);
        let mut changed = Vec::new();
        let mut assignments: Vec<Assignment> = sim.assignments().collect();
        for assignment in &mut assignments {
            // An assignment that falls away ends as it begins.
            let until = at.max(assignment.from);
            if until < assignment.until {
                assignment.until = until;
                assignment.revision = revision;
                changed.push(*assignment);
            }
        }
        assignments.retain(|a| a.from < a.until);
        sim.set_assignments(assignments);
        for assignment in &changed {
            self.write_assignment(number, assignment, now);
        }
        self.attend(number, now, effects);
        self.settle(number, Reason::Retired, now, effects);
    }

    /// Finds the present assignment anew; what rests on the old one ends. Says whether the SIM leaves.
    fn attend(&mut self, number: u32, now: Now, effects: &mut Effects) -> bool {
        let sim = self.roster.get(number);
        let (had_left, cohort, device) = (sim.has_left, sim.cohort, sim.device);
        let presence = sim.presence(self.today());
        let leaves = !had_left && presence.has_left;
        if leaves {
            self.end_watches(number, now, effects);
        }
        if leaves || presence.cohort != cohort {
            self.let_go(number);
        }
        self.roster.set_presence(number, presence);
        self.withdraw(number);
        if presence.device != device {
            self.forget_moved(number, None, now, effects);
        }
        leaves
    }

    /// Lets a SIM follow its present assignment, and decides it.
    fn settle(&mut self, number: u32, reason: Reason, now: Now, effects: &mut Effects) {
        self.follow_rules(number, now);
        for class in CUT {
            self.decide(number, class, reason, Gate::Free, now, effects);
        }
        self.update_quota_alerts(number, None, now, effects);
        self.watch_expiring(number, None, now, effects);
    }

    /// Step 2 of a midnight: the present assignment of a SIM may be another one, or has ended.
    pub(super) fn reassign(&mut self, number: u32, now: Now, effects: &mut Effects) {
        let reason = match self.attend(number, now, effects) {
            true => Reason::Retired,
            false => Reason::PolicyChanged,
        };
        self.settle(number, reason, now, effects);
    }

    /// Takes over the bytes that were held on the days on which the SIM is enrolled.
    fn take_over(&mut self, number: u32, now: Now) {
        let sim = self.roster.get(number);
        let taken = self
            .held
            .take(&sim.id, |day| sim.enrolled_on(day).is_some());
        for held in taken {
            self.credit(number, held.day, held.class, held.bytes, now);
        }
    }

    /// Applies an `opening` command.
    pub(super) fn open_with(&mut self, told: &Opening, now: Now, effects: &mut Effects) {
        let Some(number) = self.roster.number(&told.sim) else {
            return;
        };
        let day = Day::of(told.as_of);
        let sim = self.roster.get(number);
        let rules = self.programme.cohort(sim.cohort);
        let named = rules.iter().flat_map(|rules| &rules.allowances);
        let named = named.map(|allowance| (allowance.account, allowance.every));
        let mut named = named
            .filter(|(account, _)| self.accounts.value((*account).into()).id == told.allowance);
        let Some((account, every)) = named.next() else {
            return;
        };
        let cycle = Cycle::of(every, day, sim.activation, &self.calendar);
        let known = sim.balances.iter().position(|b| b.is_of(account, cycle));
        let Some(place) = known else {
            return;
        };
        let thresholds = rules.map_or(&[][..], |rules| &rules.thresholds);
        let sim = self.roster.get_mut(number);
        let balance = &mut sim.balances[place];
        if !balance.open_with(told.used_bytes, told.revision) {
            return;
        }
        balance.mark_reached(thresholds, now.at_ms);
        self.booking
            .touch(number, &mut sim.next_waiting, balance, now.offset);
        for class in CUT {
            let reason = Reason::PolicyChanged;
            self.decide(number, class, reason, Gate::Free, now, effects);
        }
        self.update_quota_alerts(number, None, now, effects);
    }

    /// The number of a place, and of its province.
    fn place_number(&mut self, place: &crate::registry::Place) -> u32 {
        let number = self.places.number(place);
        if number as usize == self.province_of.len() {
            self.province_of
                .push(self.provinces.number(&place.province));
        }
        number
    }

    /// Writes a row of `assignment`. Within one entry a key has one row: the last.
    fn write_assignment(&mut self, number: u32, assignment: &Assignment, now: Now) {
        let sim = self.roster.get(number).id;
        let until = assignment.until;
        let fact = Fact::Assignment(facts::Assignment {
            version: now.offset,
            sim,
            valid_from: assignment.from.date(),
            booked_day: self.booking.day.date(),
            valid_until: (until < Day::LAST).then(|| until.date()),
            cohort: self.cohorts.value(assignment.cohort).clone(),
            place: self.places.value(assignment.place).clone(),
            revision: assignment.revision,
        });
        let key = (sim, assignment.from, self.booking.day);
        let finished = &mut self.booking.waiting.finished;
        match self.assigned.get(&key) {
            Some(place) => finished[*place] = fact,
            None => {
                self.assigned.insert(key, finished.len());
                finished.push_back(fact);
            }
        }
    }
}
