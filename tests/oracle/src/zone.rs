//! The programme's time zone: midnights, local dates and local hours (D1 to D3).

use chrono::{DateTime, Offset, TimeZone, Timelike};
use chrono_tz::Tz;

use crate::day::{Day, HOUR, UTC_DAY};

/// Morocco's clocks went to UTC for good at this instant (2026-09-20 01:00 UTC); `chrono-tz` does not know it yet.
const MOROCCO_ON_UTC: i64 = 1_789_866_000_000;

/// A time zone, by its IANA name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    tz: Tz,
}

impl Zone {
    /// What serves before a programme has named a zone (D2).
    pub(crate) const UTC: Zone = Zone { tz: Tz::UTC };

    /// The zone of that name, if there is one.
    pub(crate) fn named(name: &str) -> Option<Zone> {
        name.parse().ok().map(|tz| Zone { tz })
    }

    /// What local clocks are ahead of UTC, in milliseconds.
    fn offset(self, ms: i64) -> i64 {
        let morocco = matches!(self.tz, Tz::Africa__Casablanca | Tz::Africa__El_Aaiun);
        if morocco && ms >= MOROCCO_ON_UTC {
            return 0;
        }
        let Some(at) = DateTime::from_timestamp_millis(ms) else {
            return 0;
        };
        i64::from(
            self.tz
                .offset_from_utc_datetime(&at.naive_utc())
                .fix()
                .local_minus_utc(),
        ) * 1000
    }

    /// The first instant of a local day (D3).
    pub(crate) fn midnight(self, day: Day) -> i64 {
        let wall = i64::from(day.0) * UTC_DAY;
        // No zone is more than 15 hours from UTC; so one of these offsets is the one that holds at this wall time, unless
        // the wall time is skipped.
        let candidates =
            [wall - UTC_DAY, wall, wall + UTC_DAY].map(|near| wall - self.offset(near));
        let valid = candidates
            .into_iter()
            .filter(|&at| at + self.offset(at) == wall)
            .min();
        valid.unwrap_or_else(|| self.behind_gap(wall))
    }

    /// The first instant whose wall time lies at or behind a skipped one.
    fn behind_gap(self, wall: i64) -> i64 {
        let (mut before, mut behind) = (wall - UTC_DAY, wall + UTC_DAY);
        while behind - before > 1 {
            let middle = before + (behind - before) / 2;
            if middle + self.offset(middle) < wall {
                before = middle;
            } else {
                behind = middle;
            }
        }
        behind
    }

    /// The local date of an instant: the last day that has begun by then, so that it never goes back (D3).
    pub(crate) fn date(self, ms: i64) -> Day {
        let plain = Day::of_utc(ms + self.offset(ms));
        let next = plain.plus(1);
        if self.midnight(next) <= ms {
            next
        } else {
            plain
        }
    }

    /// The local hour of an instant, 0 to 23 (D2).
    pub(crate) fn hour(self, ms: i64) -> u8 {
        let wall = DateTime::from_timestamp_millis(ms + self.offset(ms)).unwrap_or_default();
        u8::try_from(wall.hour()).unwrap_or(0)
    }

    /// The clock hours that begin at or after 08:00 and before 18:00 of a local day, as hours since 1970 (W4).
    pub(crate) fn school_hours(self, day: Day) -> Vec<i64> {
        let (first, end) = (self.midnight(day), self.midnight(day.plus(1)));
        let mut hours = Vec::new();
        let mut hour = first.div_euclid(HOUR);
        while hour * HOUR < end {
            let local = self.hour(hour * HOUR);
            if hour * HOUR >= first && (8..18).contains(&local) {
                hours.push(hour);
            }
            hour += 1;
        }
        hours
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::day;
    use crate::instant::ms;

    fn zone(name: &str) -> Zone {
        Zone::named(name).unwrap()
    }

    #[test]
    fn ramadan_2026_moves_moroccos_midnight() {
        let casablanca = zone("Africa/Casablanca");
        assert_eq!(
            casablanca.midnight(day("2026-02-10")),
            ms("2026-02-09T23:00:00Z")
        );
        assert_eq!(
            casablanca.midnight(day("2026-03-01")),
            ms("2026-03-01T00:00:00Z")
        );
        assert_eq!(
            casablanca.midnight(day("2026-04-01")),
            ms("2026-03-31T23:00:00Z")
        );
    }

    #[test]
    fn morocco_stays_on_utc_from_20_september_2026() {
        assert_eq!(MOROCCO_ON_UTC, ms("2026-09-20T01:00:00Z"));
        for name in ["Africa/Casablanca", "Africa/El_Aaiun"] {
            let zone = zone(name);
            assert_eq!(zone.midnight(day("2026-09-20")), ms("2026-09-19T23:00:00Z"));
            assert_eq!(zone.midnight(day("2026-09-21")), ms("2026-09-21T00:00:00Z"));
            assert_eq!(zone.hour(ms("2026-09-20T00:59:59Z")), 1);
            assert_eq!(zone.hour(ms("2026-09-20T01:00:00Z")), 1);
            assert_eq!(zone.midnight(day("2031-01-01")), ms("2031-01-01T00:00:00Z"));
        }
    }

    #[test]
    fn where_the_zone_skips_midnight_the_day_begins_behind_the_gap() {
        // Cairo went from 00:00 to 01:00 on 28 April 2023.
        let cairo = zone("Africa/Cairo");
        assert_eq!(
            cairo.midnight(day("2023-04-28")),
            ms("2023-04-27T22:00:00Z")
        );
        assert_eq!(
            cairo.date(ms("2023-04-27T21:59:59.999Z")),
            day("2023-04-27")
        );
        assert_eq!(cairo.date(ms("2023-04-27T22:00:00Z")), day("2023-04-28"));
        assert_eq!(cairo.hour(ms("2023-04-27T22:00:00Z")), 1);
    }

    #[test]
    fn where_midnight_comes_twice_the_first_begins_the_day_and_the_date_does_not_go_back() {
        // St John's went from 00:01 back to 23:01 on 7 November 2010 (-02:30 to -03:30).
        let st_johns = zone("America/St_Johns");
        assert_eq!(
            st_johns.midnight(day("2010-11-07")),
            ms("2010-11-07T02:30:00Z")
        );
        assert_eq!(
            st_johns.date(ms("2010-11-07T02:29:59.999Z")),
            day("2010-11-06")
        );
        assert_eq!(st_johns.date(ms("2010-11-07T02:31:00Z")), day("2010-11-07"));
        assert_eq!(st_johns.hour(ms("2010-11-07T02:31:00Z")), 23);
    }

    #[test]
    fn a_school_day_has_ten_hours_between_eight_and_eighteen() {
        let hours = zone("Africa/Casablanca").school_hours(day("2026-02-10"));
        assert_eq!(hours.len(), 10);
        assert_eq!(hours[0] * HOUR, ms("2026-02-10T07:00:00Z"));
    }
}
