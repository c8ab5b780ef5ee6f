//! A calendar against the registry.

use hissa_core::registry::{
    CalendarEntries, CalendarEntry, CalendarKind, Command, Period, Programme,
};

use super::ImportError;
use super::describe;
use super::plan::{Difference, Plan};
use super::registry_view::RegistryView;

/// What a file of calendar entries would change. Pure.
///
/// # Errors
/// It names a cohort that the registered programme does not have, or takes the terms by which one counts.
pub fn plan(view: &RegistryView, calendar: &CalendarEntries) -> Result<Plan, ImportError> {
    let Some(programme) = &view.programme else {
        return Err(ImportError::NoProgramme);
    };
    refuse_contradictions(programme, calendar)?;
    let mut plan = Plan::default();
    add(&mut plan, view, calendar);
    Ok(plan)
}

/// Adds the command, where the entries differ, and the difference.
pub fn add(plan: &mut Plan, view: &RegistryView, calendar: &CalendarEntries) {
    compare(&mut plan.difference, &view.calendar, calendar);
    if view.calendar != *calendar {
        plan.commands.push(Command::Calendar(calendar.clone()));
    }
}

/// That calendar and programme fit each other.
///
/// # Errors
/// They do not.
pub fn refuse_contradictions(
    programme: &Programme,
    calendar: &CalendarEntries,
) -> Result<(), ImportError> {
    let mut refused = Vec::new();
    let has_terms = calendar
        .entries
        .iter()
        .any(|entry| entry.kind == CalendarKind::Term);
    for cohort in &programme.cohorts {
        for allowance in &cohort.allowances {
            if allowance.every == Period::Term && !has_terms {
                refused.push(format!(
                    "allowance {} of cohort {} counts by terms, and the calendar has none: add an entry with `kind = \"term\"`",
                    allowance.id, cohort.id
                ));
            }
        }
    }
    let known = |id: &String| programme.cohorts.iter().any(|cohort| cohort.id == *id);
    for entry in &calendar.entries {
        let named = entry.cohorts.iter().flatten();
        for cohort in named.filter(|id| !known(id)) {
            refused.push(format!(
                "{} names cohort `{cohort}`, which the programme does not have",
                describe::entry(entry)
            ));
        }
    }
    if refused.is_empty() {
        Ok(())
    } else {
        Err(ImportError::Refused(refused))
    }
}

fn compare(difference: &mut Difference, held: &CalendarEntries, new: &CalendarEntries) {
    let gone = |entry: &&CalendarEntry| !new.entries.contains(entry);
    for entry in &new.entries {
        if held.entries.contains(entry) {
            difference.unchanged += 1;
        } else {
            difference.add_new(|| describe::entry(entry));
        }
    }
    for entry in held.entries.iter().filter(gone) {
        difference.add_changed(|| format!("no longer: {}", describe::entry(entry)));
    }
}
