//! Cycles: the days of a period. Rules: `docs/semantics.md`, Q2 and Q3.

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::registry::{Period, Scope};
use crate::zone::{Day, Month};

/// Civil days from the end of a cycle until it closes, before a programme has said so.
pub(crate) const CLOSES_AFTER_DAYS: u16 = 7;

/// An account of SIMs: two programmes that name the same one go on with the same balances.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) scope: Scope,
    pub(crate) period: Period,
}

/// The days of a cycle, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cycle {
    pub(crate) start: Day,
    pub(crate) end: Day,
}

impl Cycle {
    /// The cycle of a period that a day belongs to. `activation` is the SIM's, for periods that begin with it.
    pub(crate) fn of(period: Period, day: Day, activation: Day, calendar: &Calendar) -> Cycle {
        match period {
            Period::Day => Cycle::days(day, 1),
            Period::Week => Cycle::days(day.plus(-day.weekday()), 7),
            Period::Month => Cycle::month(day.month()),
            Period::Term => {
                let (current, next) = calendar.term_of(day);
                Cycle {
                    start: current.unwrap_or(Day::FIRST),
                    end: next.unwrap_or(Day::LAST),
                }
            }
            Period::Days(count) => {
                let count = i32::from(count);
                let into = (day.0 - activation.0).rem_euclid(count);
                Cycle::days(day.plus(-into), count)
            }
        }
    }

    /// A calendar month.
    pub(crate) fn month(month: Month) -> Cycle {
        Cycle {
            start: month.first_day(),
            end: month.next().first_day(),
        }
    }

    pub(crate) fn contains(self, day: Day) -> bool {
        self.start <= day && day < self.end
    }

    fn days(start: Day, count: i32) -> Cycle {
        Cycle {
            start,
            end: start.plus(count),
        }
    }
}

/// What is closed: every cycle and month that ends on or before a day. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Closed(Day);

impl Closed {
    /// As of a day, before anything else is known.
    pub(crate) fn as_of(today: Day, closes_after_days: u16) -> Closed {
        Closed(today.plus(-i32::from(closes_after_days)))
    }

    /// Closes what is due.
    pub(crate) fn advance(&mut self, today: Day, closes_after_days: u16) {
        *self = (*self).max(Closed::as_of(today, closes_after_days));
    }

    /// Whether a cycle that ends (exclusive) on this day is closed.
    pub(crate) fn has(self, end: Day) -> bool {
        end <= self.0
    }

    /// Whether the month of a day is closed.
    pub(crate) fn has_month(self, month: Month) -> bool {
        self.has(month.next().first_day())
    }

    /// A day of the first cycle that is not closed, whichever period is asked.
    pub(crate) fn first_open_day(self) -> Day {
        self.0
    }

    fn max(self, other: Closed) -> Closed {
        Closed(self.0.max(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interned::Interned;
    use crate::registry::{CalendarEntries, CalendarEntry, CalendarKind};
    use jiff::civil::{Date, date};

    fn term(from: Date, to: Date) -> CalendarEntry {
        CalendarEntry {
            kind: CalendarKind::Term,
            from,
            to,
            cohorts: None,
            opens: vec![],
            quiet_hours: None,
        }
    }

    fn calendar() -> Calendar {
        let entries = vec![
            term(date(2026, 2, 2), date(2026, 4, 30)),
            term(date(2025, 9, 8), date(2026, 1, 24)),
        ];
        Calendar::new(CalendarEntries { entries }, &mut Interned::default())
    }

    #[test]
    fn every_day_belongs_to_one_cycle_of_a_period() {
        let table = [
            (Period::Day, "2026-02-28", "2026-02-28", "2026-03-01"),
            (Period::Week, "2026-02-22", "2026-02-16", "2026-02-23"),
            (Period::Week, "2026-02-23", "2026-02-23", "2026-03-02"),
            (Period::Week, "2027-01-01", "2026-12-28", "2027-01-04"),
            (Period::Month, "2028-02-29", "2028-02-01", "2028-03-01"),
            (Period::Month, "2026-12-31", "2026-12-01", "2027-01-01"),
            (Period::Term, "2026-01-30", "2025-09-08", "2026-02-02"),
            (Period::Term, "2026-02-02", "2026-02-02", "9999-12-31"),
            (Period::Term, "2025-09-07", "1970-01-01", "2025-09-08"),
            (Period::Days(30), "2026-02-10", "2026-02-10", "2026-03-12"),
            (Period::Days(30), "2026-03-12", "2026-03-12", "2026-04-11"),
            (Period::Days(30), "2026-02-09", "2026-01-11", "2026-02-10"),
        ];
        let activation = Day::of(date(2026, 2, 10));
        for (period, day, start, end) in table {
            let day = Day::of(day.parse().unwrap());
            let cycle = Cycle::of(period, day, activation, &calendar());
            let found = (cycle.start.date().to_string(), cycle.end.date().to_string());
            assert_eq!(found, (start.into(), end.into()), "{period:?} {day:?}");
            assert!(cycle.contains(day));
        }
    }

    #[test]
    fn what_is_closed_stays_closed() {
        let mut closed = Closed::as_of(Day(100), 2);
        assert!(closed.has(Day(98)) && !closed.has(Day(99)));
        closed.advance(Day(101), 7);
        assert!(closed.has(Day(98)), "a longer time does not open it again");
        closed.advance(Day(101), 1);
        assert!(closed.has(Day(100)));
    }
}
