//! A roster against the registry and the directory.

use std::collections::{BTreeSet, HashSet};

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::registry::{Command, Enrolment};
use hissa_core::sim::SimId;

use super::ImportError;
use super::plan::{Difference, Plan};
use super::registry_view::{DirectoryEntry, RegistryView, TagEntry, sim_key, tag_key};
use crate::config::roster::RosterRow;

/// What the rows would change. Pure.
///
/// # Errors
/// A cohort that the registered programme does not have, or an asset tag of another SIM.
pub fn plan(
    view: &RegistryView,
    rows: &[RosterRow],
    key: &Pseudonymizer,
) -> Result<Plan, ImportError> {
    refuse_unknown_cohorts(view, rows)?;
    let sims: HashSet<SimId> = rows.iter().map(|row| key.sim(&row.imsi)).collect();
    refuse_taken_tags(view, rows, &sims)?;
    let mut plan = Plan::default();
    let mut tags_given: HashSet<&str> = HashSet::new();
    let mut tags_left: Vec<String> = Vec::new();
    for row in rows {
        let sim = key.sim(&row.imsi);
        let enrolment = Enrolment {
            sim,
            device: row.device.map(|imei| key.device(&imei)),
            cohort: row.cohort.clone(),
            valid_from: row.valid_from,
            place: row.place.clone(),
        };
        let entry = DirectoryEntry {
            asset_tag: row.asset_tag.clone(),
            school_name_fr: row.school_name_fr.clone(),
            school_name_ar: row.school_name_ar.clone(),
            alert_lang: row.alert_lang.clone(),
            admin_groups: row.admin_groups.clone(),
        };
        let held = view.enrolments.get(&sim);
        let known = view.entry(sim);
        note(
            &mut plan.difference,
            &enrolment,
            &entry,
            held,
            known.as_ref(),
        );
        if held != Some(&enrolment) {
            plan.commands.push(Command::Enrol(enrolment));
        }
        if known.as_ref() != Some(&entry) {
            plan.directory.push((sim_key(sim), Some(json(&entry)?)));
        }
        if view.sim_of_tag(&row.asset_tag) != Some(sim) {
            plan.directory
                .push((tag_key(&row.asset_tag), Some(json(&TagEntry { sim })?)));
        }
        tags_given.insert(&row.asset_tag);
        tags_left.extend(
            known
                .filter(|known| known.asset_tag != row.asset_tag)
                .map(|known| known.asset_tag),
        );
    }
    // A tag that a SIM left and no other SIM of the file took names nothing any more.
    tags_left.retain(|tag| !tags_given.contains(tag.as_str()));
    plan.directory
        .extend(tags_left.iter().map(|tag| (tag_key(tag), None)));
    plan.difference.absent = view
        .enrolments
        .keys()
        .filter(|sim| !sims.contains(sim))
        .count() as u64;
    Ok(plan)
}

fn json(value: &impl serde::Serialize) -> Result<String, ImportError> {
    serde_json::to_string(value).map_err(|why| ImportError::Refused(vec![why.to_string()]))
}

fn refuse_unknown_cohorts(view: &RegistryView, rows: &[RosterRow]) -> Result<(), ImportError> {
    let Some(programme) = &view.programme else {
        return Err(ImportError::NoProgramme);
    };
    let known: HashSet<&str> = programme.cohorts.iter().map(|c| c.id.as_str()).collect();
    let unknown: BTreeSet<&str> = rows
        .iter()
        .map(|row| row.cohort.as_str())
        .filter(|cohort| !known.contains(cohort))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(ImportError::Refused(
        unknown
            .into_iter()
            .map(|cohort| {
                format!(
                    "the registered programme has no cohort `{cohort}`: import the programme that has it first"
                )
            })
            .collect(),
    ))
}

/// A tag names one tablet: the SIM that has it now must be in the file too, with another tag.
fn refuse_taken_tags(
    view: &RegistryView,
    rows: &[RosterRow],
    sims: &HashSet<SimId>,
) -> Result<(), ImportError> {
    let taken: Vec<String> = rows
        .iter()
        .filter(|row| {
            view.sim_of_tag(&row.asset_tag)
                .is_some_and(|holder| !sims.contains(&holder))
        })
        .map(|row| {
            format!(
                "asset tag {} belongs to another SIM, which is not in this file: give that SIM another tag in the same file",
                row.asset_tag
            )
        })
        .collect();
    if taken.is_empty() {
        Ok(())
    } else {
        Err(ImportError::Refused(taken))
    }
}

fn note(
    difference: &mut Difference,
    enrolment: &Enrolment,
    entry: &DirectoryEntry,
    held: Option<&Enrolment>,
    known: Option<&DirectoryEntry>,
) {
    let Some(held) = held else {
        difference.add_new(|| {
            format!(
                "{} {} from {}",
                entry.asset_tag, enrolment.cohort, enrolment.valid_from
            )
        });
        return;
    };
    let mut changes = Vec::new();
    let mut compare = |what: &str, before: &str, after: &str| {
        if before != after {
            changes.push(format!("{what} {before} → {after}"));
        }
    };
    compare("cohort", &held.cohort, &enrolment.cohort);
    compare(
        "valid from",
        &held.valid_from.to_string(),
        &enrolment.valid_from.to_string(),
    );
    let (before, after) = (&held.place, &enrolment.place);
    compare("school", &before.school, &after.school);
    compare("commune", &before.commune, &after.commune);
    compare("province", &before.province, &after.province);
    compare("region", &before.region, &after.region);
    compare("milieu", &before.milieu, &after.milieu);
    if held.device != enrolment.device {
        changes.push("another tablet".into());
    }
    match known {
        None => changes.push("tag not known before".into()),
        Some(known) if known.asset_tag != entry.asset_tag => {
            changes.push(format!("tag {} → {}", known.asset_tag, entry.asset_tag));
        }
        Some(known) if known != entry => changes.push("school name, language or groups".into()),
        Some(_) => {}
    }
    if changes.is_empty() {
        difference.unchanged += 1;
    } else {
        difference.add_changed(|| format!("{}: {}", entry.asset_tag, changes.join(", ")));
    }
}
