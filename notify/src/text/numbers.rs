//! Numbers as people write them, and templates with their values in place.

const BYTES_PER_GB: u64 = 1_000_000_000;

/// Gigabytes with one decimal, rounded down: `19.9` until the twentieth is full.
pub fn tenths(bytes: u64) -> String {
    let tenths = bytes / (BYTES_PER_GB / 10);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Gigabytes with all the decimals that they have and no more: `20`, `2.5`, `0.512`.
pub fn exact(bytes: u64) -> String {
    let (whole, part) = (bytes / BYTES_PER_GB, bytes % BYTES_PER_GB);
    if part == 0 {
        return whole.to_string();
    }
    let decimals = format!("{part:09}");
    format!("{whole}.{}", decimals.trim_end_matches('0'))
}

pub(super) fn decimal_comma(number: &str) -> String {
    number.replace('.', ",")
}

/// Replaces each `{name}` once, from left to right, so that a value with braces in it stays as it is.
pub(super) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let known = after.split_once('}').and_then(|(name, behind)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, behind))
        });
        match known {
            Some((value, behind)) => {
                text.push_str(value);
                rest = behind;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gigabytes_are_never_rounded_up() {
        for (bytes, in_tenths, exactly) in [
            (0, "0.0", "0"),
            (99_999_999, "0.0", "0.099999999"),
            (512_000_000, "0.5", "0.512"),
            (2_500_000_000, "2.5", "2.5"),
            (19_999_999_999, "19.9", "19.999999999"),
            (20_000_000_000, "20.0", "20"),
        ] {
            assert_eq!(
                (tenths(bytes).as_str(), exact(bytes).as_str()),
                (in_tenths, exactly)
            );
        }
    }

    #[test]
    fn a_value_with_braces_is_no_placeholder() {
        let values = [("tag", "{link}".to_owned()), ("link", "x".to_owned())];
        assert_eq!(fill("{tag} {link} {none}", &values), "{link} x {none}");
    }
}
