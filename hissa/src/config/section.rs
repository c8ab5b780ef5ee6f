//! A walk over a TOML table that takes what it knows, notes where everything stands, and reports all that is wrong
//! instead of stopping at the first.

use std::cell::RefCell;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::finding::{Finding, Findings, Source};

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
const LATER: [&str; 6] = [
    "dominance",
    "feed_silent_after",
    "hosts",
    "path",
    "contacts",
    "digest_at",
];

/// One table of a document.
pub struct Section<'a> {
    source: &'a Source,
    findings: &'a Findings,
    /// How to speak of it: `[programme]`.
    name: String,
    pub(super) table: &'a DeTable<'a>,
    span: Range<usize>,
    known: RefCell<Vec<&'a str>>,
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
    pub fn keys(&self) -> impl Iterator<Item = Located<&'a str>> {
        self.table.keys().map(|key| Located {
            value: key.get_ref().as_ref(),
            span: key.span(),
        })
    }

    /// Where the key stands, or the table, where the key is absent.
    pub fn key_span(&self, key: &str) -> Range<usize> {
        let mut keys = self.keys();
        let found = keys.find(|found| found.value == key);
        found.map_or(self.span(), |found| found.span)
    }

    pub(super) fn take(&self, key: &'a str) -> Option<(&'a DeValue<'a>, Range<usize>)> {
        self.known.borrow_mut().push(key);
        let value = self.table.get(key)?;
        Some((value.get_ref(), value.span()))
    }

    pub(super) fn wrong<T>(
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

    /// A table within; `read` gets it, and what it leaves untouched is refused.
    pub fn table<T>(&self, key: &'a str, read: impl FnOnce(&Section<'_>) -> T) -> Option<T> {
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

    /// Every key of this table as a table, under names that are the file's own, in the order of the file.
    pub fn named_tables<T>(
        &self,
        mut read: impl FnMut(Located<&'a str>, &Section<'_>) -> T,
    ) -> Vec<T> {
        let mut keys: Vec<Located<&'a str>> = self.keys().collect();
        keys.sort_by_key(|key| key.span.start);
        let mut all = Vec::new();
        for key in keys {
            let name = key.value;
            all.extend(self.table(name, |section| read(key, section)));
        }
        all
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
