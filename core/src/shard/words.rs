//! The rule behind a decision, in words.

use super::Shard;
use super::rows::RowAt;
use crate::decision::Action;
use crate::programme::AllowanceRules;
use crate::registry::{Class, Period, Scope};
use crate::roster::Sim;

impl Shard {
    /// The rule of the programme that decided.
    pub(super) fn rule_in_words(
        &self,
        sim: &Sim,
        class: Class,
        deciding: Option<&AllowanceRules>,
    ) -> String {
        let cohort = self.cohorts.value(sim.cohort);
        let what = class.as_str();
        if class == Class::System {
            return format!("{what} is always allowed");
        }
        let Some(rules) = self.programme.cohort(sim.cohort) else {
            return format!("cohort {cohort} does not stand in the programme: {what} is allowed");
        };
        if sim.has_left && rules.enforced {
            return format!("the SIM has left: {what} is blocked");
        }
        let Some(allowance) = deciding else {
            return format!("cohort {cohort} has no allowance for {what}: it is allowed");
        };
        let limit = bytes_in_words(allowance.limit_bytes);
        let scope = match allowance.scope {
            Scope::All => "all traffic",
            scope => scope.as_str(),
        };
        let period = match allowance.every {
            Period::Day => "a day".to_owned(),
            Period::Week => "a week".to_owned(),
            Period::Month => "a month".to_owned(),
            Period::Term => "a term".to_owned(),
            Period::Days(days) => format!("every {days} days"),
        };
        let then = match allowance.action_when_exhausted() {
            Action::Block => "blocked".to_owned(),
            Action::Throttle { kbit_s } => format!("throttled to {kbit_s} kbit/s"),
            Action::Allow => "allowed all the same".to_owned(),
        };
        let observed = match rules.enforce_from {
            _ if rules.enforced => String::new(),
            Some(day) => format!(" (observed only, enforced from {})", day.date()),
            None => " (observed only)".to_owned(),
        };
        format!("cohort {cohort}: {limit} of {scope} {period}, then {then}{observed}")
    }

    /// The rule of the catalogue that gave a row its class.
    pub(super) fn traffic_in_words(&self, cause: RowAt<'_>) -> String {
        let row = cause.row;
        let (day, _) = self.zone.day_of(row.usage_instant_ms());
        self.catalogue
            .rule_in_words(row.rating_group.get(), row.service_id.get(), day)
    }
}

/// Bytes as people write them, exact: `20 GB`, `1500 MB`, `17 bytes`.
fn bytes_in_words(bytes: u64) -> String {
    match bytes {
        0 => "no byte".to_owned(),
        _ if bytes.is_multiple_of(1_000_000_000) => format!("{} GB", bytes / 1_000_000_000),
        _ if bytes.is_multiple_of(1_000_000) => format!("{} MB", bytes / 1_000_000),
        _ => format!("{bytes} bytes"),
    }
}
