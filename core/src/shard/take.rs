//! Rows of facts as they are taken: between entries, as absolute values of stored fields.

use super::Shard;
use crate::calendar::Month;
use crate::facts::{Assignment, Fact, STATES, SimCycle};
use crate::registry::Class;

impl Shard {
    pub(super) fn take(&mut self, max: usize) -> Vec<Fact> {
        let mut taken = Vec::with_capacity(max.min(self.booking.waiting()));
        while taken.len() < max {
            if let Some(finished) = self.booking.waiting.finished.pop_front() {
                taken.push(finished);
            } else if let Some(open) = self.take_open() {
                taken.extend(open);
            } else {
                break;
            }
        }
        taken
    }

    /// Finishes every row of the open booked day that waits.
    pub(super) fn finish_booked_day(&mut self) {
        while let Some(open) = self.take_open() {
            self.booking.waiting.finished.extend(open);
        }
    }

    /// Finishes the rows of `sim_cycle` of a month that wait.
    pub(super) fn finish_cycles_of(&mut self, month: Month) {
        let waiting = std::mem::take(&mut self.booking.waiting.cycles);
        let (closing, others): (Vec<_>, _) =
            waiting.into_iter().partition(|(_, of, _)| *of == month);
        self.booking.waiting.cycles = others;
        for (number, month, class) in closing {
            let fact = self.cycle_fact(number, month, class);
            self.booking.waiting.finished.extend(fact);
        }
    }

    /// Takes a waiting row of the open booked day, if there is one: none within where its allowance was withdrawn.
    fn take_open(&mut self) -> Option<Option<Fact>> {
        if let Some(number) = self.booking.waiting.assignments.pop() {
            let fact = self.assignment_fact(number);
            self.roster.get_mut(number).assignment.dirty = false;
            return Some(Some(fact));
        }
        if let Some((number, month, class)) = self.booking.waiting.cycles.pop() {
            return Some(self.cycle_fact(number, month, class));
        }
        let outcome = self.booking.take_outcome(|feed| self.sources.feed_id(feed));
        let fact = outcome.or_else(|| self.booking.take_cell(&self.services));
        fact.map(Some)
    }

    pub(super) fn assignment_fact(&self, number: u32) -> Fact {
        let sim = self.roster.get(number);
        Fact::Assignment(Assignment {
            version: sim.assignment.version,
            sim: sim.id,
            valid_from: sim.assignment.valid_from.date(),
            booked_day: self.booking.day.date(),
            valid_until: None,
            cohort: self.cohorts.value(sim.cohort).clone(),
            place: self.places.value(sim.place).clone(),
            revision: sim.assignment.revision,
        })
    }

    fn cycle_fact(&mut self, number: u32, month: Month, allowance: Class) -> Option<Fact> {
        let booked_day = self.booking.day.date();
        let sim = self.roster.get_mut(number);
        let id = sim.id;
        let Some(balance) = sim.balance_mut(month) else {
            unreachable!("a balance leaves the state after its rows are finished");
        };
        let used_bytes = balance.used(allowance);
        let track = balance.track_mut(allowance);
        assert!(track.dirty, "a row that waits is dirty");
        track.dirty = false;
        let limit_bytes = track.limit_bytes?;
        let [within, exhausted, observed] = STATES;
        Some(Fact::SimCycle(SimCycle {
            version: track.version,
            sim: id,
            cycle_start: month.first_date(),
            allowance: allowance.as_str().to_owned(),
            booked_day,
            limit_bytes,
            granted_bytes: 0,
            used_bytes,
            state: match track.observed {
                true => observed,
                false if used_bytes >= limit_bytes => exhausted,
                false => within,
            },
            thresholds: track.reached.iter().map(|r| r.percent).collect(),
            reached_at_ms: track.reached.iter().map(|r| r.at_ms).collect(),
        }))
    }
}
