//! Morocco's local days and hours, from `chrono-tz`, corrected for what its database does not know yet.
//!
//! Hissa itself uses another library and another database; that the two agree is part of what the comparison with
//! the truth proves.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Africa::Casablanca;

/// A local civil date.
pub type Date = NaiveDate;

/// Milliseconds in a second, a minute, an hour and a day.
pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// 2026-09-20T01:00:00Z: Morocco leaves UTC+1 for good (tz database 2026f). `chrono-tz` 0.10 still goes on with
/// UTC+1 and a shift in Ramadan.
const PERMANENT_UTC_FROM_MS: i64 = 1_789_866_000_000;

/// The zone `Africa/Casablanca`.
#[derive(Clone, Debug)]
pub struct Zone {
    /// The first date of the table below.
    first: Date,
    /// The first instant of each local date from `first` on (UTC milliseconds): nearly every question is about them.
    midnights: Vec<i64>,
}

impl Zone {
    /// The IANA name.
    pub const NAME: &'static str = "Africa/Casablanca";

    /// The zone, quick to ask about dates from `first` to `last`; other dates are answered too.
    pub fn new(first: Date, last: Date) -> Self {
        let days = (last - first).num_days().clamp(0, 3_660) + 2;
        let midnights = (0..days)
            .map(|day| computed_midnight(plus_days(first, day)))
            .collect();
        Zone { first, midnights }
    }

    /// The first instant of a local date (UTC milliseconds).
    pub fn midnight(&self, date: Date) -> i64 {
        let index = (date - self.first).num_days();
        match usize::try_from(index)
            .ok()
            .and_then(|i| self.midnights.get(i))
        {
            Some(midnight) => *midnight,
            None => computed_midnight(date),
        }
    }

    /// The local date of an instant.
    pub fn date(&self, instant_ms: i64) -> Date {
        let behind = self.midnights.partition_point(|m| *m <= instant_ms);
        if behind == 0 || behind == self.midnights.len() {
            return DateTime::from_timestamp_millis(instant_ms + offset_ms(instant_ms))
                .map_or(Date::MAX, |local| local.date_naive());
        }
        plus_days(self.first, i64::try_from(behind).unwrap_or(i64::MAX) - 1)
    }

    /// The instant of a local date and a number of seconds since its 00:00 on the clock, which may lie behind 24:00.
    /// A clock reading that occurs twice means the first; one that is skipped means as much later.
    pub fn instant(&self, date: Date, clock_seconds: i64) -> i64 {
        let date = plus_days(date, clock_seconds.div_euclid(86_400));
        let as_if_utc = civil_ms(date) + clock_seconds.rem_euclid(86_400) * SECOND_MS;
        let early = as_if_utc - HOUR_MS;
        if offset_ms(early) == HOUR_MS {
            early
        } else {
            as_if_utc
        }
    }

    /// The hour that a local clock shows, 0 to 23.
    pub fn hour(&self, instant_ms: i64) -> u8 {
        let hours = (instant_ms + offset_ms(instant_ms)).div_euclid(HOUR_MS);
        u8::try_from(hours.rem_euclid(24)).unwrap_or_default()
    }

    /// The offset from UTC at an instant, in minutes: what a local clock shows is UTC plus it.
    pub fn offset_minutes(&self, instant_ms: i64) -> i64 {
        offset_ms(instant_ms) / MINUTE_MS
    }
}

/// The first day of the month of a date: it names the cycle and the reporting month.
pub fn month_of(date: Date) -> Date {
    date.with_day(1).unwrap_or(date)
}

/// The first day of the month after the one of a date.
pub fn next_month(date: Date) -> Date {
    // The 32nd day from the first of a month lies in the next one, whatever its length.
    month_of(plus_days(month_of(date), 31))
}

/// A date some days later (or earlier).
pub fn plus_days(date: Date, days: i64) -> Date {
    let moved = match u64::try_from(days) {
        Ok(days) => date.checked_add_days(Days::new(days)),
        Err(_) => date.checked_sub_days(Days::new(days.unsigned_abs())),
    };
    moved.unwrap_or(date)
}

