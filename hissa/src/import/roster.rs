//! A roster against the registry and the directory.

use std::collections::{BTreeSet, HashMap, HashSet};

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::registry::Enrolment;
use hissa_core::sim::SimId;

use super::ImportError;
use super::plan::{Plan, json};
use super::registry_view::{DirectoryEntry, RegistryView, TagEntry, sim_key, tag_key};
use super::roster_changes::Changes;
use crate::config::roster::RosterRow;

/// What the rows would change. Several rows of one SIM are its assignments over time; the latest gives its tag. Pure.
///
/// # Errors
/// A cohort that the registered programme does not have, or an asset tag of another SIM.
pub fn plan(
    view: &RegistryView,
    rows: &[RosterRow],
    key: &Pseudonymizer,
) -> Result<Plan, ImportError> {
    refuse_unknown_cohorts(view, rows)?;
    let (order, by_sim) = by_sim(rows, key);
    refuse_taken_tags(view, rows, &by_sim)?;
    let mut plan = Plan::default();
    let mut tags_left: Vec<String> = Vec::new();
    for sim in order {
        let rows = by_sim.get(&sim).map(Vec::as_slice).unwrap_or_default();
        let Some(last) = rows.last() else { continue };
        let known = view.entry(sim);
        let entry = entry(last);
        let mut changes = Changes::of(view.sims.get(&sim));
        for row in rows {
            changes.row(&enrolment(row, sim, key), row.retired && row == last);
        }
        changes.kept_behind(last.valid_from);
        changes.entry(&entry, known.as_ref());
        changes.note(&mut plan.difference, &last.asset_tag);
        plan.commands.append(&mut changes.commands);
        if known.as_ref() != Some(&entry) {
            plan.directory.push((sim_key(sim), Some(json(&entry)?)));
        }
        tags_left.extend(
            known
                .filter(|known| known.asset_tag != entry.asset_tag)
                .map(|known| known.asset_tag),
        );
    }
    for (tag, sim) in tags(rows, key) {
        tags_left.retain(|left| left != tag);
        if view.sim_of_tag(tag) != Some(sim) {
            plan.directory
                .push((tag_key(tag), Some(json(&TagEntry { sim })?)));
        }
    }
    // A tag that a SIM left and no other SIM of the file took names nothing any more.
    plan.directory
        .extend(tags_left.iter().map(|tag| (tag_key(tag), None)));
    plan.difference.absent = view
        .sims
        .keys()
        .filter(|sim| !by_sim.contains_key(sim))
        .count() as u64;
    Ok(plan)
}

/// The rows of each SIM by their first day, and the SIMs in the order of the file.
fn by_sim<'r>(
    rows: &'r [RosterRow],
    key: &Pseudonymizer,
) -> (Vec<SimId>, HashMap<SimId, Vec<&'r RosterRow>>) {
    let mut order = Vec::new();
    let mut by_sim: HashMap<SimId, Vec<&RosterRow>> = HashMap::new();
    for row in rows {
        let sim = key.sim(&row.imsi);
        let of_sim = by_sim.entry(sim).or_insert_with(|| {
            order.push(sim);
            Vec::new()
        });
        of_sim.push(row);
    }
    for rows in by_sim.values_mut() {
        rows.sort_by_key(|row| row.valid_from);
    }
    (order, by_sim)
}

/// The tags in the order of the file, each with the SIM that has it last.
fn tags<'r>(rows: &'r [RosterRow], key: &Pseudonymizer) -> Vec<(&'r str, SimId)> {
    let mut last: HashMap<&str, &RosterRow> = HashMap::new();
    for row in rows {
        let held = last.entry(&row.asset_tag).or_insert(row);
        if held.valid_from < row.valid_from {
            *held = row;
        }
    }
    let mut given = HashSet::new();
    let once = rows
        .iter()
        .filter(|row| given.insert(row.asset_tag.as_str()));
    let holder = |row: &'r RosterRow| {
        let tag = row.asset_tag.as_str();
        last.get(tag).map(|row| (tag, key.sim(&row.imsi)))
    };
    once.filter_map(holder).collect()
}

fn enrolment(row: &RosterRow, sim: SimId, key: &Pseudonymizer) -> Enrolment {
    Enrolment {
        sim,
        device: row.device.map(|imei| key.device(&imei)),
        device_tac: row.device.map_or(0, |imei| imei.tac()),
        cohort: row.cohort.clone(),
        valid_from: row.valid_from,
        valid_until: row.valid_until,
        place: row.place.clone(),
    }
}

fn entry(row: &RosterRow) -> DirectoryEntry {
    DirectoryEntry {
        asset_tag: row.asset_tag.clone(),
        school_name_fr: row.school_name_fr.clone(),
        school_name_ar: row.school_name_ar.clone(),
        alert_lang: row.alert_lang.clone(),
        admin_groups: row.admin_groups.clone(),
    }
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

/// A tag names one tablet: the SIM that has it now must be in the file too, or have left by then.
fn refuse_taken_tags(
    view: &RegistryView,
    rows: &[RosterRow],
    sims: &HashMap<SimId, Vec<&RosterRow>>,
) -> Result<(), ImportError> {
    let is_taken = |row: &&RosterRow| {
        view.sim_of_tag(&row.asset_tag).is_some_and(|holder| {
            let history = view.sims.get(&holder);
            !sims.contains_key(&holder)
                && history.is_some_and(|history| !history.has_left(row.valid_from))
        })
    };
    let taken: Vec<String> = rows
        .iter()
        .filter(is_taken)
        .map(|row| {
            format!(
                "asset tag {} belongs to another SIM, which is not in this file: give that SIM another tag in the same file, or replace it with `hissa sim replace`",
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
