//! A local date: a day of the programme's calendar, without a zone.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds of one hour.
pub(crate) const HOUR: i64 = 3_600_000;
/// Milliseconds of one day of UTC.
pub(crate) const UTC_DAY: i64 = 24 * HOUR;

/// A date, as the number of days since 1970-01-01. As text, and in JSON, it is `2026-02-01`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The UTC day of an instant.
    pub(crate) fn of_utc(ms: i64) -> Day {
        // Instants lie between the years 1970 and 9999: about three million days.
        Day(i32::try_from(ms.div_euclid(UTC_DAY)).unwrap_or(i32::MAX))
    }

    /// The day that lies `days` after this one, before it where that is negative.
    pub fn plus(self, days: i32) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// The same day for `chrono`.
    pub fn date(self) -> NaiveDate {
        NaiveDate::from_epoch_days(self.0).unwrap_or(NaiveDate::MAX)
    }

    fn of(date: NaiveDate) -> Day {
        Day(date.to_epoch_days())
    }

    /// The first day of this day's month.
    pub(crate) fn month_first(self) -> Day {
        let date = self.date();
        Day::of(date.with_day(1).unwrap_or(date))
    }

    /// The last day of this day's month.
    pub(crate) fn month_last(self) -> Day {
        // No month has more than 31 days, so 32 days behind its first lies in the next one.
        self.month_first().plus(32).month_first().plus(-1)
    }

    /// Days since Monday: 0 on Mondays, 6 on Sundays.
    pub(crate) fn since_monday(self) -> i32 {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7)
    }

    /// Whether the day lies in the years that a shard accepts (T4).
    pub(crate) fn is_accepted(self) -> bool {
        (1970..=8999).contains(&self.date().year())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no date")]
pub struct NoDate(String);

impl FromStr for Day {
    type Err = NoDate;

    fn from_str(text: &str) -> Result<Day, NoDate> {
        let no_date = || NoDate(text.to_owned());
        if text.len() != 10 {
            return Err(no_date());
        }
        text.parse().map(Day::of).map_err(|_| no_date())
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_reads_and_prints_as_a_date() {
        assert_eq!(day("1970-01-02"), Day(1));
        assert_eq!(day("2026-02-01").to_string(), "2026-02-01");
        assert!("2026-02-30".parse::<Day>().is_err());
    }

    #[test]
    fn february_2026_has_28_days_and_begins_on_a_sunday() {
        assert_eq!(day("2026-02-11").month_first(), day("2026-02-01"));
        assert_eq!(day("2026-02-11").month_last(), day("2026-02-28"));
        assert_eq!(day("2026-02-01").since_monday(), 6);
    }
}
