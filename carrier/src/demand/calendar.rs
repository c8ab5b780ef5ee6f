//! The rhythm of the school year: weekdays, breaks, Ramadan, and the hours of a day.

use chrono::{Datelike, Weekday};

use crate::dice::Dice;
use crate::policy::{CalendarEntry, DayKind};
use crate::zone::Date;

/// First and last day of something: year, month, day.
type Days = ((i32, u32, u32), (i32, u32, u32));

/// First and last day of Ramadan in Morocco: 1446 and 1447 as they were, 1448 as expected.
const RAMADAN: [Days; 3] = [
    ((2025, 3, 2), (2025, 3, 30)),
    ((2026, 2, 19), (2026, 3, 20)),
    ((2027, 2, 8), (2027, 3, 9)),
];

/// First and last day of the school breaks of 2026.
const BREAKS: [Days; 3] = [
    ((2026, 1, 25), (2026, 2, 1)),
    ((2026, 3, 15), (2026, 3, 22)),
    ((2026, 5, 3), (2026, 5, 10)),
];

/// Shares of a day's sessions: from hour, to hour (which may lie behind midnight), percent.
const SCHOOL_HOURS: [(i64, i64, f64); 6] = [
    (8, 12, 30.0),
    (14, 18, 25.0),
    (18, 22, 35.0),
    (6, 8, 4.0),
    (12, 14, 4.0),
    (22, 24, 2.0),
];
const RAMADAN_HOURS: [(i64, i64, f64); 5] = [
    (9, 15, 35.0),
    (15, 19, 10.0),
    (21, 26, 45.0),
    (7, 9, 4.0),
    (19, 21, 6.0),
];

/// The calendar's entries between two dates, cut to them, in the order of their begins.
pub fn calendar_entries(first: Date, last: Date) -> Vec<CalendarEntry> {
    let date = |(year, month, day)| Date::from_ymd_opt(year, month, day).unwrap_or_default();
    let of = |kind, spans: &[Days]| {
        let entry = |(from, to): &Days| CalendarEntry {
            kind,
            from: date(*from).max(first),
            to: date(*to).min(last),
        };
        let entries: Vec<_> = spans.iter().map(entry).collect();
        entries
    };
    let mut entries = of(DayKind::Break, &BREAKS);
    entries.extend(of(DayKind::Ramadan, &RAMADAN));
    entries.retain(|entry| entry.from <= entry.to);
    entries.sort_by_key(|entry| entry.from);
    entries
}

/// How much is used on a date, relative to a school day.
pub fn day_weight(date: Date) -> f64 {
    let weekday = match date.weekday() {
        Weekday::Sat => 0.6,
        Weekday::Sun => 0.45,
        _ => 1.0,
    };
    if within(&BREAKS, date) {
        weekday * 0.35
    } else {
        weekday
    }
}

/// When a session begins: seconds since 00:00 on the local clock, possibly behind 24:00.
pub fn start_second(date: Date, dice: &mut Dice) -> i64 {
    let hours: &[(i64, i64, f64)] = if within(&RAMADAN, date) {
        &RAMADAN_HOURS
    } else {
        &SCHOOL_HOURS
    };
    let weights: Vec<f64> = hours.iter().map(|(_, _, share)| *share).collect();
    let (from, to, _) = hours[dice.weighted(&weights)];
    from * 3_600 + dice.span((to - from) * 3_600)
}

/// Whether teachers teach with tablets on that date.
pub fn is_teaching_day(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Wed | Weekday::Sat) && !within(&BREAKS, date)
}

fn within(spans: &[Days], date: Date) -> bool {
    let number = (date.year(), date.month(), date.day());
    spans
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Purpose;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn weekends_and_breaks_weigh_less() {
        for (date, weight) in [
            ("2026-02-03", 1.0),
            ("2026-02-07", 0.6),
            ("2026-02-08", 0.45),
            ("2026-02-01", 0.45 * 0.35),
            ("2026-03-18", 0.35),
        ] {
            assert!((day_weight(day(date)) - weight).abs() < 1e-9, "{date}");
        }
    }

    #[test]
    fn evenings_of_ramadan_cross_midnight() {
        let mut dice = Dice::new(1, Purpose::Day, 0, 0);
        let mut share = |date: &str, from: i64, to: i64| {
            let hits = (0..4_000)
                .filter(|_| {
                    (from * 3_600..to * 3_600).contains(&start_second(day(date), &mut dice))
                })
                .count();
            hits as f64 / 4_000.0
        };
        assert!((share("2026-02-24", 21, 26) - 0.45).abs() < 0.03);
        assert!(share("2026-02-24", 24, 26) > 0.1);
        assert!((share("2026-02-17", 8, 12) - 0.30).abs() < 0.03);
        assert!(share("2026-02-17", 24, 26) < 0.001);
    }

    #[test]
    fn teachers_teach_on_wednesday_and_saturday() {
        assert!(is_teaching_day(day("2026-02-04")) && is_teaching_day(day("2026-02-07")));
        assert!(!is_teaching_day(day("2026-02-05")) && !is_teaching_day(day("2026-03-18")));
    }
}