/// The UTC date of an instant, as days since 1970-01-01.
pub fn utc_day(instant_ms: i64) -> i64 {
    instant_ms.div_euclid(DAY_MS)
}

fn civil_ms(date: Date) -> i64 {
    date.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}

fn computed_midnight(date: Date) -> i64 {
    // Morocco's clock never jumps at midnight: one of its two offsets fits.
    let as_if_utc = civil_ms(date);
    let early = as_if_utc - HOUR_MS;
    if offset_ms(early) == HOUR_MS {
        early
    } else {
        as_if_utc
    }
}

fn offset_ms(instant_ms: i64) -> i64 {
    if instant_ms >= PERMANENT_UTC_FROM_MS {
        return 0;
    }
    match Utc.timestamp_millis_opt(instant_ms).single() {
        Some(instant) => {
            let offset = Casablanca.offset_from_utc_datetime(&instant.naive_utc());
            i64::from(offset.fix().local_minus_utc()) * SECOND_MS
        }
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_millis()
    }

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn zone() -> Zone {
        Zone::new(date("2026-01-30"), date("2026-04-12"))
    }

    #[test]
    fn the_offset_follows_ramadan_and_ends_at_utc_for_good() {
        for (at, minutes) in [
            ("2026-02-15T01:59:59Z", 60),
            ("2026-02-15T02:00:00Z", 0),
            ("2026-03-22T01:59:59Z", 0),
            ("2026-03-22T02:00:00Z", 60),
            ("2026-09-20T00:59:59Z", 60),
            ("2026-09-20T01:00:00Z", 0),
            ("2027-06-01T00:00:00Z", 0),
        ] {
            assert_eq!(zone().offset_minutes(utc(at)), minutes, "{at}");
        }
    }

    #[test]
    fn midnights_are_local() {
        for (day, at) in [
            ("2026-02-01", "2026-01-31T23:00:00Z"),
            ("2026-02-15", "2026-02-14T23:00:00Z"),
            ("2026-02-16", "2026-02-16T00:00:00Z"),
            ("2026-03-22", "2026-03-22T00:00:00Z"),
            ("2026-03-23", "2026-03-22T23:00:00Z"),
            ("2026-12-01", "2026-12-01T00:00:00Z"),
        ] {
            assert_eq!(zone().midnight(date(day)), utc(at), "{day}");
            assert_eq!(zone().date(utc(at)), date(day), "{day}");
            assert_eq!(zone().date(utc(at) - 1), plus_days(date(day), -1), "{day}");
        }
    }

    #[test]
    fn a_day_of_the_change_has_25_or_23_hours() {
        let hours = |day: &str| {
            (zone().midnight(plus_days(date(day), 1)) - zone().midnight(date(day))) / HOUR_MS
        };
        assert_eq!(hours("2026-02-15"), 25);
        assert_eq!(hours("2026-03-22"), 23);
        assert_eq!(hours("2026-02-14"), 24);
    }

    #[test]
    fn a_clock_reading_is_found_on_both_sides_of_a_change() {
        for (day, clock_hours, at) in [
            ("2026-02-15", 1, "2026-02-15T00:00:00Z"),
            ("2026-02-15", 2, "2026-02-15T01:00:00Z"),
            ("2026-02-15", 3, "2026-02-15T03:00:00Z"),
            ("2026-02-14", 25, "2026-02-15T00:00:00Z"),
            ("2026-03-22", 2, "2026-03-22T02:00:00Z"),
            ("2026-03-22", 3, "2026-03-22T02:00:00Z"),
        ] {
            let found = zone().instant(date(day), clock_hours * 3_600);
            assert_eq!(found, utc(at), "{day} {clock_hours}:00");
        }
    }

    #[test]
    fn months_follow_each_other() {
        assert_eq!(month_of(date("2026-02-28")), date("2026-02-01"));
        assert_eq!(next_month(date("2026-02-01")), date("2026-03-01"));
        assert_eq!(next_month(date("2026-12-31")), date("2027-01-01"));
        assert_eq!(next_month(date("2026-01-31")), date("2026-02-01"));
    }
}
