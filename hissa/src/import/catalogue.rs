//! A catalogue against the registry.

use hissa_core::registry::{Catalogue, Command, Rule};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ImportError;
use super::describe;
use super::plan::Plan;
use super::registry_view::RegistryView;

/// A change of the catalogue may begin this long after it is entered at the earliest: what was counted stays counted.
const NOTICE_MS: i64 = 15 * 60 * 1000;

/// Why a catalogue cannot follow the ones before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The place of the rule in the catalogue; none where the catalogue as a whole is meant.
    pub rule: Option<usize>,
    pub message: String,
    pub remedy: String,
}

/// What the catalogue would change, entered at that time. Pure.
///
/// # Errors
/// Another content under the version that is registered; a change of the past.
pub fn plan(
    view: &RegistryView,
    catalogue: &Catalogue,
    entered_at_ms: i64,
) -> Result<Plan, ImportError> {
    let refused = judge(&view.catalogues, &view.zone(), catalogue, entered_at_ms);
    if !refused.is_empty() {
        let lines = refused
            .into_iter()
            .map(|refusal| format!("{}: {}", refusal.message, refusal.remedy));
        return Err(ImportError::Refused(lines.collect()));
    }
    let mut plan = Plan::default();
    let held = view.catalogue();
    if held == Some(catalogue) {
        plan.difference.unchanged = catalogue.rules.len() as u64;
        return Ok(plan);
    }
    for rule in &catalogue.rules {
        if held.is_some_and(|held| held.rules.contains(rule)) {
            plan.difference.unchanged += 1;
        } else {
            plan.difference.add_new(|| describe::rule(rule));
        }
    }
    let gone = held.into_iter().flat_map(|held| &held.rules);
    for gone in gone.filter(|rule| !catalogue.rules.contains(rule)) {
        plan.difference
            .add_changed(|| format!("no longer: {}", describe::rule(gone)));
    }
    plan.commands.push(Command::Catalogue(catalogue.clone()));
    Ok(plan)
}

/// What stands against a catalogue that follows those versions (semantics K3): nothing that was counted may change its
/// class. Pure.
pub fn judge(
    held: &[Catalogue],
    zone: &TimeZone,
    catalogue: &Catalogue,
    entered_at_ms: i64,
) -> Vec<Refusal> {
    let Some(last) = held.last() else {
        return Vec::new();
    };
    if last == catalogue {
        return Vec::new();
    }
    let mut refused = Vec::new();
    if held.iter().any(|held| held.version == catalogue.version) {
        refused.push(Refusal {
            rule: None,
            message: format!(
                "catalogue version {} is registered with another content",
                catalogue.version
            ),
            remedy: "raise `version`, so that decisions name what they were made under".into(),
        });
    }
    let earliest_ms = entered_at_ms.saturating_add(NOTICE_MS);
    for (place, rule) in catalogue.rules.iter().enumerate() {
        let stands = held.iter().any(|held| held.rules.contains(rule));
        let begins_ms = rule.valid_from.and_then(|date| midnight_ms(zone, date));
        if stands || begins_ms.is_some_and(|ms| ms >= earliest_ms) {
            continue;
        }
        refused.push(Refusal {
            rule: Some(place),
            message: format!(
                "{} would change what is counted already",
                describe::rule(rule)
            ),
            remedy: "after the first version, a rule begins at a `valid_from` whose local midnight is 15 minutes or more ahead".into(),
        });
    }
    let traffic = |rule: &Rule| (rule.rating_group, rule.service_id, rule.valid_from);
    for gone in &last.rules {
        // A rule of the same traffic and day that replaces it was judged above.
        if !catalogue
            .rules
            .iter()
            .any(|rule| traffic(rule) == traffic(gone))
        {
            refused.push(Refusal {
                rule: None,
                message: format!("{} is missing", describe::rule(gone)),
                remedy: "a rule of an earlier version holds until a newer one takes over, so keep it; to withdraw it, map its traffic to class \"unknown\" with a later `valid_from`".into(),
            });
        }
    }
    refused
}

fn midnight_ms(zone: &TimeZone, date: Date) -> Option<i64> {
    let midnight = zone.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(midnight.as_millisecond())
}
