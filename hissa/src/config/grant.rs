//! `[[grant]]`: bytes for each SIM of a cohort, on top of an allowance, for some time.

use hissa_core::registry::{CalendarEntry, Grant};
use jiff::civil::Date;

use super::calendar::eid_al_fitr;
use super::cohort::{CohortRead, check_id};
use super::section::{Located, Section};

/// Where a grant's end is the end of Ramadan.
pub const EID: &str = "eid-al-fitr";

/// What could be read of a grant.
pub struct GrantRead {
    pub id: Option<Located<String>>,
    pub grant: Option<Grant>,
}

/// Reads a grant against the cohorts and the calendar of the same file.
pub fn read(section: &Section<'_>, cohorts: &[CohortRead], entries: &[CalendarEntry]) -> GrantRead {
    section.need(&["id", "cohort", "bytes_per_sim", "valid"]);
    let id = section
        .text("id")
        .filter(|id| check_id(section, id, "a grant"));
    let cohort = section.text("cohort");
    let allowance = section.text("allowance");
    let bytes = section.bytes("bytes_per_sim");
    if let Some(bytes) = &bytes
        && bytes.value == 0
    {
        section.report(
            bytes.span.clone(),
            "a grant of 0 bytes gives nothing",
            "write `bytes_per_sim = \"10 GB\"`, or remove the grant",
        );
    }
    let priority = section.integer("priority", 0, u64::from(u32::MAX));
    let donor = section.text("donor");
    let valid = section
        .table("valid", |valid| read_valid(valid, entries, cohort.as_ref()))
        .flatten();
    check_target(section, cohorts, cohort.as_ref(), allowance.as_ref());
    let whole = || {
        let (valid_from, valid_until) = valid?;
        Some(Grant {
            id: id.as_ref()?.value.clone(),
            cohort: Some(cohort?.value),
            sim: None,
            allowance: allowance.map_or_else(|| "education".into(), |found| found.value),
            bytes: bytes?.value,
            valid_from,
            valid_until,
            priority: priority.map_or(Some(10), |found| u32::try_from(found.value).ok())?,
            donor: donor.map_or_else(String::new, |found| found.value),
        })
    };
    GrantRead { grant: whole(), id }
}

fn read_valid(
    section: &Section<'_>,
    entries: &[CalendarEntry],
    cohort: Option<&Located<String>>,
) -> Option<(Date, Date)> {
    section.need(&["from", "until"]);
    let from = section.date("from");
    let until = if section.is_text("until") {
        let word = section.word("until", &[(EID, ())])?;
        let (from, cohort) = (from.as_ref()?, cohort?);
        match eid_al_fitr(entries, from.value, &cohort.value) {
            Some(date) => word.map(|()| date),
            None => {
                section.report(
                    word.span,
                    format!("`{EID}` is not known: no `ramadan` in this calendar ends on or after {}", from.value),
                    "add a [[calendar]] with `kind = \"ramadan\"`, or write the first day on which the grant no longer holds",
                );
                return None;
            }
        }
    } else {
        section.date("until")?
    };
    let from = from?;
    if until.value <= from.value {
        section.report(
            until.span,
            format!(
                "this grant ends on {}, and begins on {}: it has no day",
                until.value, from.value
            ),
            "`until` is the first day on which it no longer holds: name a later one",
        );
        return None;
    }
    Some((from.value, until.value))
}

/// The cohort and the allowance that a grant adds to must be in the file.
fn check_target(
    section: &Section<'_>,
    cohorts: &[CohortRead],
    cohort: Option<&Located<String>>,
    allowance: Option<&Located<String>>,
) {
    let Some(cohort) = cohort else { return };
    let ids = cohorts.iter().filter_map(|read| read.id.as_ref());
    let known = cohorts.iter().find(|read| {
        let id = read.id.as_ref();
        id.is_some_and(|id| id.value == cohort.value)
    });
    let Some(known) = known else {
        section.report(
            cohort.span.clone(),
            format!("the programme has no cohort `{}`", cohort.value),
            nearest(&cohort.value, ids.map(|id| id.value.as_str()))
                .unwrap_or_else(|| "name a cohort of this file".into()),
        );
        return;
    };
    let named = allowance.map_or("education", |found| found.value.as_str());
    if known.allowances.iter().any(|id| id.value == named) {
        return;
    }
    let of_cohort: Vec<&str> = known
        .allowances
        .iter()
        .map(|id| id.value.as_str())
        .collect();
    section.report(
        allowance.map_or(cohort.span.clone(), |found| found.span.clone()),
        format!("cohort `{}` has no allowance `{named}`", cohort.value),
        match of_cohort.as_slice() {
            [] => "give the cohort that allowance".into(),
            some => format!("name one that it has with `allowance`: {}", some.join(", ")),
        },
    );
}

/// "did you mean …?", where one of the names is near.
pub fn nearest<'n>(found: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let nearest = known
        .map(|id| (strsim::osa_distance(id, found), id))
        .min()?;
    (nearest.0 <= 3).then(|| format!("did you mean `{}`?", nearest.1))
}
