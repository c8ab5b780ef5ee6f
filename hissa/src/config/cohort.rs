//! A cohort of `programme.toml`: since when it is enforced, its allowances, its thresholds, its breaker.

use hissa_core::registry::{Breaker, Cohort, Period};
use jiff::civil::Date;

use super::allowance;
use super::section::{Located, Section};

/// Resets are spread over this time at the most.
const RESTORE_OVER_MS_MAX: u64 = 86_400_000;

/// What could be read of a cohort, for checks against the rest of the file and against other files.
pub struct CohortRead {
    pub id: Option<Located<String>>,
    /// The ids of its allowances.
    pub allowances: Vec<Located<String>>,
    /// Where it counts by terms, which the calendar must then have.
    pub terms: Vec<Located<()>>,
    pub cohort: Option<Cohort>,
}

/// Reads a cohort.
pub fn read(section: &Section<'_>, valid: Option<(Date, Date)>) -> CohortRead {
    section.need(&["id", "allowance"]);
    let id = section
        .text("id")
        .filter(|id| check_id(section, id, "a cohort"));
    let enforce_from = section.date("enforce_from");
    if let (Some(enforce_from), Some((from, to))) = (&enforce_from, valid)
        && !(from..=to).contains(&enforce_from.value)
    {
        section.report(
            enforce_from.span.clone(),
            format!(
                "`enforce_from` lies outside of the programme, which is valid from {from} to {to}"
            ),
            "choose a day of the programme, or leave `enforce_from` out: the cohort is then observed only",
        );
    }
    let read = section
        .table("allowance", allowance::read_all)
        .unwrap_or_default();
    let thresholds = read_thresholds(section);
    let actions = section.table("on_exhausted", |actions| {
        allowance::read_actions(actions, &read)
    });
    let restore_over_ms = read_restore_over(section);
    let breaker = section.table("breaker", read_breaker).flatten();
    let allowances = allowance::with_actions(&read, &actions.unwrap_or_default());
    allowance::refuse_unreachable(section, &read, &allowances);
    let cohort = id.as_ref().map(|id| Cohort {
        id: id.value.clone(),
        enforce_from: enforce_from.map(|date| date.value),
        allowances,
        thresholds,
        restore_over_ms,
        breaker: breaker.unwrap_or_default(),
    });
    let every = read.iter().filter_map(|allowance| allowance.every.clone());
    let terms = every.filter(|every| every.value == Period::Term);
    CohortRead {
        id,
        terms: terms.map(|every| every.map(drop)).collect(),
        allowances: read.into_iter().map(|allowance| allowance.id).collect(),
        cohort,
    }
}

/// Whether the text can be an id; says so where it cannot.
pub(super) fn check_id(section: &Section<'_>, id: &Located<String>, whose: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let fine = !id.value.is_empty() && id.value.len() <= 64 && id.value.chars().all(plain);
    if !fine {
        section.report(
            id.span.clone(),
            format!("\"{}\" cannot be {whose}'s id", id.value),
            "use up to 64 lower-case letters, digits, `-`, `_` and `.`",
        );
    }
    fine
}

/// Percent, rising; none unless said.
fn read_thresholds(section: &Section<'_>) -> Vec<u16> {
    let found = section.integers("thresholds", 1, 100).unwrap_or_default();
    for pair in found.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if after.value <= before.value {
            let mut sorted: Vec<u64> = found.iter().map(|found| found.value).collect();
            sorted.sort_unstable();
            sorted.dedup();
            let source = section.source();
            section.add(
                source
                    .finding(
                        after.span.clone(),
                        format!(
                            "`thresholds` must rise: {} follows {}",
                            after.value, before.value
                        ),
                        format!("write `thresholds = {sorted:?}`"),
                    )
                    .noting(format!("not above {}", before.value)),
            );
            // One finding says it; the rest of the list follows from it.
            break;
        }
    }
    // At most 100, so they fit.
    found
        .iter()
        .filter_map(|found| u16::try_from(found.value).ok())
        .collect()
}

fn read_restore_over(section: &Section<'_>) -> u32 {
    let Some(found) = section.duration_ms("restore_over") else {
        return 0;
    };
    if found.value > RESTORE_OVER_MS_MAX {
        section.report(
            found.span,
            "`restore_over` is longer than a day: a SIM would wait for its new day's bytes until they are gone",
            "write `restore_over = \"30m\"`",
        );
    }
    u32::try_from(found.value).unwrap_or(0)
}

/// A share of the cohort and a number of SIMs: both must be passed before anything is held.
fn read_breaker(section: &Section<'_>) -> Option<Breaker> {
    section.need(&["share", "at_least"]);
    let share = section.share("share");
    let at_least = section.integer("at_least", 1, 10_000_000);
    Some(Breaker {
        share_permille: share?.value,
        at_least: u32::try_from(at_least?.value).ok()?,
    })
}
