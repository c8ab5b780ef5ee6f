//! A walk over a TOML table that takes what it knows, notes where everything stands, and reports all that is wrong
//! instead of stopping at the first.

use std::cell::RefCell;
use std::ops::Range;

use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use super::finding::{Finding, Findings, Source};
use super::quantity;

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    pub value: T,
    pub span: Range<usize>,
}

impl<T> Located<T> {
    /// The same place with what `f` makes of the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Located<U> {
        Located {
            value: f(self.value),
            span: self.span,
        }
    }
}

/// Keys of the product's vocabulary that a later version will know: nothing that has no effect is accepted.
const LATER: [&str; 17] = [
    "breaker",
    "calendar",
    "counter",
    "counter_bits",
    "dominance",
    "feed_silent_after",
    "grant",
    "hosts",
    "path",
    "priority",
    "quiet_hours",
    "restore_over",
    "rollover_max",
    "donor",
    "bytes_per_sim",
    "contacts",
    "digest_at",
];

/// One table of a document.
pub struct Section<'a> {
    source: &'a Source,
    findings: &'a Findings,
    /// How to speak of it: `[programme]`.
    name: String,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    known: RefCell<Vec<&'static str>>,
}

/// Reads a document and hands its root to `read`; faults of the syntax are findings, and the rest is read all the
/// same.
pub fn document<T>(
    source: &Source,
    findings: &Findings,
    read: impl FnOnce(&Section<'_>) -> T,
) -> T {
    let (root, faults) = DeTable::parse_recoverable(&source.text);
    for fault in faults {
        let span = fault.span().unwrap_or(0..0);
        findings.add(source.finding(
            span,
            format!("this is not TOML: {}", fault.message()),
            "correct the syntax; see https://toml.io",
        ));
    }
    let section = Section {
        source,
        findings,
        name: "the file".into(),
        table: root.get_ref(),
        span: 0..0,
        known: RefCell::default(),
    };
    let read = read(&section);
    section.refuse_unknown_keys();
    read
}

impl<'a> Section<'a> {
    /// How to speak of it in a message.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it begins.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Adds a finding of this document.
    pub fn report(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.findings
            .add(self.source.finding(span, message, remedy));
    }

    /// Adds a finding that was made elsewhere.
    pub fn add(&self, finding: Finding) {
        self.findings.add(finding);
    }

    /// The document.
    pub fn source(&self) -> &'a Source {
        self.source
    }

    /// Reports each of these keys that is absent.
    pub fn need(&self, keys: &[&'static str]) {
        for key in keys {
            self.known.borrow_mut().push(key);
            if self.table.get(*key).is_none() {
                self.report(
                    self.span.clone(),
                    format!("{} lacks `{key}`", self.name),
                    format!("add `{key} = …`"),
                );
            }
        }
    }

    /// Whether the key is there, whatever its value.
    pub fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// The names of all keys with their places, for tables whose keys are the reader's own.
    pub fn keys(&self) -> impl Iterator<Item = Located<&str>> {
        self.table.keys().map(|key| Located {
            value: key.get_ref().as_ref(),
            span: key.span(),
        })
    }

    fn take(&self, key: &'static str) -> Option<(&'a DeValue<'a>, Range<usize>)> {
        self.known.borrow_mut().push(key);
        let value = self.table.get(key)?;
        Some((value.get_ref(), value.span()))
    }

    fn wrong<T>(
        &self,
        key: &str,
        span: Range<usize>,
        found: &DeValue<'_>,
        example: &str,
    ) -> Option<T> {
        let kind = match found {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.report(
            span,
            format!("`{key}` cannot be {kind}"),
            format!("write `{key} = {example}`"),
        );
        None
    }

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
        list.iter()
            .map(|item| self.integer_value(key, item.get_ref(), item.span(), least, most))
            .collect()
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

    /// A table within; `read` gets it, and what it leaves untouched is refused.
    pub fn table<T>(&self, key: &'static str, read: impl FnOnce(&Section<'_>) -> T) -> Option<T> {
        let (value, span) = self.take(key)?;
        let DeValue::Table(table) = value else {
            return self.wrong(key, span, value, "{ … }");
        };
        let name = if self.name == "the file" {
            format!("[{key}]")
        } else {
            format!("`{key}` of {}", self.name)
        };
        Some(self.within(name, table, span, read))
    }

    /// A table within another whose keys are the reader's own: nothing in it is unknown.
    pub fn open_table<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Section<'_>) -> T,
    ) -> Option<T> {
        let (value, span) = self.take(key)?;
        let DeValue::Table(table) = value else {
            return self.wrong(key, span, value, "{ … }");
        };
        let within = self.name.trim_matches(['[', ']']);
        Some(read(&self.inner(format!("[{within}.{key}]"), table, span)))
    }

    /// A list of tables; absent is none.
    pub fn tables<T>(&self, key: &'static str, mut read: impl FnMut(&Section<'_>) -> T) -> Vec<T> {
        let Some((value, span)) = self.take(key) else {
            return Vec::new();
        };
        let DeValue::Array(list) = value else {
            self.wrong::<()>(key, span, value, "[{ … }]");
            return Vec::new();
        };
        let mut all = Vec::new();
        for item in list {
            match item.get_ref() {
                DeValue::Table(table) => {
                    let name = format!("[[{key}]]");
                    all.push(self.within(name, table, item.span(), &mut read));
                }
                other => {
                    self.wrong::<()>(key, item.span(), other, "[{ … }]");
                }
            }
        }
        all
    }

    fn inner(&self, name: String, table: &'a DeTable<'a>, span: Range<usize>) -> Section<'a> {
        Section {
            source: self.source,
            findings: self.findings,
            name,
            table,
            span,
            known: RefCell::default(),
        }
    }

    fn within<T>(
        &self,
        name: String,
        table: &'a DeTable<'a>,
        span: Range<usize>,
        read: impl FnOnce(&Section<'_>) -> T,
    ) -> T {
        let section = self.inner(name, table, span);
        let read = read(&section);
        section.refuse_unknown_keys();
        read
    }

    fn refuse_unknown_keys(&self) {
        let known = self.known.borrow();
        for key in self.table.keys() {
            let name: &str = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            if LATER.contains(&name) {
                self.report(
                    key.span(),
                    format!("`{name}` is not known to this version of Hissa"),
                    "remove it: a setting without effect would only mislead",
                );
                continue;
            }
            let nearest = known
                .iter()
                .map(|known| (strsim::osa_distance(known, name), *known))
                .min();
            let mut sorted = known.clone();
            sorted.sort_unstable();
            sorted.dedup();
            let remedy = match nearest {
                Some((distance, known)) if distance <= 2 || distance * 3 <= name.len() => {
                    format!("did you mean `{known}`?")
                }
                _ if sorted.is_empty() => "remove it".into(),
                _ => format!("{} knows `{}`", self.name, sorted.join("`, `")),
            };
            self.report(
                key.span(),
                format!("unknown key `{name}` in {}", self.name),
                remedy,
            );
        }
    }
}
