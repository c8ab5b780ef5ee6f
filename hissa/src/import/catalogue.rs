//! A catalogue against the registry.

use hissa_core::registry::{Catalogue, Command, Rule};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::ImportError;
use super::plan::Plan;
use super::registry_view::RegistryView;

/// A change of the catalogue may begin this long after it is entered at the earliest: what was counted stays counted.
const NOTICE_MS: i64 = 15 * 60 * 1000;

/// What the catalogue would change, entered at that time. Pure.
///
/// # Errors
/// Another content under the version that is registered; a change of the past.
pub fn plan(
    view: &RegistryView,
    catalogue: &Catalogue,
    entered_at_ms: i64,
) -> Result<Plan, ImportError> {
    let mut plan = Plan::default();
    let Some(held) = &view.catalogue else {
        for rule in &catalogue.rules {
            plan.difference.add_new(|| describe(rule));
        }
        plan.commands.push(Command::Catalogue(catalogue.clone()));
        return Ok(plan);
    };
    if held == catalogue {
        plan.difference.unchanged = held.rules.len() as u64;
        return Ok(plan);
    }
    if held.version == catalogue.version {
        return Err(ImportError::Refused(vec![format!(
            "catalogue version {} is registered with another content: raise `version`, so that decisions name what they were made under",
            held.version
        )]));
    }
    let zone = view.zone();
    let earliest_ms = entered_at_ms.saturating_add(NOTICE_MS);
    let mut refused = Vec::new();
    for rule in &catalogue.rules {
        if held.rules.contains(rule) {
            plan.difference.unchanged += 1;
            continue;
        }
        if rule
            .valid_from
            .and_then(|date| midnight_ms(&zone, date))
            .is_none_or(|ms| ms < earliest_ms)
        {
            refused.push(format!(
                "{} would change what is counted already: after the first version, a rule begins at a `valid_from` whose local midnight is 15 minutes or more ahead",
                describe(rule)
            ));
        }
        plan.difference.add_new(|| describe(rule));
    }
    for gone in held
        .rules
        .iter()
        .filter(|rule| !catalogue.rules.contains(rule))
    {
        let traffic = |rule: &Rule| (rule.rating_group, rule.service_id, rule.valid_from);
        let replaced = catalogue
            .rules
            .iter()
            .any(|rule| traffic(rule) == traffic(gone));
        // A rule of the same day that replaces it was judged above.
        if !replaced {
            refused.push(format!(
                "{} is missing: a rule of an earlier version holds until a newer one takes over, so keep it, and add a rule with a later `valid_from`",
                describe(gone)
            ));
        }
        plan.difference
            .add_changed(|| format!("no longer: {}", describe(gone)));
    }
    if !refused.is_empty() {
        return Err(ImportError::Refused(refused));
    }
    plan.commands.push(Command::Catalogue(catalogue.clone()));
    Ok(plan)
}

fn midnight_ms(zone: &TimeZone, date: Date) -> Option<i64> {
    let midnight = zone.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(midnight.as_millisecond())
}

fn describe(rule: &Rule) -> String {
    let traffic = match rule.service_id {
        Some(id) => format!("rating group {}, service id {id}", rule.rating_group),
        None => format!("rating group {}", rule.rating_group),
    };
    let from = match rule.valid_from {
        Some(date) => format!(" from {date}"),
        None => String::new(),
    };
    format!(
        "{traffic}: {} ({}){from}",
        rule.service,
        rule.class.as_str()
    )
}
