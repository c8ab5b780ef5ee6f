//! Local days and months of the programme's zone.
//!
//! A day is the time from one local midnight to the next: 23, 24 or 25 hours. The midnights around the clock stand in
//! a table, so that a row costs a division and a comparison and no search in the zone.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::usage::{DAY_MS, HOUR_MS};

/// A local date as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Day(pub(crate) i32);

/// A calendar month as months since January of the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Month(pub(crate) i32);

const EPOCH: Date = Date::constant(1970, 1, 1);

impl Day {
    /// 1970-01-01: the begin of what begins with no day.
    pub(crate) const FIRST: Day = Day(0);
    /// 9999-12-31: the end of what has none.
    pub(crate) const LAST: Day = Day(2_932_896);

    pub(crate) fn of(date: Date) -> Day {
        // A date lies within years -9999 to 9999, some 3.7 million days from 1970.
        Day((date.duration_since(EPOCH).as_hours() / 24) as i32)
    }

    pub(crate) fn date(self) -> Date {
        let days = jiff::SignedDuration::from_hours(i64::from(self.0) * 24);
        // Days come from dates, or from instants of the years that a shard admits.
        #[allow(clippy::expect_used, reason = "every day was made from a date")]
        EPOCH
            .checked_add(days)
            .expect("a day lies within the years of dates")
    }

    pub(crate) fn plus(self, days: i32) -> Day {
        Day(self.0 + days)
    }

    pub(crate) fn month(self) -> Month {
        Month::of(self.date())
    }

    /// 0 for Monday, 6 for Sunday.
    pub(crate) fn weekday(self) -> i32 {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7)
    }
}

impl Month {
    pub(crate) fn of(date: Date) -> Month {
        Month(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    pub(crate) fn first_date(self) -> Date {
        // A month comes from a date, or stands a few after one; the years of dates fit in 16 bits.
        Date::constant(
            self.0.div_euclid(12) as i16,
            self.0.rem_euclid(12) as i8 + 1,
            1,
        )
    }

    pub(crate) fn first_day(self) -> Day {
        Day::of(self.first_date())
    }

    pub(crate) fn next(self) -> Month {
        Month(self.0 + 1)
    }
}

/// A zone's data cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the data (TZif) of time zone {name:?} cannot be read: {why}; import the programme again")]
pub struct ZoneError {
    name: String,
    why: String,
}

/// The local days of one zone.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    zone: TimeZone,
    /// The day of the first midnight in `midnights`.
    first: Day,
    /// Consecutive local midnights, with the day that each begins.
    midnights: Vec<Midnight>,
}

/// The begin of a local day.
#[derive(Clone, Copy, Debug)]
struct Midnight {
    at_ms: i64,
    day: Day,
    month: Month,
    /// The day has its 24 hours, one behind the other.
    even: bool,
}

/// Days in the table behind the clock: the horizon of `seen` and a month that is open, with room.
const BEHIND: i32 = 100;
/// Days in the table before the clock.
const AHEAD: i32 = 60;

impl Zone {
    /// UTC, which serves before a programme has named a zone.
    pub(crate) fn utc() -> Zone {
        Zone::new(TimeZone::UTC)
    }

    /// The zone of a programme, from its own data.
    pub(crate) fn from_tzif(name: &str, tzif_hex: &str) -> Result<Zone, ZoneError> {
        let unreadable = |why: String| ZoneError {
            name: name.to_owned(),
            why,
        };
        let tzif = hex::decode(tzif_hex).map_err(|error| unreadable(error.to_string()))?;
        let zone = TimeZone::tzif(name, &tzif).map_err(|error| unreadable(error.to_string()))?;
        Ok(Zone::new(zone))
    }

    fn new(zone: TimeZone) -> Zone {
        Zone {
            zone,
            first: Day(0),
            midnights: Vec::new(),
        }
    }

