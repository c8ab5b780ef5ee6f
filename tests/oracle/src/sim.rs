//! What is known of one SIM (sections 7 to 10).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::balance::Balance;
use crate::day::Day;
use crate::names::{Class, Pseudonym};
use crate::period::Cycle;
use crate::registry::OnExhausted;
use crate::watch::{Idle, Moved, Quota, Sharing};

/// An assignment, from its `valid_from` on (E1).
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) cohort: String,
    pub(crate) place: BTreeMap<String, String>,
    pub(crate) device: Option<Pseudonym>,
    pub(crate) device_tac: u32,
    pub(crate) valid_until: Option<Day>,
}

impl Assignment {
    pub(crate) fn place(&self, what: &str) -> String {
        self.place.get(what).cloned().unwrap_or_default()
    }
}

/// What may be done with a class (X1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Allow,
    Throttle(u32),
    Block,
}

impl Action {
    pub(crate) fn of(on_exhausted: OnExhausted) -> Action {
        match on_exhausted {
            OnExhausted::Block => Action::Block,
            OnExhausted::Throttle { kbit_s } => Action::Throttle(kbit_s),
            OnExhausted::Notify => Action::Allow,
        }
    }

    /// Greater is stricter (B1).
    pub(crate) fn strictness(self) -> (u8, Reverse<u32>) {
        match self {
            Action::Allow => (0, Reverse(0)),
            Action::Throttle(kbit_s) => (1, Reverse(kbit_s)),
            Action::Block => (2, Reverse(0)),
        }
    }

    pub(crate) fn is_stricter_than(self, other: Action) -> bool {
        self.strictness() > other.strictness()
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Throttle(_) => "throttle",
            Action::Block => "block",
        }
    }
}

/// Why a wanted cut is not said (B4, B5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsaid {
    Held,
    Dropped,
}

/// A block that was emitted, and the decision behind it (L1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocked {
    pub(crate) from: i64,
    pub(crate) until: Option<i64>,
}

/// What was said of a class of a SIM.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) last: Option<Action>,
    pub(crate) sequence: u64,
    pub(crate) unsaid: Option<Unsaid>,
    pub(crate) blocked: Option<Blocked>,
}

/// Which balance: the account's number and the cycle's first day.
pub(crate) type BalanceKey = (usize, Day);

/// One SIM that is known (E4).
pub(crate) struct Sim {
    pub(crate) name: Pseudonym,
    pub(crate) activation: Day,
    pub(crate) assignments: BTreeMap<Day, Assignment>,
    /// The last present one, where `retire` left none that speaks of a day until today (E2).
    pub(crate) gone: Option<Assignment>,
    /// The cohort and school that it leaves, while its alerts end.
    pub(crate) leaving: Option<(String, String)>,
    pub(crate) balances: BTreeMap<BalanceKey, Balance>,
    /// What is used of each grant, by its place in the order of entry.
    pub(crate) grants_used: BTreeMap<usize, u64>,
    pub(crate) told: BTreeMap<Class, Told>,
    pub(crate) quota: Option<Quota>,
    /// First days of cycles whose SimQuota80 never fires (W3).
    pub(crate) never_80: BTreeSet<Day>,
    pub(crate) idle: Idle,
    pub(crate) moved: Moved,
    pub(crate) sharing: Sharing,
    /// Grants whose end was told (W9).
    pub(crate) expiring: BTreeSet<usize>,
}

impl Sim {
    pub(crate) fn new(name: Pseudonym, activation: Day) -> Sim {
        Sim {
            name,
            activation,
            assignments: BTreeMap::new(),
            gone: None,
            leaving: None,
            balances: BTreeMap::new(),
            grants_used: BTreeMap::new(),
            told: Class::DECIDED
                .into_iter()
                .map(|class| (class, Told::default()))
                .collect(),
            quota: None,
            never_80: BTreeSet::new(),
            idle: Idle::default(),
            moved: Moved::default(),
            sharing: Sharing::default(),
            expiring: BTreeSet::new(),
        }
    }

    /// The assignment that speaks of a day (E1).
    pub(crate) fn speaking(&self, day: Day) -> Option<&Assignment> {
        self.assignments
            .range(..=day)
            .next_back()
            .map(|(_, assignment)| assignment)
    }

    pub(crate) fn is_enrolled(&self, day: Day) -> bool {
        self.speaking(day)
            .is_some_and(|assignment| assignment.valid_until.is_none_or(|until| day < until))
    }

