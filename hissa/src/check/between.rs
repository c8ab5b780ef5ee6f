//! What several files say of each other.

use std::collections::BTreeSet;

use hissa_core::registry::{CalendarKind, Catalogue};
use jiff::tz::TimeZone;

use crate::config::calendar::CalendarRead;
use crate::config::catalogue::CatalogueFile;
use crate::config::finding::{Findings, Source};
use crate::config::grant::nearest;
use crate::config::programme::{self, ProgrammeRead};
use crate::config::roster::{self, RosterRead};
use crate::import::catalogue::judge;

/// Cohorts of the roster that no programme has.
pub fn refuse_unknown_cohorts(
    source: &Source,
    roster: &RosterRead,
    programmes: &[(&Source, ProgrammeRead)],
    findings: &Findings,
) {
    let known: BTreeSet<&str> = programmes
        .iter()
        .flat_map(|(_, programme)| programme.cohorts.iter().map(|id| id.value.as_str()))
        .collect();
    for (cohort, span) in &roster.cohorts {
        if known.contains(cohort.as_str()) {
            continue;
        }
        let remedy = nearest(cohort, known.iter().copied())
            .unwrap_or_else(|| "name a cohort of the programme, or add a [[cohort]] to it".into());
        let message = format!("the programme has no cohort `{cohort}`");
        findings.add(roster::masking(source.finding(
            span.clone(),
            message,
            remedy,
        )));
    }
}

/// Cohorts of the programme that no row is of.
pub fn refuse_unused_cohorts(
    source: &Source,
    programme: &ProgrammeRead,
    rosters: &[(&Source, RosterRead)],
    findings: &Findings,
) {
    for id in &programme.cohorts {
        let used = rosters
            .iter()
            .any(|(_, roster)| roster.cohorts.iter().any(|(cohort, _)| *cohort == id.value));
        if !used {
            findings.add(source.finding(
                id.span.clone(),
                format!("no row of the roster is of cohort `{}`", id.value),
                "remove the cohort, or correct the `cohort` column of the roster",
            ));
        }
    }
}

/// Calendars of their own against the programme: cohorts that it does not have, terms that nobody names.
pub fn calendars(
    programme: (&Source, &ProgrammeRead),
    calendars: &[(&Source, CalendarRead)],
    findings: &Findings,
) {
    let (source, read) = programme;
    for (of, calendar) in calendars {
        for finding in programme::unknown_cohorts(of, calendar, &read.cohorts) {
            findings.add(finding);
        }
    }
    let mut entries = calendars.iter().flat_map(|(_, calendar)| &calendar.entries);
    if entries.any(|entry| entry.value.kind == CalendarKind::Term) {
        return;
    }
    for place in &read.terms {
        findings.add(programme::without_terms(source, place));
    }
}

/// Each catalogue against those that are named before it: what is counted by them keeps its class (semantics K3).
pub fn catalogues(
    catalogues: &[(&Source, CatalogueFile)],
    programmes: &[(&Source, ProgrammeRead)],
    now_ms: i64,
    findings: &Findings,
) {
    let zones = programmes.iter().filter_map(|(_, programme)| {
        let (name, data) = programme::zone_data(programme.timezone.as_ref()?)?;
        TimeZone::tzif(name, data).ok()
    });
    // Without a programme there is no local midnight; the one of UTC is near it.
    let zone = zones.into_iter().next().unwrap_or(TimeZone::UTC);
    let mut before: Vec<Catalogue> = Vec::new();
    for (source, file) in catalogues {
        for refusal in judge(&before, &zone, &file.catalogue, now_ms) {
            findings.add(file.finding(source, refusal.rule, refusal.message, refusal.remedy));
        }
        before.push(file.catalogue.clone());
    }
}
