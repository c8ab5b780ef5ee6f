//! Bytes of SIMs that are not enrolled at the instant of the usage, per usage day and class, until an enrolment takes
//! them over or their month closes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::registry::Class;
use crate::sim::SimId;
use crate::zone::Day;

/// By SIM; the number of SIMs is bounded, so that strangers cannot fill the memory.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Held {
    sims: BTreeMap<SimId, Vec<HeldBytes>>,
}

/// Bytes of a day and class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldBytes {
    pub(crate) day: Day,
    pub(crate) class: Class,
    pub(crate) bytes: u64,
}

impl Held {
    /// Whether there is room for a row of this SIM.
    pub(crate) fn admits(&self, sim: &SimId, sims_max: u32) -> bool {
        self.sims.len() < sims_max as usize || self.sims.contains_key(sim)
    }

    pub(crate) fn add(&mut self, sim: SimId, day: Day, class: Class, bytes: u64) {
        let days = self.sims.entry(sim).or_default();
        let key = (day, class);
        match days.binary_search_by_key(&key, |held| (held.day, held.class)) {
            Ok(place) => days[place].bytes += bytes,
            Err(place) => days.insert(place, HeldBytes { day, class, bytes }),
        }
    }

    /// Takes out what a SIM has used on the days that are asked for, in the order of days and classes.
    pub(crate) fn take(&mut self, sim: &SimId, asked: impl Fn(Day) -> bool) -> Vec<HeldBytes> {
        let Some(days) = self.sims.get_mut(sim) else {
            return Vec::new();
        };
        let (taken, left) = days.drain(..).partition(|held| asked(held.day));
        *days = left;
        if days.is_empty() {
            self.sims.remove(sim);
        }
        taken
    }

    /// Drops what no enrolment can take over any more.
    pub(crate) fn forget_before(&mut self, first: Day) {
        self.sims.retain(|_, days| {
            days.retain(|held| held.day >= first);
            !days.is_empty()
        });
    }

    pub(crate) fn sims(&self) -> usize {
        self.sims.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIM: SimId = SimId([7; 16]);

    #[test]
    fn an_enrolment_takes_what_was_used_since_it_is_valid() {
        let mut held = Held::default();
        for (day, class, bytes) in [
            (5, Class::Other, 1),
            (3, Class::Education, 10),
            (5, Class::Other, 2),
            (5, Class::Education, 4),
        ] {
            held.add(SIM, Day(day), class, bytes);
        }
        let taken = held.take(&SIM, |day| day >= Day(4));
        let taken: Vec<_> = taken.iter().map(|h| (h.day.0, h.class, h.bytes)).collect();
        assert_eq!(taken, [(5, Class::Education, 4), (5, Class::Other, 3)]);
        assert_eq!(held.sims(), 1, "day 3 lies before the enrolment");
        assert_eq!(held.take(&SIM, |_| true).len(), 1);
        assert_eq!(held.sims(), 0);
    }

    #[test]
    fn a_known_sim_is_admitted_past_the_bound() {
        let mut held = Held::default();
        assert!(held.admits(&SIM, 1));
        held.add(SIM, Day(1), Class::Other, 1);
        assert!(held.admits(&SIM, 1));
        assert!(!held.admits(&SimId([8; 16]), 1));
    }
}
