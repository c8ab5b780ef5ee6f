//! The accounts of one SIM, kept by hand: which there are, and what the rows of the log add to each (semantics Q1 to Q5,
//! Q13, E6). Limits and grants are none of its business: it proves what was used.

use std::collections::BTreeMap;

use hissa_core::registry::{
    CalendarEntry, CalendarKind, Class, Enrolment, Opening, Period, Programme, Retirement, Scope,
};
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use crate::import::sim_history::SimHistory;

/// An allowance's id, scope and period: programmes that name the same three speak of the same account.
type Account = (String, Scope, Period);

/// What is used of an account in a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Used {
    rows: u64,
    /// What the SIM brought along, and the revision that says so.
    opening: (u64, u32),
}

/// The accounts of a SIM.
#[derive(Default)]
pub struct Accounts {
    programme: Option<Programme>,
    /// First days of terms.
    terms: Vec<Date>,
    history: SimHistory,
    /// The first `valid_from` with which the SIM became enrolled.
    activated: Option<Date>,
    today: Option<Date>,
    /// That of the present assignment; of the last one that was, where none is left (E2).
    cohort: Option<String>,
    used: BTreeMap<(Account, Date), Used>,
}

/// The programme's rules for a cohort are looked up by day at most so far back; a clock that jumps further is no feed's.
const DAYS_MAX: i32 = 400;

impl Accounts {
    /// The clock has come to that local day.
    pub fn day(&mut self, today: Date) {
        let first = self.today.unwrap_or(today);
        if first >= today && self.today.is_some() {
            return;
        }
        let days = first
            .until(today)
            .map_or(0, |span| span.get_days())
            .min(DAYS_MAX);
        for behind in (0..=days).rev() {
            let day = today.checked_sub(i64::from(behind).days()).unwrap_or(today);
            self.attend(day);
            self.open(day);
            self.close(day);
        }
        self.today = Some(today);
    }

    /// A programme is entered.
    pub fn programme(&mut self, programme: &Programme) {
        self.programme = Some(programme.clone());
        self.open_today();
        if let Some(today) = self.today {
            self.close(today);
        }
    }

    /// The calendar is entered.
    pub fn calendar(&mut self, entries: &[CalendarEntry]) {
        let terms = entries
            .iter()
            .filter(|entry| entry.kind == CalendarKind::Term);
        self.terms = terms.map(|entry| entry.from).collect();
        // What began as a term that is none any more is over (Q2).
        let mut used = std::mem::take(&mut self.used);
        used.retain(|((_, _, period), start), _| self.cycle_start(*period, *start) == *start);
        self.used = used;
        if let Some(today) = self.today {
            self.close(today);
        }
        self.open_today();
    }

    /// The SIM is enrolled. (That accounts of cycles that have ended are opened too does not matter here: no decision is
    /// about them.)
    pub fn enrol(&mut self, enrolment: &Enrolment) {
        // An earlier day that is told later does not move the cycles.
        self.activated.get_or_insert(enrolment.valid_from);
        self.history.enrol(enrolment.clone());
        self.open_today();
    }

    /// The SIM leaves.
    pub fn retire(&mut self, retirement: &Retirement) {
        self.history.retire(retirement.at);
        self.open_today();
    }

    /// The SIM brings something along.
    pub fn opening(&mut self, opening: &Opening) {
        let mut named = self.named().into_iter();
        let Some(account) = named.find(|(id, ..)| *id == opening.allowance) else {
            return;
        };
        let start = self.cycle_start(account.2, opening.as_of);
        if let Some(used) = self.used.get_mut(&(account, start))
            && opening.revision > used.opening.1
        {
            used.opening = (opening.used_bytes, opening.revision);
        }
    }

    /// Whether the SIM is enrolled on a day, as known now.
    pub fn is_enrolled(&self, day: Date) -> bool {
        self.history.enrolled_on(day).is_some()
    }

