//! Times of the carrier's messages: RFC 3339 with at most milliseconds, as UTC milliseconds since 1970.

use chrono::{DateTime, Datelike, Utc};

/// The instant that a text names; `None` where a record with it is rejected (`bad_time`). A space for the `T` is refused.
pub(crate) fn instant(text: &str) -> Option<i64> {
    if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
        return None;
    }
    let fraction = text.get(19..)?.strip_prefix('.').unwrap_or("");
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 3 {
        return None;
    }
    let at = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    if !(1970..=9999).contains(&at.year()) {
        return None;
    }
    // `chrono` tells a leap second as a fraction of a whole second and more: the instant of the second behind it.
    let leap = at.timestamp_subsec_millis() >= 1000;
    let at_ms = at.timestamp() * 1000 + i64::from(at.timestamp_subsec_millis());
    if leap {
        let whole = at.naive_utc();
        let end_of_half_year = matches!((whole.month(), whole.day()), (6, 30) | (12, 31));
        let last_minute = at.timestamp().rem_euclid(86_400) == 86_399;
        // The fraction of a leap second is that of the second behind it.
        return (end_of_half_year && last_minute).then_some(at_ms);
    }
    Some(at_ms)
}

#[cfg(test)]
pub(crate) fn ms(text: &str) -> i64 {
    instant(text).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_an_offset_and_at_most_milliseconds() {
        assert_eq!(instant("1970-01-01T00:00:01.5Z"), Some(1500));
        assert_eq!(instant("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(instant("2026-02-10T08:00:00"), None);
        assert_eq!(instant("2026-02-10T08:00:00.1234Z"), None);
        assert_eq!(instant("2026-02-30T08:00:00Z"), None);
        assert_eq!(instant("1969-12-31T23:59:59Z"), None);
    }

    #[test]
    fn a_leap_second_is_the_second_behind_it() {
        assert_eq!(
            instant("2016-12-31T23:59:60Z"),
            instant("2017-01-01T00:00:00Z")
        );
        assert_eq!(
            instant("2017-01-01T00:59:60+01:00"),
            instant("2017-01-01T00:00:00Z")
        );
        assert_eq!(instant("2016-11-30T23:59:60Z"), None);
    }
}
