//! The rules on one side of an import: programme, calendar, grants.

use hissa_core::registry::{
    Allowance, CalendarEntry, CalendarKind, Class, Cohort, Command, Grant, Period, Programme,
};
use hissa_core::sim::SimId;
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use super::Balance;
use crate::import::{Plan, RegistryView};

/// What holds.
pub struct Rules<'a> {
    programme: Option<&'a Programme>,
    entries: &'a [CalendarEntry],
    /// Those that are not void.
    grants: Vec<&'a Grant>,
}

impl<'a> Rules<'a> {
    /// As the registry has them.
    pub fn registered(view: &'a RegistryView) -> Rules<'a> {
        let held = view.grants.values().filter(|held| !held.void);
        Rules {
            programme: view.programme.as_ref(),
            entries: &view.calendar.entries,
            grants: held.map(|held| &held.grant).collect(),
        }
    }

    /// As they would be after a plan.
    pub fn after(view: &'a RegistryView, plan: &'a Plan) -> Rules<'a> {
        let mut rules = Rules::registered(view);
        for command in &plan.commands {
            match command {
                Command::Programme(told) => rules.programme = Some(told),
                Command::Calendar(told) => rules.entries = &told.entries,
                Command::Grant(grant) => rules.grants.push(grant),
                Command::Void(void) => rules.grants.retain(|grant| grant.id != void.grant),
                _ => {}
            }
        }
        rules
    }

    /// The cohort's rules.
    pub fn cohort(&self, id: &str) -> Option<&'a Cohort> {
        let cohorts = self.programme.into_iter().flat_map(|told| &told.cohorts);
        cohorts.into_iter().find(|cohort| cohort.id == id)
    }

    /// Whether the calendar opens a class for a cohort on a day.
    pub(super) fn opens(&self, cohort: &Cohort, class: Class, day: Date) -> bool {
        self.entries.iter().any(|entry| {
            let for_it = entry
                .cohorts
                .as_ref()
                .is_none_or(|ids| ids.contains(&cohort.id));
            for_it && entry.opens.contains(&class) && (entry.from..=entry.to).contains(&day)
        })
    }

    /// The bytes of all grants to an allowance that are valid on a day.
    pub(super) fn granted(
        &self,
        sim: Option<SimId>,
        cohort: &Cohort,
        allowance: &str,
        day: Date,
    ) -> u64 {
        let has = |grant: &&&Grant| {
            let its_own = grant.sim.is_some() && grant.sim == sim;
            (its_own || grant.cohort.as_ref() == Some(&cohort.id))
                && grant.allowance == allowance
                && (grant.valid_from..grant.valid_until).contains(&day)
        };
        let bytes = self.grants.iter().filter(has).map(|grant| grant.bytes);
        bytes.fold(0, u64::saturating_add)
    }

    /// The balance of an allowance in the cycle that contains the day, where there is one.
    pub fn current<'b>(
        &self,
        balances: &'b [Balance],
        allowance: &Allowance,
        day: Date,
    ) -> Option<&'b Balance> {
        balances.iter().find(|balance| {
            balance.allowance == allowance.id
                && self.contains(allowance.every, balance.cycle_start, day)
        })
    }

    /// Whether the cycle of a period that begins on `start` contains the day.
    fn contains(&self, every: Period, start: Date, day: Date) -> bool {
        let begin = match every {
            Period::Day => day,
            Period::Week => day
                .checked_sub(i64::from(day.weekday().since(Weekday::Monday)).days())
                .unwrap_or(day),
            Period::Month => day.first_of_month(),
            Period::Term => self.term_of(day),
            // From activation on, which the cycle's own first day stands for.
            Period::Days(days) => {
                let end = start.checked_add(i64::from(days).days());
                return start <= day && end.is_ok_and(|end| day < end);
            }
        };
        start == begin
    }

    fn term_of(&self, day: Date) -> Date {
        let terms = self
            .entries
            .iter()
            .filter(|entry| entry.kind == CalendarKind::Term);
        let begun = terms.map(|entry| entry.from).filter(|from| *from <= day);
        begun.max().unwrap_or(Date::constant(1970, 1, 1))
    }
}
