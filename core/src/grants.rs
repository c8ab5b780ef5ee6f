//! Grants: bytes on top of an allowance. Rules: `docs/semantics.md`, Q7 to Q9.

use std::collections::BTreeMap;

use crate::interned::Interned;
use crate::registry;
use crate::sim::SimId;
use crate::zone::Day;

/// All grants ever entered, by number, in the order of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants {
    grants: Vec<Grant>,
    numbers: BTreeMap<String, u32>,
    /// By cohort number, and by SIM, in the order in which they are used.
    of_cohort: BTreeMap<u32, Vec<u32>>,
    of_sim: BTreeMap<SimId, Vec<u32>>,
}

/// One grant.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) source: registry::Grant,
    /// The cohort's number, where it is for one.
    pub(crate) cohort: Option<u32>,
    pub(crate) from: Day,
    /// Exclusive.
    pub(crate) until: Day,
    pub(crate) void: bool,
}

impl Grant {
    /// Whether its bytes may be used on a day.
    pub(crate) fn is_valid_on(&self, day: Day) -> bool {
        !self.void && self.from <= day && day < self.until
    }
}

impl Grant {
    /// Whether it is still to be used up on a day, begun or not.
    pub(crate) fn is_valid_before_end(&self, day: Day) -> bool {
        !self.void && day < self.until
    }
}

/// A grant that no shard can follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("grant {0:?} is for a cohort and a SIM, or for neither; name one of them")]
    ForWhom(String),
    #[error("grant {0:?} has no bytes; name some, or leave it out")]
    NoBytes(String),
    #[error("grant {0:?} ends before it begins; give a later end")]
    EndsBefore(String),
}

/// Checks what a shard would halt on, but for an id that is known already.
///
/// # Errors
/// No bytes, no days, no one or two that it is for.
pub fn check(grant: &registry::Grant) -> Result<(), GrantError> {
    let id = || grant.id.clone();
    if grant.cohort.is_some() == grant.sim.is_some() {
        Err(GrantError::ForWhom(id()))
    } else if grant.bytes == 0 {
        Err(GrantError::NoBytes(id()))
    } else if grant.valid_until <= grant.valid_from {
        Err(GrantError::EndsBefore(id()))
    } else {
        Ok(())
    }
}

impl Grants {
    /// Adds a grant of a new id that passed [`check`]; returns its number.
    pub(crate) fn add(
        &mut self,
        source: registry::Grant,
        void: bool,
        cohorts: &mut Interned<String>,
    ) -> u32 {
        let number = u32::try_from(self.grants.len()).unwrap_or(u32::MAX);
        assert!(number < u32::MAX, "fewer than 2³² grants");
        let known = self.numbers.insert(source.id.clone(), number);
        assert!(known.is_none(), "`check` has refused a grant of a known id");
        let cohort = source.cohort.as_ref().map(|id| cohorts.number(id));
        let sim = source.sim;
        self.grants.push(Grant {
            cohort,
            from: Day::of(source.valid_from),
            until: Day::of(source.valid_until),
            void,
            source,
        });
        let list = match (cohort, sim) {
            (Some(cohort), _) => self.of_cohort.entry(cohort).or_default(),
            (None, Some(sim)) => self.of_sim.entry(sim).or_default(),
            (None, None) => unreachable!("`check` has refused a grant for nobody"),
        };
        list.push(number);
        let grants = &self.grants;
        list.sort_by_key(|number| grants[*number as usize].order(*number));
        number
    }

    pub(crate) fn number(&self, id: &str) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    pub(crate) fn get(&self, number: u32) -> &Grant {
        &self.grants[number as usize]
    }

    pub(crate) fn void(&mut self, number: u32) {
        self.grants[number as usize].void = true;
    }

    pub(crate) fn all(&self) -> &[Grant] {
        &self.grants
    }

    /// The grants of a SIM of a cohort, void and expired ones among them, in the order in which they are used.
    pub(crate) fn of(&self, sim: &SimId, cohort: u32) -> Vec<u32> {
        if self.grants.is_empty() {
            return Vec::new();
        }
        let lists = [self.of_cohort.get(&cohort), self.of_sim.get(sim)];
        let mut all: Vec<u32> = lists.into_iter().flatten().flatten().copied().collect();
        all.sort_by_key(|number| self.get(*number).order(*number));
        all
    }

    /// Whether a SIM of a cohort has any.
    pub(crate) fn has(&self, sim: &SimId, cohort: u32) -> bool {
        !self.grants.is_empty()
            && (self.of_cohort.contains_key(&cohort) || self.of_sim.contains_key(sim))
    }
}

impl Grant {
    /// The order in which grants are used: priority, the soonest end, the earliest entry.
    fn order(&self, number: u32) -> (u32, Day, u32) {
        (self.source.priority, self.until, number)
    }
}
