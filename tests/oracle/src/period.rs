//! Periods and their cycles (Q1 to Q3).

use serde::Deserialize;

use crate::day::Day;
use crate::names::Class;
use crate::registry::{Span, SpanKind};

/// Which classes an allowance counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    Education,
    System,
    Other,
    All,
}

impl Scope {
    /// Whether bytes charged to a class count (Q5).
    pub(crate) fn takes(self, charged: Class) -> bool {
        self == Scope::All || self.is(charged)
    }

    /// Whether the scope is that class alone.
    pub(crate) fn is(self, class: Class) -> bool {
        match self {
            Scope::Education => class == Class::Education,
            Scope::System => class == Class::System,
            Scope::Other => class == Class::Other,
            Scope::All => false,
        }
    }
}

/// A period (Q2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Every {
    Day,
    Week,
    Month,
    Term,
    Days(i32),
}

/// What identifies an account (Q1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) scope: Scope,
    pub(crate) every: Every,
}

/// The days of a cycle; the last term has no last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    pub(crate) first: Day,
    pub(crate) last: Option<Day>,
}

impl Cycle {
    /// Whether the cycle ended before a day.
    pub(crate) fn ended_before(&self, day: Day) -> bool {
        self.last.is_some_and(|last| last < day)
    }

    /// The first day behind it.
    pub(crate) fn end(&self) -> Option<Day> {
        self.last.map(|last| last.plus(1))
    }
}

/// The cycle of a period that contains a day. `activation` is the SIM's, `spans` the calendar.
pub(crate) fn cycle(every: Every, day: Day, activation: Day, spans: &[Span]) -> Cycle {
    match every {
        Every::Day => Cycle {
            first: day,
            last: Some(day),
        },
        Every::Week => {
            let first = day.plus(-day.since_monday());
            Cycle {
                first,
                last: Some(first.plus(6)),
            }
        }
        Every::Month => Cycle {
            first: day.month_first(),
            last: Some(day.month_last()),
        },
        Every::Term => term(day, spans),
        Every::Days(days) => {
            let first = day.plus(-(day.0 - activation.0).rem_euclid(days));
            Cycle {
                first,
                last: Some(first.plus(days - 1)),
            }
        }
    }
}

/// A term with the breaks behind it. Before the first one: from 1970-01-01.
fn term(day: Day, spans: &[Span]) -> Cycle {
    let begins = spans
        .iter()
        .filter(|span| span.kind == SpanKind::Term)
        .map(|span| span.from);
    let first = begins
        .clone()
        .filter(|&from| from <= day)
        .max()
        .unwrap_or(Day(0));
    let next = begins.filter(|&from| from > day).min();
    Cycle {
        first,
        last: next.map(|next| next.plus(-1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::day;

    fn days(every: Every, on: &str) -> (String, Option<String>) {
        let term = |from: &str, to: &str| Span {
            kind: SpanKind::Term,
            from: day(from),
            to: day(to),
            cohorts: None,
            opens: None,
        };
        let spans = [
            term("2026-01-05", "2026-03-20"),
            term("2025-09-15", "2025-12-20"),
        ];
        let cycle = cycle(every, day(on), day("2026-02-10"), &spans);
        (
            cycle.first.to_string(),
            cycle.last.map(|last| last.to_string()),
        )
    }

    fn cycle_of(first: &str, last: &str) -> (String, Option<String>) {
        (first.to_owned(), Some(last.to_owned()))
    }

    #[test]
    fn weeks_begin_on_mondays_and_months_on_the_first() {
        assert_eq!(
            days(Every::Week, "2026-02-01"),
            cycle_of("2026-01-26", "2026-02-01")
        );
        assert_eq!(
            days(Every::Month, "2026-02-28"),
            cycle_of("2026-02-01", "2026-02-28")
        );
        assert_eq!(
            days(Every::Day, "2026-02-28"),
            cycle_of("2026-02-28", "2026-02-28")
        );
    }

    #[test]
    fn the_break_belongs_to_the_term_before_it() {
        assert_eq!(
            days(Every::Term, "2026-01-04"),
            cycle_of("2025-09-15", "2026-01-04")
        );
        assert_eq!(
            days(Every::Term, "2026-04-01"),
            ("2026-01-05".to_owned(), None)
        );
        assert_eq!(
            days(Every::Term, "2025-09-14"),
            cycle_of("1970-01-01", "2025-09-14")
        );
    }

    #[test]
    fn days_run_from_activation_forwards_and_backwards() {
        assert_eq!(
            days(Every::Days(30), "2026-02-10"),
            cycle_of("2026-02-10", "2026-03-11")
        );
        assert_eq!(
            days(Every::Days(30), "2026-03-12"),
            cycle_of("2026-03-12", "2026-04-10")
        );
        assert_eq!(
            days(Every::Days(30), "2026-02-09"),
            cycle_of("2026-01-11", "2026-02-09")
        );
    }
}
