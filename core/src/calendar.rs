//! The programme's calendar: terms, breaks, holidays, exams, Ramadan, as days.
//!
//! Rules: `docs/semantics.md`, Q2 (terms), W4 (school days), X2 (entries that open a class), R4.

use crate::interned::Interned;
use crate::registry::{CalendarEntries, CalendarKind, Class};
use crate::zone::Day;

/// The compiled calendar in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calendar {
    /// As the registry told it; none before the first.
    source: Option<CalendarEntries>,
    /// First days of terms, rising.
    terms: Vec<Day>,
    /// Breaks and holidays.
    off: Vec<(Days, Option<Vec<u32>>)>,
    openings: Vec<Opening>,
}

/// Days from the first to the last, both inclusive.
#[derive(Clone, Copy, Debug)]
struct Days {
    first: Day,
    last: Day,
}

/// Days on which a class is not cut.
#[derive(Clone, Debug)]
struct Opening {
    days: Days,
    /// By number; none: all.
    cohorts: Option<Vec<u32>>,
    /// By the index of the class.
    classes: [bool; Class::ALL.len()],
}

/// A calendar that no shard can follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error(
        "the calendar's entry from {from} to {to} ends before it begins; give a later last day"
    )]
    EndsBefore {
        from: jiff::civil::Date,
        to: jiff::civil::Date,
    },
    #[error("the calendar's terms from {first} and from {second} overlap; end the first before")]
    TermsOverlap {
        first: jiff::civil::Date,
        second: jiff::civil::Date,
    },
    #[error(
        "the calendar's entry from {from} opens {class}; only education and other are ever cut"
    )]
    Opens {
        from: jiff::civil::Date,
        class: &'static str,
    },
}

/// Checks what a shard would halt on.
///
/// # Errors
/// An entry that ends before it begins, terms that overlap, a class that is never cut.
pub fn check(calendar: &CalendarEntries) -> Result<(), CalendarError> {
    for entry in &calendar.entries {
        let (from, to) = (entry.from, entry.to);
        if to < from {
            return Err(CalendarError::EndsBefore { from, to });
        }
        let never_cut = |class: &&Class| !matches!(class, Class::Education | Class::Other);
        if let Some(class) = entry.opens.iter().find(never_cut) {
            let class = class.as_str();
            return Err(CalendarError::Opens { from, class });
        }
    }
    let terms = calendar.entries.iter();
    let mut terms: Vec<_> = terms.filter(|e| e.kind == CalendarKind::Term).collect();
    terms.sort_by_key(|term| term.from);
    for pair in terms.windows(2) {
        if pair[1].from <= pair[0].to {
            return Err(CalendarError::TermsOverlap {
                first: pair[0].from,
                second: pair[1].from,
            });
        }
    }
    Ok(())
}

impl Calendar {
    /// Compiles entries that passed [`check`].
    pub(crate) fn new(source: CalendarEntries, cohorts: &mut Interned<String>) -> Calendar {
        let mut calendar = Calendar::default();
        for entry in &source.entries {
            let days = Days {
                first: Day::of(entry.from),
                last: Day::of(entry.to),
            };
            let numbers = |ids: &Vec<String>| ids.iter().map(|id| cohorts.number(id)).collect();
            let of: Option<Vec<u32>> = entry.cohorts.as_ref().map(numbers);
            match entry.kind {
                CalendarKind::Term => calendar.terms.push(days.first),
                CalendarKind::Break | CalendarKind::Holiday => {
                    calendar.off.push((days, of.clone()));
                }
                CalendarKind::Exam | CalendarKind::Ramadan => {}
            }
            if entry.opens.is_empty() {
                continue;
            }
            let mut classes = [false; Class::ALL.len()];
            for class in &entry.opens {
                classes[class.index()] = true;
            }
            calendar.openings.push(Opening {
                days,
                cohorts: of,
                classes,
            });
        }
        calendar.terms.sort_unstable();
        calendar.source = Some(source);
        calendar
    }

    pub(crate) fn source(&self) -> Option<&CalendarEntries> {
        self.source.as_ref()
    }

    /// The first day of the term that a day belongs to, and of the next one: none where the first term has not begun, or
    /// no other follows.
    pub(crate) fn term_of(&self, day: Day) -> (Option<Day>, Option<Day>) {
        let next = self.terms.partition_point(|first| *first <= day);
        let current = next.checked_sub(1).map(|place| self.terms[place]);
        (current, self.terms.get(next).copied())
    }

    /// Whether a cohort goes to school: Monday to Saturday, outside of breaks and holidays.
    pub(crate) fn is_school_day(&self, day: Day, cohort: u32) -> bool {
        const SUNDAY: i32 = 6;
        let mut off = self.off.iter();
        day.weekday() != SUNDAY
            && !off.any(|(days, cohorts)| days.contain(day) && is_for(cohorts, cohort))
    }

    /// The last day on which an entry that holds on `day` opens a class for a cohort; none where none does.
    pub(crate) fn open_through(&self, day: Day, cohort: u32, class: Class) -> Option<Day> {
        let holding = self.openings_of(cohort, class);
        let holding = holding.filter(|days| days.contain(day));
        holding.map(|days| days.last).max()
    }

    /// The first day behind `day` on which an entry begins that opens a class for a cohort.
    pub(crate) fn opens_next(&self, day: Day, cohort: u32, class: Class) -> Option<Day> {
        let coming = self.openings_of(cohort, class);
        let coming = coming.filter(|days| days.first > day);
        coming.map(|days| days.first).min()
    }

    /// Whether an entry that opens a class for a cohort begins on a day, or ended on the day before.
    pub(crate) fn changes_on(&self, day: Day, cohort: u32) -> bool {
        let of_cohort = self.openings.iter().filter(|o| o.is_for(cohort));
        let mut days = of_cohort.map(|opening| opening.days);
        days.any(|days| days.first == day || days.last.plus(1) == day)
    }

    fn openings_of(&self, cohort: u32, class: Class) -> impl Iterator<Item = Days> + '_ {
        let fitting = move |o: &&Opening| o.is_for(cohort) && o.classes[class.index()];
        self.openings.iter().filter(fitting).map(|o| o.days)
    }
}

impl Days {
    fn contain(self, day: Day) -> bool {
        self.first <= day && day <= self.last
    }
}

impl Opening {
    fn is_for(&self, cohort: u32) -> bool {
        is_for(&self.cohorts, cohort)
    }
}

/// Whether an entry is for a cohort: one that names none is for all.
fn is_for(cohorts: &Option<Vec<u32>>, cohort: u32) -> bool {
    let named = cohorts.as_ref();
    named.is_none_or(|named| named.contains(&cohort))
}
