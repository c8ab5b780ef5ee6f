//! Quantities with units: bytes ("20 GB" is 20 × 10⁹, "1 GiB" is 2³⁰) and durations ("5m").

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
    fn what_is_written_is_read_back() {
        for value in [0, 7, 1_500_000_000, 20_000_000_000, 1 << 30] {
            assert_eq!(bytes(&bytes_text(value)), Ok(value));
        }
        for value in [0, 250, 300_000, 604_800_000] {
            assert_eq!(duration_ms(&duration_text(value)), Ok(value));
        }
    }
}
