//! A programme and its feeds against the registry.

use hissa_core::registry::{Cohort, Command, OnExhausted, Programme};

use super::ImportError;
use super::plan::{Difference, Plan};
use super::registry_view::RegistryView;
use crate::config::programme::ProgrammeFile;
use crate::config::quantity::{bytes_text, duration_text};

/// What the file would change. Pure.
///
/// # Errors
/// Another content under the policy version that is registered.
pub fn plan(view: &RegistryView, file: &ProgrammeFile) -> Result<Plan, ImportError> {
    let mut plan = Plan::default();
    match &view.programme {
        None => {
            let programme = &file.programme;
            plan.difference.add_new(|| {
                format!(
                    "programme {} ({}), policy {}",
                    programme.id, programme.timezone, programme.policy_version
                )
            });
            for cohort in &programme.cohorts {
                plan.difference.add_new(|| describe(cohort));
            }
            plan.commands.push(Command::Programme(programme.clone()));
        }
        Some(held) if *held == file.programme => {
            plan.difference.unchanged += 1 + held.cohorts.len() as u64;
        }
        Some(held) => {
            if held.policy_version == file.programme.policy_version {
                return Err(ImportError::Refused(vec![format!(
                    "policy version {} is registered with another content: raise `policy_version`, so that decisions name what they were made under",
                    held.policy_version
                )]));
            }
            compare(&mut plan.difference, held, &file.programme);
            plan.commands
                .push(Command::Programme(file.programme.clone()));
        }
    }
    for feed in &file.feeds {
        let command = feed.command();
        let line = || {
            let tolerance = duration_text(u64::from(command.future_tolerance_ms));
            format!("feed {}: tolerance {tolerance}", command.id)
        };
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
    Ok(plan)
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
    if held.tzif_hex != new.tzif_hex && held.timezone == new.timezone {
        changes.push("rules of the zone".into());
    }
    difference.add_changed(|| format!("programme {}: {}", new.id, changes.join(", ")));
    for cohort in &new.cohorts {
        match held.cohorts.iter().find(|held| held.id == cohort.id) {
            None => difference.add_new(|| describe(cohort)),
            Some(before) if before == cohort => difference.unchanged += 1,
            Some(before) => {
                difference
                    .add_changed(|| format!("{}; was: {}", describe(cohort), describe(before)));
            }
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

fn describe(cohort: &Cohort) -> String {
    let allowances: Vec<String> = cohort
        .allowances
        .iter()
        .map(|allowance| {
            let then = match allowance.on_exhausted {
                OnExhausted::Block => "block".to_owned(),
                OnExhausted::Throttle { kbit_s } => format!("throttle to {kbit_s} kbit/s"),
                OnExhausted::Notify => "notify".to_owned(),
            };
            let (class, bytes) = (allowance.class.as_str(), bytes_text(allowance.bytes));
            match class {
                "system" => format!("{class} {bytes} a month"),
                _ => format!("{class} {bytes} a month, then {then}"),
            }
        })
        .collect();
    let from = match cohort.enforce_from {
        Some(date) => format!("enforced from {date}"),
        None => "observed only".into(),
    };
    format!("cohort {}: {}; {from}", cohort.id, allowances.join("; "))
}
