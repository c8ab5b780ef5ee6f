//! The values of a [`Section`]: each with its place, each refused with a remedy where it is not what is needed.

use std::ops::Range;

use hissa_core::registry::Period;
use jiff::civil::Date;
use toml::Spanned;
use toml::de::DeValue;

use super::quantity;
use super::section::{Located, Section};

impl Section<'_> {
    /// A text.
    pub fn text(&self, key: &'static str) -> Option<Located<String>> {
        let (value, span) = self.take(key)?;
        match value {
            DeValue::String(text) if text.trim().is_empty() => {
                self.report(
                    span,
                    format!("`{key}` is empty"),
                    format!("name a value, or leave `{key}` out"),
                );
                None
            }
            DeValue::String(text) => Some(Located {
                value: text.to_string(),
                span,
            }),
            other => self.wrong(key, span, other, "\"…\""),
        }
    }

    /// Whether the key's value is a text.
    pub fn is_text(&self, key: &str) -> bool {
        let value = self.table.get(key);
        value.is_some_and(|value| matches!(value.get_ref(), DeValue::String(_)))
    }

    /// One of some words.
    pub fn word<T: Copy>(
        &self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<Located<T>> {
        let text = self.text(key)?;
        match words.iter().find(|(word, _)| *word == text.value) {
            Some((_, value)) => Some(text.map(|_| *value)),
            None => {
                let all: Vec<String> = words
                    .iter()
                    .map(|(word, _)| format!("\"{word}\""))
                    .collect();
                self.report(
                    text.span,
                    format!("`{key}` does not know \"{}\"", text.value),
                    format!("this version knows {}", all.join(", ")),
                );
                None
            }
        }
    }

    /// A whole number within bounds.
    pub fn integer(&self, key: &'static str, least: u64, most: u64) -> Option<Located<u64>> {
        let (value, span) = self.take(key)?;
        self.integer_value(key, value, span, least, most)
    }

    fn integer_value(
        &self,
        key: &str,
        value: &DeValue<'_>,
        span: Range<usize>,
        least: u64,
        most: u64,
    ) -> Option<Located<u64>> {
        let DeValue::Integer(integer) = value else {
            return self.wrong(key, span, value, &least.to_string());
        };
        match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(value) if (least..=most).contains(&value) => Some(Located { value, span }),
            _ => {
                self.report(
                    span,
                    format!("`{key}` is out of range: {}", integer.as_str()),
                    format!("choose a number from {least} to {most}"),
                );
                None
            }
        }
    }

    /// A list of whole numbers within bounds.
    pub fn integers(&self, key: &'static str, least: u64, most: u64) -> Option<Vec<Located<u64>>> {
        let (value, span) = self.take(key)?;
        let DeValue::Array(list) = value else {
            return self.wrong(key, span, value, "[…]");
        };
        // What is wrong is told; the others still serve the checks of the whole list.
        let read = |item: &Spanned<DeValue<'_>>| {
            self.integer_value(key, item.get_ref(), item.span(), least, most)
        };
        Some(list.iter().filter_map(read).collect())
    }

    /// A list of texts, each in its place.
    pub fn texts(&self, key: &'static str) -> Option<Vec<Located<String>>> {
        let (value, span) = self.take(key)?;
        let DeValue::Array(list) = value else {
            return self.wrong(key, span, value, "[\"…\"]");
        };
        list.iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Some(Located {
                    value: text.to_string(),
                    span: item.span(),
                }),
                other => self.wrong(key, item.span(), other, "[\"…\"]"),
            })
            .collect()
    }

    /// How long a cycle is.
    pub fn period(&self, key: &'static str) -> Option<Located<Period>> {
        let text = self.text(key)?;
        match quantity::period(&text.value) {
            Ok(period) => Some(text.map(|_| period)),
            Err(why) => {
                self.report(
                    text.span,
                    format!("`{key}` is not a period: {why}"),
                    "write \"day\", \"week\", \"month\", \"term\", or days from a SIM's activation on, such as \"30d\"",
                );
                None
            }
        }
    }

    /// A share above 0 and up to 1, in thousandths.
    pub fn share(&self, key: &'static str) -> Option<Located<u16>> {
        let (value, span) = self.take(key)?;
        let text = match value {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) => integer.as_str(),
            other => return self.wrong(key, span, other, "0.2"),
        };
        match quantity::permille(text) {
            Ok(value) => Some(Located { value, span }),
            Err(why) => {
                self.report(
                    span,
                    format!("`{key}` is not a share: {why}"),
                    format!("write a decimal above 0 and at most 1, such as `{key} = 0.2` (20 %)"),
                );
                None
            }
        }
    }

    /// True or false.
    pub fn truth(&self, key: &'static str) -> Option<Located<bool>> {
        let (value, span) = self.take(key)?;
        match value {
            DeValue::Boolean(value) => Some(Located {
                value: *value,
                span,
            }),
            other => self.wrong(key, span, other, "true"),
        }
    }

    /// A local date.
    pub fn date(&self, key: &'static str) -> Option<Located<Date>> {
        let (value, span) = self.take(key)?;
        let DeValue::Datetime(found) = value else {
            return self.wrong(key, span, value, "2026-02-01");
        };
        match (found.date, found.time) {
            (Some(date), None) => {
                let whole = i16::try_from(date.year).ok().and_then(|year| {
                    let (month, day) =
                        (i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?);
                    Date::new(year, month, day).ok()
                });
                // TOML itself admits only real days; the bound of years is the calendar's.
                match whole {
                    Some(value) => Some(Located { value, span }),
                    None => self.wrong(key, span, value, "2026-02-01"),
                }
            }
            // No such day: the syntax says so already.
            (None, None) => None,
            _ => {
                self.report(
                    span,
                    format!("`{key}` is a local date, without a time"),
                    format!("write `{key} = 2026-02-01`"),
                );
                None
            }
        }
    }

    /// Bytes with a unit. A bare number is refused, for nobody sees whether it is short of a zero.
    pub fn bytes(&self, key: &'static str) -> Option<Located<u64>> {
        let (value, span) = self.take(key)?;
        match value {
            DeValue::String(text) => match quantity::bytes(text) {
                Ok(value) => Some(Located { value, span }),
                Err(why) => {
                    self.report(
                        span,
                        format!("`{key}` is not a number of bytes: {why}"),
                        format!("write a number and a unit, such as `{key} = \"20 GB\"` (GB = 10⁹, GiB = 2³⁰)"),
                    );
                    None
                }
            },
            DeValue::Integer(integer) => {
                let said = integer
                    .as_str()
                    .parse()
                    .map_or_else(|_| "20 GB".into(), quantity::bytes_text);
                self.report(
                    span,
                    format!("`{key}` is a bare number, without a unit"),
                    format!("write `{key} = \"{said}\"`"),
                );
                None
            }
            other => self.wrong(key, span, other, "\"20 GB\""),
        }
    }

    /// A duration with a unit, in milliseconds.
    pub fn duration_ms(&self, key: &'static str) -> Option<Located<u64>> {
        let (value, span) = self.take(key)?;
        let why = match value {
            DeValue::String(text) => match quantity::duration_ms(text) {
                Ok(value) => return Some(Located { value, span }),
                Err(why) => why,
            },
            DeValue::Integer(_) => "the unit is missing".into(),
            other => return self.wrong(key, span, other, "\"5m\""),
        };
        self.report(
            span,
            format!("`{key}` is not a duration: {why}"),
            format!("write a number and a unit, such as `{key} = \"5m\"` (s, m, h, d)"),
        );
        None
    }

    /// A text, number or truth as text, for keys that are the reader's own.
    pub fn scalar(&self, key: &str) -> Option<Located<String>> {
        let value = self.table.get(key)?;
        let span = value.span();
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(integer) => integer.as_str().to_owned(),
            DeValue::Float(float) => float.as_str().to_owned(),
            DeValue::Boolean(value) => value.to_string(),
            other => return self.wrong(key, span, other, "\"…\""),
        };
        Some(Located { value: text, span })
    }
}
