//! Instants as RFC 3339 writes them, to milliseconds: strict, and fast (a record has five of them or more).

/// The last millisecond of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;
const DAY_S: i64 = 86_400;

/// Reads `2026-02-10T08:00:00Z`, also with one to three decimals and with an offset such as `+01:00`, as UTC
/// milliseconds since 1970. None for anything else, for days that do not exist, and outside the years 1970 to 9999.
///
/// A leap second is one only where it can be: at 23:59:60 UTC on 30 June or 31 December (RFC 3339, 5.7). It is the
/// same instant as the second behind it, as everywhere in Unix time.
pub fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (fixed, rest) = bytes.split_first_chunk::<19>()?;
    let separated = fixed[4] == b'-'
        && fixed[7] == b'-'
        && matches!(fixed[10], b'T' | b't')
        && fixed[13] == b':'
        && fixed[16] == b':';
    if !separated {
        return None;
    }
    let year = i64::from(two(fixed, 0)?) * 100 + i64::from(two(fixed, 2)?);
    let (month, day) = (two(fixed, 5)?, two(fixed, 8)?);
    let (hour, minute, second) = (two(fixed, 11)?, two(fixed, 14)?, two(fixed, 17)?);
    let (milliseconds, zone) = decimals(rest)?;
    let offset_s = offset(zone)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_1970(year, i64::from(month), i64::from(day));
    let clock_s = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    let at_s = days * DAY_S + clock_s - offset_s;
    if second == 60 && !follows_leap_second(at_s, year) {
        return None;
    }
    let at_ms = at_s * 1_000 + milliseconds;
    (0..=LAST_MS).contains(&at_ms).then_some(at_ms)
}

/// Two digits at `place`.
fn two(bytes: &[u8; 19], place: usize) -> Option<u32> {
    let (tens, ones) = (
        bytes[place].wrapping_sub(b'0'),
        bytes[place + 1].wrapping_sub(b'0'),
    );
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// The milliseconds of an optional fraction of one to three digits, and what follows it.
fn decimals(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', fraction)) = bytes.split_first() else {
        return Some((0, bytes));
    };
    let count = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(1..=3).contains(&count) {
        return None;
    }
    let digits = fraction[..count].iter();
    let value = digits.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    let scale = [100, 10, 1][count - 1];
    Some((value * scale, &fraction[count..]))
}

/// Seconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        [b'Z' | b'z'] => return Some(0),
        [b'+', h1, h2, b':', m1, m2] => (1, [*h1, *h2], [*m1, *m2]),
        [b'-', h1, h2, b':', m1, m2] => (-1, [*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let number = |[tens, ones]: [u8; 2]| {
        let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
        digits.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970 in the Gregorian calendar, by counting from 1 March so that the leap day comes last
/// (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Whether `at_s` is midnight UTC of 1 July or 1 January, of `year` (of the local date, so at most a day off) or next.
fn follows_leap_second(at_s: i64, year: i64) -> bool {
    let candidates = [(year, 1), (year, 7), (year + 1, 1)];
    candidates
        .iter()
        .any(|(year, month)| at_s == days_since_1970(*year, *month, 1) * DAY_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_rfc_3339_writes_them() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-02-10T08:00:00Z", 1_770_710_400_000),
            ("2026-02-10t08:00:00z", 1_770_710_400_000),
            ("2026-02-10T09:00:00+01:00", 1_770_710_400_000),
            ("2026-02-10T07:30:00-00:30", 1_770_710_400_000),
            ("2026-02-10T08:00:00-00:00", 1_770_710_400_000),
            ("2026-02-10T08:00:00.5Z", 1_770_710_400_500),
            ("2026-02-10T08:00:00.05Z", 1_770_710_400_050),
            ("2026-02-10T08:00:00.005Z", 1_770_710_400_005),
            ("2028-02-29T00:00:00Z", 1_835_395_200_000),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("1970-01-01T01:00:00+01:00", 0),
            ("9999-12-31T23:59:59.999Z", LAST_MS),
            // A leap second, in UTC and as the clocks of Morocco showed it.
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("2015-07-01T00:59:60.250+01:00", 1_435_708_800_250),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026-02-10",
            "2026-02-10T08:00:00",
            "2026-02-10 08:00:00Z",
            "2026-02-10T08:00Z",
            "2026-02-30T08:00:00Z",
            "2026-02-29T08:00:00Z",
            "1900-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-04-31T08:00:00Z",
            "2026-00-10T08:00:00Z",
            "2026-13-10T08:00:00Z",
            "2026-02-00T08:00:00Z",
            "2026-02-10T24:00:00Z",
            "2026-02-10T08:60:00Z",
            "2026-02-10T08:00:61Z",
            "2026-02-10T08:00:60Z",
            "2026-02-10T23:59:60Z",
            "2026-09-30T23:59:60Z",
            "2016-12-31T23:59:60+01:00",
            "2026-02-10T08:00:00.Z",
            "2026-02-10T08:00:00.1234Z",
            "2026-02-10T08:00:00,5Z",
            "2026-02-10T08:00:00+24:00",
            "2026-02-10T08:00:00+01:60",
            "2026-02-10T08:00:00+0100",
            "2026-02-10T08:00:00+01",
            "2026-02-10T08:00:00ZZ",
            "2026-02-10T08:00:00Z ",
            " 2026-02-10T08:00:00Z",
            "+2026-02-10T08:00:00Z",
            "-026-02-10T08:00:00Z",
            "12026-02-10T08:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "٢٠٢٦-02-10T08:00:00Z",
            "1770710400",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_agrees_with_jiff() {
        let mut date = jiff::civil::date(1970, 1, 1);
        for day in 0..146_097 + 30_000 {
            let text = format!("{date}T00:00:00Z");
            assert_eq!(parse(&text), Some(day * DAY_S * 1_000), "{text}");
            let leap = parse(&format!("{date}T23:59:60Z"));
            let end_of_half = matches!((date.month(), date.day()), (6, 30) | (12, 31));
            assert_eq!(leap.is_some(), end_of_half, "{text}");
            date = date.tomorrow().unwrap();
        }
    }
}
