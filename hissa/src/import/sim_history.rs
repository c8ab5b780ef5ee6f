//! A SIM's assignments over time, as `enrol` and `retire` commands leave them (semantics E1 to E3).

use hissa_core::registry::Enrolment;
use jiff::civil::Date;

/// All assignments of a SIM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimHistory {
    /// By `valid_from`, rising; one for each.
    assignments: Vec<Enrolment>,
    /// The day from which on the SIM is out, by its last `retire`, unless it was enrolled beyond it since.
    retired: Option<Date>,
}

impl SimHistory {
    /// Adds an assignment; one with the same first day is replaced.
    pub fn enrol(&mut self, enrolment: Enrolment) {
        if let Some(at) = self.retired
            && enrolment.valid_until.is_none_or(|until| until > at)
        {
            self.retired = None;
        }
        let found = self
            .assignments
            .binary_search_by_key(&enrolment.valid_from, |known| known.valid_from);
        match found {
            Ok(place) => self.assignments[place] = enrolment,
            Err(place) => self.assignments.insert(place, enrolment),
        }
    }

    /// Ends what lasts longer than to that day, and removes what begins on or after it.
    pub fn retire(&mut self, at: Date) {
        self.assignments.retain(|known| known.valid_from < at);
        for known in &mut self.assignments {
            if known.valid_until.is_none_or(|until| until > at) {
                known.valid_until = Some(at);
            }
        }
        self.retired = Some(at);
    }

    /// All assignments, the earliest first.
    pub fn assignments(&self) -> &[Enrolment] {
        &self.assignments
    }

    /// The assignment that begins on that day.
    pub fn beginning(&self, day: Date) -> Option<&Enrolment> {
        self.assignments
            .iter()
            .find(|known| known.valid_from == day)
    }

    /// The day of the last `retire` that still holds.
    pub fn retired(&self) -> Option<Date> {
        self.retired
    }

    /// The assignment that speaks of a day: the latest that begins at or before it, also where it has ended.
    pub fn speaking_of(&self, day: Date) -> Option<&Enrolment> {
        self.assignments
            .iter()
            .rfind(|known| known.valid_from <= day)
    }

    /// The assignment under which the SIM is enrolled on a day.
    pub fn enrolled_on(&self, day: Date) -> Option<&Enrolment> {
        self.speaking_of(day)
            .filter(|known| known.valid_until.is_none_or(|until| until > day))
    }

    /// Whether the SIM is enrolled on one of the days from `start` until `end` (exclusive; none: for ever).
    pub fn is_enrolled_within(&self, start: Date, end: Option<Date>) -> bool {
        let nexts = self.assignments.iter().skip(1).map(|next| next.valid_from);
        let nexts = nexts.map(Some).chain([None]);
        self.assignments.iter().zip(nexts).any(|(known, next)| {
            let until = [known.valid_until, next, end].into_iter().flatten().min();
            until.is_none_or(|until| known.valid_from.max(start) < until)
        })
    }

    /// The assignment whose cohort's rules hold for the SIM on that day: the one that speaks of it, else the earliest.
    pub fn present(&self, today: Date) -> Option<&Enrolment> {
        self.speaking_of(today).or(self.assignments.first())
    }

    /// Whether the present assignment has ended by that day, or all were removed.
    pub fn has_left(&self, today: Date) -> bool {
        self.present(today)
            .is_none_or(|present| present.valid_until.is_some_and(|until| until <= today))
    }
}

#[cfg(test)]
mod tests {
    use hissa_core::registry::Place;
    use hissa_core::sim::SimId;

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn history(of: &[(&str, Option<&str>, &str)]) -> SimHistory {
        let mut history = SimHistory::default();
        for (from, until, cohort) in of {
            history.enrol(Enrolment {
                sim: SimId([1; 16]),
                device: None,
                device_tac: 0,
                cohort: (*cohort).into(),
                valid_from: day(from),
                valid_until: until.map(day),
                place: Place::default(),
            });
        }
        history
    }

    #[test]
    fn of_a_day_the_latest_assignment_speaks_also_where_it_has_ended() {
        let history = history(&[
            ("2026-03-01", Some("2026-03-10"), "b"),
            ("2026-02-01", None, "a"),
        ]);
        for (on, speaks, enrolled) in [
            ("2026-01-31", None, None),
            ("2026-02-01", Some("a"), Some("a")),
            ("2026-03-09", Some("b"), Some("b")),
            ("2026-03-10", Some("b"), None),
        ] {
            let cohort = |found: Option<&Enrolment>| found.map(|found| found.cohort.clone());
            assert_eq!(
                cohort(history.speaking_of(day(on))).as_deref(),
                speaks,
                "{on}"
            );
            assert_eq!(
                cohort(history.enrolled_on(day(on))).as_deref(),
                enrolled,
                "{on}"
            );
        }
        assert_eq!(history.present(day("2026-01-01")).unwrap().cohort, "a");
        assert!(!history.has_left(day("2026-01-01")));
        assert!(history.has_left(day("2026-03-10")));
    }

    #[test]
    fn who_is_retired_may_be_enrolled_again() {
        let mut history = history(&[("2026-02-01", None, "a"), ("2026-03-01", None, "b")]);
        history.retire(day("2026-02-20"));
        assert_eq!(history.assignments().len(), 1);
        assert_eq!(history.retired(), Some(day("2026-02-20")));
        assert!(history.has_left(day("2026-02-20")));
        let again = Enrolment {
            valid_from: day("2026-04-01"),
            valid_until: None,
            ..history.assignments()[0].clone()
        };
        history.enrol(again);
        assert_eq!(history.retired(), None);
        assert!(!history.has_left(day("2026-04-01")));
    }
}
