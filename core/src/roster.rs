//! The SIMs that a shard knows, in the order of their first enrolment, which is the order of the log.

mod assignments;
mod balances;
mod decided;
mod known;
mod quota;

use crate::booking::Link;
use crate::chunks::Chunks;
use crate::numbers::{Numbers, hash_of};
use crate::registry::Class;
use crate::sim::SimId;

pub(crate) use assignments::{Assignment, Presence};
pub(crate) use decided::{Blocked, Decided, Hold};
pub(crate) use known::Sim;
pub(crate) use quota::{AlertState, QuotaAlerts};

/// The classes that an enrolment decides, in the order in which it decides them.
pub(crate) const DECIDED: [Class; 3] = [Class::Education, Class::Other, Class::System];

/// The classes that can be cut, which stand first among those that are decided.
pub(crate) const CUT: [Class; 2] = [Class::Education, Class::Other];

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    sims: Chunks<Sim>,
    numbers: Numbers,
    /// By the number of the cohort: how many are in it and have not left.
    in_cohorts: Vec<u64>,
}

impl Roster {
    pub(crate) fn number(&self, id: &SimId) -> Option<u32> {
        let is_it = |number| self.get(number).id == *id;
        self.numbers.find(hash_of(id), is_it)
    }

    /// The number that is a SIM's, or of one with the same hash; reads no SIM.
    pub(crate) fn likely_number(&self, id: &SimId) -> Option<u32> {
        self.numbers.find(hash_of(id), |_| true)
    }

    /// Where a SIM's number stands, or nearly.
    pub(crate) fn slot(&self, id: &SimId) -> Option<&u64> {
        self.numbers.slot(hash_of(id))
    }

    /// Adds a SIM that is not known.
    pub(crate) fn enrol(&mut self, sim: Sim) -> u32 {
        assert!(self.number(&sim.id).is_none(), "a SIM is enrolled once");
        let hash = hash_of(&sim.id);
        if !sim.has_left {
            *self.of_cohort(sim.cohort) += 1;
        }
        let number = self.sims.push(sim);
        self.numbers.insert(hash, number);
        number
    }

    pub(crate) fn get(&self, number: u32) -> &Sim {
        self.sims.get(number)
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> &mut Sim {
        self.sims.get_mut(number)
    }

    /// The numbers of all SIMs, in order.
    pub(crate) fn numbers(&self) -> std::ops::Range<u32> {
        // A list holds fewer than 2³¹.
        0..self.sims.len() as u32
    }

    pub(crate) fn all(&self) -> &Chunks<Sim> {
        &self.sims
    }

    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Sim> {
        self.sims.iter_mut()
    }

    /// Forgets where the cells of the booked day stand, which is over.
    pub(crate) fn forget_cells(&mut self) {
        for sim in self.sims.iter_mut() {
            sim.first_cell = Link::END;
        }
    }

    /// Sets what a SIM's present assignment says.
    pub(crate) fn set_presence(&mut self, number: u32, presence: Presence) {
        let sim = self.sims.get(number);
        let (cohort, has_left) = (sim.cohort, sim.has_left);
        if !has_left {
            *self.of_cohort(cohort) -= 1;
        }
        if !presence.has_left {
            *self.of_cohort(presence.cohort) += 1;
        }
        self.sims.get_mut(number).set_presence(presence);
    }

    fn of_cohort(&mut self, cohort: u32) -> &mut u64 {
        let place = cohort as usize;
        if self.in_cohorts.len() <= place {
            self.in_cohorts.resize(place + 1, 0);
        }
        &mut self.in_cohorts[place]
    }

    /// How many are in a cohort and have not left.
    pub(crate) fn in_cohort(&self, cohort: u32) -> u64 {
        let known = self.in_cohorts.get(cohort as usize);
        known.copied().unwrap_or(0)
    }

    /// How many have not left.
    pub(crate) fn enrolled(&self) -> u64 {
        self.in_cohorts.iter().sum()
    }
}

/// As they stand in a snapshot.
impl From<Chunks<Sim>> for Roster {
    fn from(sims: Chunks<Sim>) -> Roster {
        let mut roster = Roster::default();
        for (number, sim) in sims.iter().enumerate() {
            // A list holds fewer than 2³¹.
            roster.numbers.insert(hash_of(&sim.id), number as u32);
            if !sim.has_left {
                *roster.of_cohort(sim.cohort) += 1;
            }
        }
        roster.sims = sims;
        roster
    }
}
