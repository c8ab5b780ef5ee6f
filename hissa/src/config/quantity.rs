//! Quantities with units: bytes ("20 GB" is 20 × 10⁹, "1 GiB" is 2³⁰), durations ("5m"), periods, shares.

use hissa_core::registry::Period;

/// The longest period of days from activation on.
const PERIOD_DAYS_MAX: u16 = 366;

/// The units of bytes, the largest first within their kind, so that a figure is shown in the largest that fits.
const BYTES: [(&str, u64); 9] = [
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// The units of durations, in milliseconds.
const DURATIONS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads bytes with a unit; a decimal is fine as long as it is a whole number of bytes ("1.5 GB").
///
/// # Errors
/// What is wrong, in words that follow a colon.
pub fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    if number.is_empty() {
        return Err("a number and a unit are expected".into());
    }
    let Some((_, factor)) = BYTES.iter().find(|(name, _)| *name == unit) else {
        return Err(match unit {
            "" => "the unit is missing".into(),
            "KB" => "the unit for 1,000 bytes is `kB`".into(),
            other => format!("`{other}` is not a unit of bytes"),
        });
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let decimal = || -> Option<u64> {
        let scale = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let digits: u64 = format!("{whole}{fraction}").parse().ok()?;
        let scaled = digits.checked_mul(*factor)?;
        scaled.is_multiple_of(scale).then_some(scaled / scale)
    };
    decimal().ok_or_else(|| "not a whole number of bytes below 2⁶⁴".into())
}

/// Reads a duration of one number and one unit, in milliseconds.
///
/// # Errors
/// What is wrong, in words that follow a colon.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor = DURATIONS.iter().find(|(name, _)| *name == unit);
    match (number.parse::<u64>(), factor) {
        (Ok(number), Some((_, factor))) => number
            .checked_mul(*factor)
            .ok_or_else(|| "too long".to_owned()),
        (Ok(_), None) if unit.is_empty() => Err("the unit is missing".into()),
        (Ok(_), None) => Err(format!("`{unit}` is not a unit of time")),
        (Err(_), _) => Err("a whole number and a unit are expected".into()),
    }
}

/// Reads how long a cycle is: `day`, `week`, `month`, `term`, or a number of days such as `30d`.
///
/// # Errors
/// What is wrong, in words that follow a colon.
pub fn period(text: &str) -> Result<Period, String> {
    match text {
        "day" => Ok(Period::Day),
        "week" => Ok(Period::Week),
        "month" => Ok(Period::Month),
        "term" => Ok(Period::Term),
        other => {
            let days = other.strip_suffix('d').map(str::parse::<u16>);
            match days {
                Some(Ok(days)) if (1..=PERIOD_DAYS_MAX).contains(&days) => Ok(Period::Days(days)),
                Some(Ok(_)) => Err(format!("a cycle has 1 to {PERIOD_DAYS_MAX} days")),
                _ => Err(format!("`{other}` is no period")),
            }
        }
    }
}

/// A period behind a number of bytes: `20 GB a month`, `20 GB in 30 days`.
pub fn per(period: Period) -> String {
    match period {
        Period::Day => "a day".into(),
        Period::Week => "a week".into(),
        Period::Month => "a month".into(),
        Period::Term => "a term".into(),
        Period::Days(days) => format!("in {days} days"),
    }
}

/// What a cycle of a period is called: `the month`, `the 30 days`.
pub fn cycle_of(period: Period) -> String {
    match period {
        Period::Day => "the day".into(),
        Period::Week => "the week".into(),
        Period::Month => "the month".into(),
        Period::Term => "the term".into(),
        Period::Days(days) => format!("the {days} days"),
    }
}

