//! Identities that were seen, by the UTC day of their opening (O2, O3, O9 to O11).

use std::collections::{BTreeMap, HashMap};

use crate::day::Day;
use crate::names::Pseudonym;

/// What makes a row the same row (O9).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) node: String,
    pub(crate) charging_id: u64,
    pub(crate) record_sequence: u32,
    pub(crate) opened_at: i64,
    pub(crate) rating_group: u32,
    pub(crate) service_id: u32,
    pub(crate) container_sequence: u32,
}

/// What the row says under its identity (O9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) sim: Pseudonym,
    pub(crate) rating_group: u32,
    pub(crate) service_id: u32,
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// Identities and digests of the days within the horizon.
#[derive(Default)]
pub(crate) struct Seen {
    days: BTreeMap<Day, HashMap<Identity, Digest>>,
}

impl Seen {
    pub(crate) fn get(&self, identity: &Identity) -> Option<Digest> {
        self.days
            .get(&Day::of_utc(identity.opened_at))?
            .get(identity)
            .copied()
    }

    pub(crate) fn enter(&mut self, identity: Identity, digest: Digest) {
        self.days
            .entry(Day::of_utc(identity.opened_at))
            .or_default()
            .insert(identity, digest);
    }

    /// Forgets opening days before that one.
    pub(crate) fn forget_before(&mut self, day: Day) {
        self.days = self.days.split_off(&day);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_kept_by_opening_day() {
        let identity = Identity {
            node: "n".to_owned(),
            charging_id: 1,
            record_sequence: 0,
            opened_at: 86_400_000 * 10 + 5,
            rating_group: 1,
            service_id: 0,
            container_sequence: 1,
        };
        let sim = Pseudonym([1; 16]);
        let digest = Digest {
            sim,
            rating_group: 1,
            service_id: 0,
            up: 1,
            down: 2,
            start: 3,
            end: 4,
        };
        let mut seen = Seen::default();
        seen.enter(identity.clone(), digest);
        seen.forget_before(Day(10));
        assert_eq!(seen.get(&identity), Some(digest));
        seen.forget_before(Day(11));
        assert_eq!(seen.get(&identity), None);
    }
}
