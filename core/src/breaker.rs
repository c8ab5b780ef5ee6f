//! The breaker: new cuts of a cohort are held where they are too many. Rules: `docs/semantics.md`, B1 to B6.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::registry::{self, Class};
use crate::usage::HOUR_MS;

/// The breakers of all cohorts and classes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Breakers {
    /// By cohort number and class.
    breakers: BTreeMap<(u32, Class), Breaker>,
}

/// The breaker of a cohort's class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Breaker {
    /// The clock hour, and the new cuts by rows in it.
    hour: i64,
    cuts: u64,
    pub(crate) tripped: bool,
    /// How often it has tripped: a part of the alert's id.
    pub(crate) trips: u32,
    /// SIMs whose decision is held, and how many were told last.
    pub(crate) held: u64,
    pub(crate) told: u64,
    /// The revision of the alert.
    pub(crate) revision: u32,
}

/// How many new cuts are let through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) rules: registry::Breaker,
    /// In the cohort.
    pub(crate) sims: u64,
    pub(crate) partitions: u16,
}

impl Bounds {
    /// Whether so many are too many.
    fn are_passed_by(self, cuts: u64) -> bool {
        let of_share = u128::from(self.rules.share_permille) * u128::from(self.sims);
        u128::from(cuts) * 1000 > of_share
            && u128::from(cuts) * u128::from(self.partitions) > u128::from(self.rules.at_least)
    }
}

impl Breakers {
    pub(crate) fn of(&mut self, cohort: u32, class: Class) -> &mut Breaker {
        self.breakers.entry((cohort, class)).or_default()
    }

    pub(crate) fn is_tripped(&self, cohort: u32, class: Class) -> bool {
        let breaker = self.breakers.get(&(cohort, class));
        breaker.is_some_and(|breaker| breaker.tripped)
    }

    /// The cohorts and classes whose breaker is tripped.
    pub(crate) fn tripped(&self) -> Vec<(u32, Class)> {
        let tripped = self.breakers.iter().filter(|(_, b)| b.tripped);
        tripped.map(|(key, _)| *key).collect()
    }
}

impl Breaker {
    /// Counts a new cut by a row; says whether it trips.
    pub(crate) fn count(&mut self, clock_ms: i64, bounds: Bounds) -> bool {
        let hour = clock_ms.div_euclid(HOUR_MS);
        if self.hour != hour {
            (self.hour, self.cuts) = (hour, 0);
        }
        let trips = bounds.are_passed_by(self.cuts + 1);
        if trips {
            self.trip();
        } else {
            self.cuts += 1;
        }
        trips
    }

    /// Looks at all new cuts of a command; says whether it trips.
    pub(crate) fn look_at(&mut self, cuts: u64, bounds: Bounds) -> bool {
        let trips = bounds.are_passed_by(cuts);
        if trips {
            self.trip();
        }
        trips
    }

    fn trip(&mut self) {
        self.tripped = true;
        self.trips += 1;
        self.revision = 0;
        self.told = 0;
    }

    /// Closes, and counts anew.
    pub(crate) fn close(&mut self) {
        self.tripped = false;
        self.held = 0;
        self.cuts = 0;
    }
}
