//! A programme with its calendar, feeds and grants against the registry.

use hissa_core::registry::{Command, Grant, Programme, Void};

use super::ImportError;
use super::calendar;
use super::describe;
use super::plan::{Difference, Plan};
use super::registry_view::RegistryView;
use crate::config::programme::ProgrammeFile;

/// What the file would change. Pure.
///
/// # Errors
/// Another content under the policy version that is registered; other terms under the id of a grant; terms that neither
/// the file nor the registered calendar has.
pub fn plan(view: &RegistryView, file: &ProgrammeFile) -> Result<Plan, ImportError> {
    let programme = &file.programme;
    calendar::refuse_contradictions(programme, file.calendar.as_ref().unwrap_or(&view.calendar))?;
    let mut plan = Plan {
        of_programme: true,
        ..Plan::default()
    };
    match &view.programme {
        None => {
            plan.difference.add_new(|| {
                format!(
                    "programme {} ({}), policy {}",
                    programme.id, programme.timezone, programme.policy_version
                )
            });
            for cohort in &programme.cohorts {
                plan.difference.add_new(|| describe::cohort(cohort));
            }
        }
        Some(held) if held == programme => {
            plan.difference.unchanged += 1 + held.cohorts.len() as u64;
        }
        Some(held) => {
            if held.policy_version == programme.policy_version {
                return Err(ImportError::Refused(vec![format!(
                    "policy version {} is registered with another content: raise `policy_version`, so that decisions name what they were made under",
                    held.policy_version
                )]));
            }
            compare(&mut plan.difference, held, programme);
        }
    }
    // The calendar first: a programme that counts by terms finds them, and is not counted from 1970 on.
    if let Some(calendar) = &file.calendar {
        calendar::add(&mut plan, view, calendar);
    }
    if view.programme.as_ref() != Some(programme) {
        plan.commands.push(Command::Programme(programme.clone()));
    }
    add_feeds(&mut plan, view, file);
    add_grants(&mut plan, view, &file.grants)?;
    Ok(plan)
}

fn add_feeds(plan: &mut Plan, view: &RegistryView, file: &ProgrammeFile) {
    for feed in &file.feeds {
        let command = feed.command();
        let line = || describe::feed(&command);
        match view.feeds.get(&feed.id) {
            Some(held) if *held == command => {
                plan.difference.unchanged += 1;
                continue;
            }
            Some(_) => plan.difference.add_changed(line),
            None => plan.difference.add_new(line),
        }
        plan.commands.push(Command::Feed(command));
    }
}

/// New grants, and the end of those that a file gave and no longer names.
fn add_grants(plan: &mut Plan, view: &RegistryView, grants: &[Grant]) -> Result<(), ImportError> {
    let mut refused = Vec::new();
    for grant in grants {
        let whose = grant.cohort.as_deref().unwrap_or_default();
        match view.grants.get(&grant.id) {
            None => {
                plan.difference.add_new(|| describe::grant(grant, whose));
                plan.commands.push(Command::Grant(grant.clone()));
            }
            Some(held) if held.void => refused.push(format!(
                "grant {} was voided, and its id stays taken: give the grant a new id, or remove it from the file",
                grant.id
            )),
            Some(held) if held.grant == *grant => plan.difference.unchanged += 1,
            Some(held) => refused.push(format!(
                "grant {} is registered with other terms ({}): give the new one a new id; without the old one in the file that is voided",
                grant.id,
                describe::grant(&held.grant, held.grant.cohort.as_deref().unwrap_or("a SIM"))
            )),
        }
    }
    if !refused.is_empty() {
        return Err(ImportError::Refused(refused));
    }
    let is_gone = |id: &String| !grants.iter().any(|grant| grant.id == *id);
    for (id, held) in &view.grants {
        if held.of_programme && !held.void && is_gone(id) {
            plan.difference.add_changed(|| {
                format!("grant {id} is gone from the file: void, what is left of it falls away")
            });
            plan.commands.push(Command::Void(Void {
                grant: id.clone(),
                sim: held.grant.sim,
            }));
        }
    }
    Ok(())
}

fn compare(difference: &mut Difference, held: &Programme, new: &Programme) {
    let mut changes = vec![format!(
        "policy {} → {}",
        held.policy_version, new.policy_version
    )];
    let mut field = |what: &str, before: String, after: String| {
        if before != after {
            changes.push(format!("{what} {before} → {after}"));
        }
    };
    let codes = |codes: &[u32]| match codes {
        [] => "none".into(),
        some => some
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(" "),
    };
    field("id", held.id.clone(), new.id.clone());
    field("zone", held.timezone.clone(), new.timezone.clone());
    field(
        "closes after (days)",
        held.closes_after_days.to_string(),
        new.closes_after_days.to_string(),
    );
    field(
        "unknown charged to",
        held.unknown_charged_to.as_str().into(),
        new.unknown_charged_to.as_str().into(),
    );
    field("k", held.privacy_k.to_string(), new.privacy_k.to_string());
    field(
        "codes of tablets",
        codes(&held.tablet_tacs),
        codes(&new.tablet_tacs),
    );
    field(
        "codes of routers",
        codes(&held.router_tacs),
        codes(&new.router_tacs),
    );
    if held.tzif_hex != new.tzif_hex && held.timezone == new.timezone {
        changes.push("rules of the zone".into());
    }
    difference.add_changed(|| format!("programme {}: {}", new.id, changes.join(", ")));
    for cohort in &new.cohorts {
        match held.cohorts.iter().find(|held| held.id == cohort.id) {
            None => difference.add_new(|| describe::cohort(cohort)),
            Some(before) if before == cohort => difference.unchanged += 1,
            Some(before) => difference.add_changed(|| {
                let (is, was) = (describe::cohort(cohort), describe::cohort(before));
                if is == was {
                    let (is, was) = (describe::cohort_rest(cohort), describe::cohort_rest(before));
                    return format!("cohort {}: {is}; was: {was}", cohort.id);
                }
                format!("{is}; was: {was}")
            }),
        }
    }
    for gone in held
        .cohorts
        .iter()
        .filter(|held| !new.cohorts.iter().any(|cohort| cohort.id == held.id))
    {
        difference.add_changed(|| format!("cohort {} is gone", gone.id));
    }
}
