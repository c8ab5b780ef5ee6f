//! `[[calendar]]`: terms, breaks, holidays, exams and Ramadan, in `programme.toml` or in a file of their own.

use hissa_core::registry::{CalendarEntries, CalendarEntry, CalendarKind, Class};
use jiff::ToSpan as _;
use jiff::civil::Date;

use super::finding::{Findings, Source};
use super::section::{Located, Section, document};

/// The entries of a file, and the cohorts that they name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalendarRead {
    /// In the order of the file, each with its place.
    pub entries: Vec<Located<CalendarEntry>>,
    /// Every mention of a cohort.
    pub cohorts: Vec<Located<String>>,
}

impl CalendarRead {
    /// For the registry.
    pub fn entries(&self) -> CalendarEntries {
        CalendarEntries {
            entries: self
                .entries
                .iter()
                .map(|entry| entry.value.clone())
                .collect(),
        }
    }
}

/// Reads a file that holds `[[calendar]]` and nothing else.
pub fn read_file(source: &Source, findings: &Findings) -> CalendarRead {
    document(source, findings, |root| {
        root.need(&["calendar"]);
        read(root).unwrap_or_default()
    })
}

/// Reads the entries of a document; none where it does not speak of a calendar (`calendar = []` says that it is empty).
pub fn read(root: &Section<'_>) -> Option<CalendarRead> {
    let mut read = CalendarRead::default();
    for (entry, cohorts) in root.tables("calendar", read_entry) {
        read.entries.extend(entry);
        read.cohorts.extend(cohorts);
    }
    refuse_overlapping_terms(root, &read.entries);
    root.has("calendar").then_some(read)
}

fn read_entry(section: &Section<'_>) -> (Option<Located<CalendarEntry>>, Vec<Located<String>>) {
    section.need(&["kind", "from", "to"]);
    let kind = section.word(
        "kind",
        &[
            ("term", CalendarKind::Term),
            ("break", CalendarKind::Break),
            ("holiday", CalendarKind::Holiday),
            ("exam", CalendarKind::Exam),
            ("ramadan", CalendarKind::Ramadan),
        ],
    );
    let (from, to) = (section.date("from"), section.date("to"));
    let cohorts = read_cohorts(section);
    let opens = read_opens(section);
    let quiet_hours = section.text("quiet_hours");
    if let Some(hours) = &quiet_hours {
        check_hours(section, hours);
    }
    let entry = || {
        let (kind, from, to) = (kind?, from?, to?);
        if to.value < from.value {
            section.report(
                to.span,
                format!(
                    "this entry ends on {} before it begins on {}",
                    to.value, from.value
                ),
                "give a last day that is not before the first; both belong to the entry",
            );
            return None;
        }
        Some(Located {
            span: from.span,
            value: CalendarEntry {
                kind: kind.value,
                from: from.value,
                to: to.value,
                cohorts: cohorts
                    .as_ref()
                    .map(|ids| ids.iter().map(|id| id.value.clone()).collect()),
                opens,
                quiet_hours: quiet_hours.map(|hours| hours.value),
            },
        })
    };
    let entry = entry();
    (entry, cohorts.unwrap_or_default())
}

fn read_cohorts(section: &Section<'_>) -> Option<Vec<Located<String>>> {
    let cohorts = section.texts("cohorts")?;
    if cohorts.is_empty() {
        section.report(
            section.key_span("cohorts"),
            "`cohorts` names none: the entry would hold for nobody",
            "name cohorts, or leave `cohorts` out: the entry then holds for all",
        );
    }
    Some(cohorts)
}

fn read_opens(section: &Section<'_>) -> Vec<Class> {
    let mut opens = Vec::new();
    for word in section.texts("opens").unwrap_or_default() {
        match word.value.as_str() {
            "education" => opens.push(Class::Education),
            "other" => opens.push(Class::Other),
            other => section.report(
                word.span,
                format!("`opens` does not know \"{other}\""),
                "this version knows \"education\", \"other\"; system traffic is never cut",
            ),
        }
    }
    opens.sort_unstable();
    opens.dedup();
    opens
}

/// `15:00-21:00`; hours that pass midnight are fine.
fn check_hours(section: &Section<'_>, hours: &Located<String>) {
    let time = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let number = |part: &str, most: u8| {
            let two = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u8>()
                .ok()
                .filter(|found| two && *found <= most)
        };
        Some((number(hour, 23)?, number(minute, 59)?))
    };
    let both = hours.value.split_once('-');
    let both = both.and_then(|(from, to)| Some((time(from)?, time(to)?)));
    if both.is_none_or(|(from, to)| from == to) {
        section.report(
            hours.span.clone(),
            format!("\"{}\" are no hours", hours.value),
            "write two different local times as `quiet_hours = \"15:00-21:00\"`",
        );
    }
}

fn refuse_overlapping_terms(root: &Section<'_>, entries: &[Located<CalendarEntry>]) {
    let mut terms: Vec<&Located<CalendarEntry>> = entries
        .iter()
        .filter(|entry| entry.value.kind == CalendarKind::Term)
        .collect();
    terms.sort_by_key(|entry| entry.value.from);
    for pair in terms.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        if second.value.from > first.value.to {
            continue;
        }
        let source = root.source();
        root.add(
            source
                .finding(
                    second.span.clone(),
                    format!(
                        "this term begins on {}, and another one lasts until {}",
                        second.value.from, first.value.to
                    ),
                    "let a term end before the next begins",
                )
                .seeing(source.place(first.span.clone(), "the other")),
        );
    }
}

/// The day after the last day of the Ramadan that is on at `from` or comes next for that cohort: `eid-al-fitr`.
pub fn eid_al_fitr(entries: &[CalendarEntry], from: Date, cohort: &str) -> Option<Date> {
    let of_cohort = |entry: &&CalendarEntry| {
        let cohorts = entry.cohorts.as_ref();
        cohorts.is_none_or(|cohorts| cohorts.iter().any(|id| id == cohort))
    };
    let next = entries
        .iter()
        .filter(|entry| entry.kind == CalendarKind::Ramadan && entry.to >= from)
        .filter(of_cohort)
        .min_by_key(|entry| entry.from)?;
    next.to.checked_add(1.day()).ok()
}
