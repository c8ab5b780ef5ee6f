//! Where a SIM belongs, and from when to when.
//!
//! Most SIMs have one assignment, and what the present one says stands in the SIM anyway: then no list is kept.

use serde::{Deserialize, Serialize};

use super::Sim;
use crate::cycle::Cycle;
use crate::zone::Day;

/// Days, the end exclusive, in the form that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Days {
    pub(crate) from: Day,
    pub(crate) until: Day,
}

impl Days {
    pub(crate) const NONE: Days = Days {
        from: Day::LAST,
        until: Day::LAST,
    };

    pub(crate) fn contains(self, day: Day) -> bool {
        self.from <= day && day < self.until
    }
}

/// What the present assignment says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presence {
    pub(crate) cohort: u32,
    place: u32,
    pub(crate) device: u64,
    device_tac: u32,
    days: Days,
    changes_on: Day,
    pub(crate) has_left: bool,
}

/// Where a SIM belongs from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) from: Day,
    /// Exclusive; [`Day::LAST`] where it has no end.
    pub(crate) until: Day,
    pub(crate) cohort: u32,
    pub(crate) place: u32,
    /// The first half of the device's pseudonym, which is a cipher's and uniform; 0 where the device is not known.
    pub(crate) device: u64,
    pub(crate) device_tac: u32,
    pub(crate) revision: u64,
}

/// How a SIM's assignments are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kept {
    /// In a list of their own, where there are any.
    Listed,
    /// The only one is what the SIM says of its presence.
    Present,
}

impl Sim {
    /// By the day from which they hold.
    pub(crate) fn assignments(&self) -> impl Iterator<Item = Assignment> {
        let present = (self.kept == Kept::Present).then(|| self.present_as_assignment());
        let listed = self.more.iter().flat_map(|more| &more.assignments);
        present.into_iter().chain(listed.copied())
    }

    /// Replaces them; they stand by the day from which they hold.
    pub(crate) fn set_assignments(&mut self, assignments: Vec<Assignment>) {
        if let [only] = *assignments {
            self.assignment_revision = only.revision;
            if only == self.present_as_assignment() {
                self.kept = Kept::Present;
                self.list(Vec::new());
                return;
            }
        }
        self.kept = Kept::Listed;
        self.list(assignments);
    }

    fn list(&mut self, assignments: Vec<Assignment>) {
        if !assignments.is_empty() || self.more.is_some() {
            self.more.get_or_insert_default().assignments = assignments;
        }
        if self.more.as_ref().is_some_and(|more| more.is_nothing()) {
            self.more = None;
        }
    }

    fn present_as_assignment(&self) -> Assignment {
        Assignment {
            from: self.present.from,
            until: self.present.until,
            cohort: self.cohort,
            place: self.place,
            device: self.device,
            device_tac: self.device_tac,
            revision: self.assignment_revision,
        }
    }

    /// The assignment that speaks of a day, ended or not; none before the first.
    pub(crate) fn speaks_of(&self, day: Day) -> Option<Assignment> {
        self.assignments().take_while(|a| a.from <= day).last()
    }

    /// The assignment by which the SIM is enrolled on a day.
    pub(crate) fn enrolled_on(&self, day: Day) -> Option<Assignment> {
        self.speaks_of(day)
            .filter(|assignment| day < assignment.until)
    }

    /// Whether the SIM is enrolled on a day; the common case looks at no list.
    pub(crate) fn is_enrolled_on(&self, day: Day) -> bool {
        self.present.contains(day) || self.enrolled_on(day).is_some()
    }

    /// Whether the SIM is enrolled on some day of a cycle.
    pub(crate) fn is_enrolled_in(&self, cycle: Cycle) -> bool {
        let mut assignments = self.assignments().peekable();
        while let Some(a) = assignments.next() {
            let next = assignments.peek();
            let until = next.map_or(a.until, |next| a.until.min(next.from));
            if a.from < cycle.end && cycle.start < until && a.from < until {
                return true;
            }
        }
        false
    }

    /// The assignment of today; the earliest, where none has begun; none where there is none at all.
    pub(crate) fn present_assignment(&self, today: Day) -> Option<Assignment> {
        self.speaks_of(today).or(self.assignments().next())
    }

    /// What the present assignment says on a day. The last cohort, place and device stay where none is left.
    pub(crate) fn presence(&self, today: Day) -> Presence {
        let present = self.present_assignment(today);
        // One that has left is not enrolled again before the midnight of what is still to come (E3).
        let was_enrolled = self.decided.iter().any(|decided| decided.sequence > 0);
        let comes_back = self.has_left && was_enrolled;
        let present = present.filter(|present| present.from <= today || !comes_back);
        let Some(present) = present else {
            let next = self.assignments().next();
            return Presence {
                cohort: self.cohort,
                place: self.place,
                device: self.device,
                device_tac: self.device_tac,
                days: Days::NONE,
                changes_on: next.map_or(Day::LAST, |next| next.from),
                has_left: true,
            };
        };
        let next = self.assignments().find(|a| a.from > present.from);
        let until = next.map_or(present.until, |next| next.from.min(present.until));
        // Each is a day on which something may be otherwise; a look too many does no harm.
        let next_from = next.map_or(Day::LAST, |next| next.from);
        let turns = [present.from, present.until, next_from].into_iter();
        Presence {
            cohort: present.cohort,
            place: present.place,
            device: present.device,
            device_tac: present.device_tac,
            days: Days {
                from: present.from,
                until,
            },
            changes_on: turns.filter(|day| *day > today).min().unwrap_or(Day::LAST),
            has_left: present.until <= today,
        }
    }

    pub(super) fn set_presence(&mut self, presence: Presence) {
        let assignments = self.assignments().collect();
        (self.cohort, self.place) = (presence.cohort, presence.place);
        (self.device, self.device_tac) = (presence.device, presence.device_tac);
        self.present = presence.days;
        self.changes_on = presence.changes_on;
        self.has_left = presence.has_left;
        self.set_assignments(assignments);
    }
}
