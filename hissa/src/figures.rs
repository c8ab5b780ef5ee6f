//! Figures for people: gigabytes and local times, the same in every command.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Gigabytes with so many decimals, cut and never rounded up: what is nearly used up is not shown as used up. With 0
/// decimals a figure keeps those that it has: limits are mostly whole.
pub fn gb(bytes: u64, decimals: usize) -> String {
    let (whole, rest) = (bytes / 1_000_000_000, bytes % 1_000_000_000);
    let digits = format!("{rest:09}");
    let kept = match decimals {
        0 => digits.trim_end_matches('0'),
        some => &digits[..some.min(9)],
    };
    if kept.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{kept}")
    }
}

/// Gigabytes with two decimals at most, but for less than 10 MB: for amounts that are mostly whole, and may be anything.
pub fn gb_short(bytes: u64) -> String {
    if bytes < 10_000_000 {
        return gb(bytes, 0);
    }
    let text = gb(bytes, 2);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A local time to the minute, with the zone's offset where that is asked for: `2026-02-22 19:04 (+00)`.
pub fn local(at_ms: i64, zone: &TimeZone, with_offset: bool) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let civil = zone.to_datetime(at);
    let text = format!("{} {:02}:{:02}", civil.date(), civil.hour(), civil.minute());
    if !with_offset {
        return text;
    }
    let minutes = zone.to_offset(at).seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    match rest {
        0 => format!("{text} ({sign}{hours:02})"),
        rest => format!("{text} ({sign}{hours:02}:{rest:02})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_no_more_decimals_than_they_need() {
        for (bytes, expected) in [
            (0, "0"),
            (10_000_000_000, "10"),
            (1_047_087_996, "1.04"),
            (500_000_000, "0.5"),
            (5_000_000, "0.005"),
        ] {
            assert_eq!(gb_short(bytes), expected);
        }
    }

    #[test]
    fn gigabytes_are_cut_and_never_rounded_up() {
        for (bytes, decimals, expected) in [
            (10_789_999_999, 2, "10.78"),
            (20_000_000_000, 2, "20.00"),
            (20_000_000_000, 0, "20"),
            (1_500_000_000, 0, "1.5"),
            (500_000, 0, "0.0005"),
        ] {
            assert_eq!(gb(bytes, decimals), expected);
        }
    }
}