    /// Adds the bytes of a usage day and class to all accounts that take them.
    pub fn add(&mut self, day: Date, class: Class, bytes: u64) {
        let Some(programme) = &self.programme else {
            return;
        };
        let payer = match class {
            Class::Unknown => programme.unknown_charged_to,
            class => class,
        };
        // Accounts of cycles that have ended are opened by enrolment alone.
        if self.today.is_some_and(|today| day >= today) {
            self.open(day);
        }
        let starts: BTreeMap<Period, Date> = self
            .used
            .keys()
            .map(|((_, _, period), _)| (*period, self.cycle_start(*period, day)))
            .collect();
        for (((_, scope, period), start), used) in &mut self.used {
            if scope.covers(payer) && starts.get(period) == Some(start) {
                used.rows += bytes;
            }
        }
    }

    /// What is used of an allowance, by its id, in the cycle that begins on that day.
    pub fn used(&self, allowance: &str, cycle: Date) -> u64 {
        let mut named = self.named().into_iter();
        let account = named.find(|(id, ..)| id == allowance);
        let used = account.and_then(|account| self.used.get(&(account, cycle)));
        used.map_or(0, |used| used.rows + used.opening.0)
    }

    fn open_today(&mut self) {
        if let Some(today) = self.today {
            self.attend(today);
            self.open(today);
        }
    }

    /// Notes the cohort of the present assignment.
    fn attend(&mut self, today: Date) {
        if let Some(present) = self.history.present(today) {
            self.cohort = Some(present.cohort.clone());
        }
    }

    /// Opens the accounts that the rules name, in the cycle that contains `day`, if the SIM is enrolled on a day of it.
    fn open(&mut self, day: Date) {
        for account in self.named() {
            let (start, end) = self.cycle(account.2, day);
            if self.history.is_enrolled_within(start, end) {
                self.used.entry((account, start)).or_default();
            }
        }
    }

    /// Lets go of what is used in cycles that close, should a new calendar make one of them current again.
    fn close(&mut self, today: Date) {
        let told = self.programme.as_ref();
        let closes_after = told.map_or(7, |told| i64::from(told.closes_after_days));
        let mut used = std::mem::take(&mut self.used);
        used.retain(|((_, _, period), start), _| {
            let (_, end) = self.cycle(*period, *start);
            let closes = end.and_then(|end| end.checked_add(closes_after.days()).ok());
            closes.is_none_or(|closes| closes > today)
        });
        self.used = used;
    }

    /// The accounts that the rules of the SIM's cohort name.
    fn named(&self) -> Vec<Account> {
        let cohorts = self.programme.iter().flat_map(|told| &told.cohorts);
        cohorts
            .filter(|cohort| Some(&cohort.id) == self.cohort.as_ref())
            .flat_map(|cohort| &cohort.allowances)
            .map(|allowance| (allowance.id.clone(), allowance.scope, allowance.every))
            .collect()
    }

    /// The first day of the cycle that contains a day, and the one behind its last.
    fn cycle(&self, period: Period, day: Date) -> (Date, Option<Date>) {
        let start = self.cycle_start(period, day);
        let end = match period {
            Period::Day => start.checked_add(1.day()).ok(),
            Period::Week => start.checked_add(7.days()).ok(),
            Period::Month => start.checked_add(1.month()).ok(),
            Period::Days(days) => start.checked_add(i64::from(days).days()).ok(),
            Period::Term => self.terms.iter().filter(|from| **from > day).min().copied(),
        };
        (start, end)
    }

    fn cycle_start(&self, period: Period, day: Date) -> Date {
        match period {
            Period::Day => day,
            Period::Week => back(day, i64::from(day.weekday().since(Weekday::Monday))),
            Period::Month => day.first_of_month(),
            Period::Term => {
                let begun = self.terms.iter().filter(|from| **from <= day);
                begun.max().copied().unwrap_or(Date::constant(1970, 1, 1))
            }
            Period::Days(days) => {
                let activated = self.activated.unwrap_or(day);
                let since = activated.until(day).map_or(0, |span| span.get_days());
                back(day, i64::from(since.rem_euclid(i32::from(days))))
            }
        }
    }
}

fn back(day: Date, days: i64) -> Date {
    day.checked_sub(days.days()).unwrap_or(day)
}