    /// Whether the SIM is enrolled on a day of a cycle.
    pub(crate) fn is_enrolled_in(&self, cycle: Cycle) -> bool {
        // A run of enrolled days begins where an assignment begins; so one of these days is enrolled, or none is.
        let begins = self
            .assignments
            .keys()
            .copied()
            .filter(|&from| from >= cycle.first);
        let mut days = begins.chain([cycle.first]);
        days.any(|day| cycle.last.is_none_or(|last| day <= last) && self.is_enrolled(day))
    }

    /// The present assignment (E3).
    pub(crate) fn present(&self, today: Day) -> Option<&Assignment> {
        self.speaking(today)
            .or(self.gone.as_ref())
            .or_else(|| self.assignments.values().next())
    }

    /// The present cohort.
    pub(crate) fn cohort(&self, today: Day) -> Option<&str> {
        self.present(today)
            .map(|assignment| assignment.cohort.as_str())
    }

    /// Whether the SIM has left (E3).
    pub(crate) fn has_left(&self, today: Day) -> bool {
        let is_gone = self.speaking(today).is_none() && self.gone.is_some();
        let present = self.present(today);
        is_gone
            || present.is_none_or(|present| present.valid_until.is_some_and(|until| until <= today))
    }

    pub(crate) fn enrolled_device(&self, today: Day) -> Option<Pseudonym> {
        self.present(today).and_then(|present| present.device)
    }

    pub(crate) fn school(&self, today: Day) -> String {
        self.present(today)
            .map(|present| present.place("school"))
            .unwrap_or_default()
    }

    /// What ends with the SIM's leaving, or with its moving to another cohort (B4).
    pub(crate) fn forget_unsaid(&mut self) {
        for told in self.told.values_mut() {
            told.unsaid = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::day;

    fn sim(assignments: &[(&str, Option<&str>)]) -> Sim {
        let mut sim = Sim::new(Pseudonym([1; 16]), Day(0));
        for (from, until) in assignments {
            let assignment = Assignment {
                cohort: (*from).to_owned(),
                place: BTreeMap::new(),
                device: None,
                device_tac: 0,
                valid_until: until.map(day),
            };
            sim.assignments.insert(day(from), assignment);
        }
        sim
    }

    #[test]
    fn the_latest_assignment_at_or_before_a_day_speaks_also_where_it_has_ended() {
        let sim = sim(&[("2026-01-01", None), ("2026-02-01", Some("2026-02-10"))]);
        assert!(!sim.is_enrolled(day("2025-12-31")));
        assert!(sim.is_enrolled(day("2026-01-31")));
        assert!(sim.is_enrolled(day("2026-02-09")));
        assert!(!sim.is_enrolled(day("2026-02-10")));
        assert_eq!(sim.cohort(day("2026-02-11")), Some("2026-02-01"));
        assert!(sim.has_left(day("2026-02-10")));
        assert!(!sim.has_left(day("2026-02-09")));
    }

    #[test]
    fn where_none_speaks_yet_the_earliest_is_present() {
        let sim = sim(&[("2026-03-01", None), ("2026-02-01", None)]);
        assert_eq!(sim.cohort(day("2026-01-01")), Some("2026-02-01"));
        assert!(!sim.has_left(day("2026-01-01")));
    }

    #[test]
    fn a_sim_is_enrolled_in_a_cycle_by_one_of_its_days() {
        let sim = sim(&[("2026-01-20", Some("2026-02-01")), ("2026-03-31", None)]);
        let month = |first: &str, last: &str| Cycle {
            first: day(first),
            last: Some(day(last)),
        };
        assert!(sim.is_enrolled_in(month("2026-01-01", "2026-01-31")));
        assert!(!sim.is_enrolled_in(month("2026-02-01", "2026-02-28")));
        assert!(sim.is_enrolled_in(month("2026-03-01", "2026-03-31")));
        assert!(sim.is_enrolled_in(month("2026-04-01", "2026-04-30")));
    }

    #[test]
    fn block_is_stricter_than_throttle_and_fewer_kbit_than_more() {
        assert!(Action::Block.is_stricter_than(Action::Throttle(1)));
        assert!(Action::Throttle(64).is_stricter_than(Action::Throttle(512)));
        assert!(Action::Throttle(512).is_stricter_than(Action::Allow));
        assert!(!Action::Block.is_stricter_than(Action::Block));
    }
}