    /// Moves the table to the clock where the clock has left its middle.
    pub(crate) fn attend(&mut self, at_ms: i64) {
        let day = self.day_of(at_ms).0;
        let middle = self.first.plus(BEHIND);
        let within = day >= middle && day < middle.plus(AHEAD / 2);
        if within && !self.midnights.is_empty() {
            return;
        }
        self.first = day.plus(-BEHIND);
        let days = (-BEHIND..=AHEAD).map(|off| day.plus(off));
        let midnights = days.map(|day| Midnight {
            at_ms: self.search_midnight(day),
            day,
            month: day.month(),
            even: self.is_even(day),
        });
        self.midnights = midnights.collect();
    }

    /// The local day of an instant, and its month.
    pub(crate) fn day_of(&self, at_ms: i64) -> (Day, Month) {
        match self.midnight_before(at_ms) {
            Some(midnight) => (midnight.day, midnight.month),
            None => self.search_day(at_ms),
        }
    }

    /// The local hour of an instant, 0 to 23.
    pub(crate) fn hour_of(&self, at_ms: i64) -> u8 {
        match self.midnight_before(at_ms) {
            // 24 hours at the most, so that the hour fits.
            Some(midnight) if midnight.even => {
                ((at_ms - midnight.at_ms) / HOUR_MS).unsigned_abs() as u8
            }
            _ => self.search_hour(at_ms),
        }
    }

    /// The midnight in the table at or before an instant; none where the table does not reach so far.
    fn midnight_before(&self, at_ms: i64) -> Option<&Midnight> {
        let (first, last) = (self.midnights.first()?, self.midnights.last()?);
        if at_ms < first.at_ms || at_ms >= last.at_ms {
            return None;
        }
        // Days of 24 hours but for the zone's changes, so that the guess is off by one at the most.
        let guess = usize::try_from((at_ms - first.at_ms) / DAY_MS).unwrap_or(0);
        let mut place = guess.min(self.midnights.len() - 2);
        while self.midnights[place].at_ms > at_ms {
            place -= 1;
        }
        while self.midnights[place + 1].at_ms <= at_ms {
            place += 1;
        }
        Some(&self.midnights[place])
    }

    /// The instant at which a local day begins.
    pub(crate) fn midnight(&self, day: Day) -> i64 {
        match usize::try_from(i64::from(day.0) - i64::from(self.first.0)) {
            Ok(place) if place < self.midnights.len() => self.midnights[place].at_ms,
            _ => self.search_midnight(day),
        }
    }

    /// By the zone itself. Where midnight is skipped, the day begins with the first instant behind the gap; where it
    /// comes twice, with the first of the two.
    fn search_midnight(&self, day: Day) -> i64 {
        let midnight = day.date().at(0, 0, 0, 0);
        match self.zone.to_ambiguous_timestamp(midnight).compatible() {
            Ok(instant) => instant.as_millisecond(),
            // Only at the very ends of the years of dates: such a midnight is never reached.
            Err(_) if day.0 < 0 => i64::MIN,
            Err(_) => i64::MAX,
        }
    }

    /// Whether a day's hours follow each other from 0 to 23, whole.
    fn is_even(&self, day: Day) -> bool {
        let (begin, end) = (self.search_midnight(day), self.search_midnight(day.plus(1)));
        // A zone changes at most once in a day; both halves looked at tell a pair of changes that cancel out.
        let at = |hour: i64| self.search_hour(begin + hour * HOUR_MS);
        end.checked_sub(begin) == Some(DAY_MS) && at(0) == 0 && at(12) == 12 && at(23) == 23
    }

    fn search_hour(&self, at_ms: i64) -> u8 {
        let instant = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        // 0 to 23.
        self.zone.to_datetime(instant).hour().unsigned_abs()
    }

    fn search_day(&self, at_ms: i64) -> (Day, Month) {
        // The shard admits instants of the years 1970 to 8999 alone.
        let instant = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut day = Day::of(self.zone.to_datetime(instant).date());
        // Where a change of the zone puts the date back, the day goes on until the next one begins.
        if self.search_midnight(day) > at_ms {
            day = day.plus(-1);
        } else if self.search_midnight(day.plus(1)) <= at_ms {
            day = day.plus(1);
        }
        (day, day.month())
    }
}