/// Reads a share of one, such as `0.2` or `1`, in thousandths: by its digits, so that 0.2 is 200 and not 199.
///
/// # Errors
/// What is wrong, in words that follow a colon.
pub fn permille(text: &str) -> Result<u16, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(format!("`{text}` is no decimal number"));
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > 3 {
        return Err("finer than a thousandth".into());
    }
    // At most three digits behind the point, so that the text is a whole number of thousandths.
    match format!("{whole}{fraction:0<3}").parse::<u16>() {
        Ok(share @ 1..=1000) => Ok(share),
        _ => Err("a share is above 0 and at most 1".into()),
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// Bytes as a configuration would say them: the largest decimal unit that leaves a whole number.
pub fn bytes_text(bytes: u64) -> String {
    let decimal = BYTES[..4]
        .iter()
        .find(|(_, factor)| bytes != 0 && bytes.is_multiple_of(*factor));
    match decimal {
        Some((unit, factor)) => format!("{} {unit}", bytes / factor),
        None if bytes == 0 => "0 GB".into(),
        None => format!("{bytes} B"),
    }
}

/// A duration as a configuration would say it: the largest unit that leaves a whole number.
pub fn duration_text(ms: u64) -> String {
    let unit = DURATIONS
        .iter()
        .rev()
        .find(|(_, factor)| ms != 0 && ms.is_multiple_of(*factor));
    match unit {
        Some((unit, factor)) => format!("{}{unit}", ms / factor),
        None => "0s".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_and_binary_units_differ() {
        for (text, expected) in [
            ("20 GB", Ok(20_000_000_000)),
            ("20GB", Ok(20_000_000_000)),
            ("1 GiB", Ok(1 << 30)),
            ("1.5 GB", Ok(1_500_000_000)),
            ("0 GB", Ok(0)),
            ("7 B", Ok(7)),
            ("20", Err("the unit is missing")),
            ("20 gb", Err("`gb` is not a unit of bytes")),
            ("20 KB", Err("the unit for 1,000 bytes is `kB`")),
            ("GB", Err("a number and a unit are expected")),
            ("-1 GB", Err("a number and a unit are expected")),
            ("0.5 B", Err("not a whole number of bytes below 2⁶⁴")),
            (
                "99999999999 TB",
                Err("not a whole number of bytes below 2⁶⁴"),
            ),
        ] {
            assert_eq!(bytes(text), expected.map_err(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn a_duration_has_one_number_and_one_unit() {
        for (text, expected) in [
            ("7d", Ok(604_800_000)),
            ("5m", Ok(300_000)),
            ("250 ms", Ok(250)),
            ("5", Err("the unit is missing")),
            ("1h30m", Err("`h30m` is not a unit of time")),
            ("1.5h", Err("a whole number and a unit are expected")),
        ] {
            assert_eq!(
                duration_ms(text),
                expected.map_err(str::to_owned),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_period_is_a_word_or_a_number_of_days() {
        for (text, expected) in [
            ("day", Ok(Period::Day)),
            ("week", Ok(Period::Week)),
            ("month", Ok(Period::Month)),
            ("term", Ok(Period::Term)),
            ("30d", Ok(Period::Days(30))),
            ("0d", Err("a cycle has 1 to 366 days")),
            ("367d", Err("a cycle has 1 to 366 days")),
            ("year", Err("`year` is no period")),
            ("d", Err("`d` is no period")),
        ] {
            assert_eq!(period(text), expected.map_err(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn a_share_is_read_by_its_digits() {
        for (text, expected) in [
            ("0.2", Ok(200)),
            ("0.20000", Ok(200)),
            ("0.001", Ok(1)),
            ("0.29", Ok(290)),
            ("1", Ok(1000)),
            ("1.0", Ok(1000)),
            ("0.0005", Err("finer than a thousandth")),
            ("0.0", Err("a share is above 0 and at most 1")),
            ("1.001", Err("a share is above 0 and at most 1")),
            ("99999999", Err("a share is above 0 and at most 1")),
            ("2e-1", Err("`2e-1` is no decimal number")),
            ("-0.2", Err("`-0.2` is no decimal number")),
            ("nan", Err("`nan` is no decimal number")),
        ] {
            assert_eq!(permille(text), expected.map_err(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for value in [0, 7, 1_500_000_000, 20_000_000_000, 1 << 30] {
            assert_eq!(bytes(&bytes_text(value)), Ok(value));
        }
        for value in [0, 250, 300_000, 604_800_000] {
            assert_eq!(duration_ms(&duration_text(value)), Ok(value));
        }
    }
}
