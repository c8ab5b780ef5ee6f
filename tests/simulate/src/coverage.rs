//! What runs have reached, counted.

use std::collections::BTreeMap;

use hissa_core::alert::AlertKind;
use hissa_core::facts::{Fact, Flag};
use hissa_core::outcome::Outcome;

use crate::check::Quiet;
use crate::faults::Kind;
use crate::scenario::Scenario;
use crate::world::Ran;
use crate::world::clickhouse::TABLES;

/// Counts by group and name. What was never reached stands there with 0.
#[derive(Clone, Debug)]
pub struct Coverage {
    pub counts: BTreeMap<(&'static str, String), u64>,
}

/// The group of measures of runs.
pub const RUN: &str = "run";

/// Words of decisions.
const REASONS: [&str; 9] = [
    "enrolled",
    "enforcement_started",
    "exhausted",
    "reset",
    "granted",
    "policy_changed",
    "calendar",
    "retired",
    "released",
];
const ACTIONS: [&str; 3] = ["allow", "throttle", "block"];

/// The changes that each kind of alert can have.
const ALERTS: [(AlertKind, &[&str]); 8] = [
    (AlertKind::SimQuota80, &["fire", "resolve"]),
    (AlertKind::SimExhausted, &["fire", "resolve"]),
    (AlertKind::TabletIdle, &["fire", "resolve"]),
    (AlertKind::SimMoved, &["fire", "update", "resolve"]),
    (AlertKind::PossibleSharing, &["fire", "update", "resolve"]),
    (AlertKind::RecordConflict, &["fire", "update"]),
    (AlertKind::GrantExpiring, &["fire", "resolve"]),
    (AlertKind::OrdersHeld, &["fire", "update", "resolve"]),
];

impl Default for Coverage {
    fn default() -> Coverage {
        let mut coverage = Coverage {
            counts: BTreeMap::new(),
        };
        for outcome in Outcome::all() {
            coverage.add("outcome", outcome_name(outcome), 0);
        }
        for reason in REASONS {
            coverage.add("reason", reason.into(), 0);
        }
        for action in ACTIONS {
            coverage.add("action", action.into(), 0);
        }
        for (kind, changes) in ALERTS {
            for change in changes {
                coverage.add("alert", format!("{} {change}", kind.as_str()), 0);
            }
        }
        for flag in Flag::ALL {
            coverage.add("flag", flag.as_str().into(), 0);
        }
        for table in TABLES {
            coverage.add("table", table.into(), 0);
        }
        for kind in Kind::ALL {
            coverage.add("fault", kind.as_str().into(), 0);
        }
        coverage.add("fault", "two kinds at once".into(), 0);
        for name in ["published again", "behind the clock"] {
            coverage.add("row", name.into(), 0);
        }
        coverage.add("discrepancy", "reported".into(), 0);
        coverage
    }
}

/// How often each thing must have been reached in [`OF_SEEDS`] seeds.
const LEAST: u64 = 1_000;
const OF_SEEDS: u64 = 10_000;

impl Coverage {
    /// How often each thing must have been reached in so many seeds.
    pub fn least(seeds: u64) -> u64 {
        (seeds * LEAST).div_ceil(OF_SEEDS)
    }

    /// What was reached less often than that. Measures of runs have no bound.
    pub fn below(&self, least: u64) -> Vec<String> {
        let counted = self
            .counts
            .iter()
            .filter(|((group, _), count)| *group != RUN && **count < least);
        counted
            .map(|((group, name), count)| format!("{group} {name}: {count}"))
            .collect()
    }

    fn add(&mut self, group: &'static str, name: String, count: u64) {
        *self.counts.entry((group, name)).or_default() += count;
    }

    /// Adds what another one has.
    pub fn join(&mut self, other: &Coverage) {
        for ((group, name), count) in &other.counts {
            self.add(group, name.clone(), *count);
        }
    }

    /// Counts a run.
    pub fn run(&mut self, scenario: &Scenario, ran: &Ran, quiets: &[Quiet]) {
        let shape = &scenario.shape;
        self.add(RUN, "seeds".into(), 1);
        self.add(
            RUN,
            "seeds with 200 SIMs or more".into(),
            u64::from(shape.sims >= 200),
        );
        self.add(RUN, "played".into(), u64::from(shape.played));
        self.add(RUN, "simulated days".into(), shape.days.unsigned_abs());
        self.add(RUN, "SIMs".into(), shape.sims as u64);
        self.add(RUN, "messages".into(), scenario.messages() as u64);
        self.add(RUN, "commands".into(), scenario.registry.len() as u64);
        self.add(RUN, "steps".into(), ran.steps.into());
        self.add(RUN, "snapshots".into(), ran.store.stored.len() as u64);
        self.add(RUN, "repeated messages".into(), ran.outlet.repeats);
        self.add(RUN, "repeated rows".into(), ran.clickhouse.repeats);
        let happened: u64 = ran.faults.values().sum();
        self.add(
            RUN,
            "seeds with 10 faults or more".into(),
            u64::from(happened >= 10),
        );
        self.add("fault", "two kinds at once".into(), ran.pairs);
        for (kind, count) in &ran.faults {
            self.add("fault", kind.as_str().into(), *count);
        }
        for quiet in quiets {
            self.partition(quiet);
        }
    }

    fn partition(&mut self, quiet: &Quiet) {
        for ((_, outcome), (records, _)) in &quiet.outcomes {
            self.add("outcome", outcome_name(*outcome), *records);
            self.add(RUN, "rows".into(), *records);
        }
        self.add("row", "published again".into(), quiet.again);
        self.add("row", "behind the clock".into(), quiet.behind);
        let discrepancies = quiet.discrepancies.len() as u64;
        self.add("discrepancy", "reported".into(), discrepancies);
        for (name, count) in ["frames", "blocks", "progress"]
            .into_iter()
            .zip(quiet.entries)
        {
            self.add(RUN, name.into(), count);
        }
        let mut counts: BTreeMap<(&'static str, &'static str), u64> = BTreeMap::new();
        for decision in &quiet.decisions {
            *counts
                .entry(("reason", decision.reason.as_str()))
                .or_default() += 1;
            *counts
                .entry(("action", decision.action.as_str()))
                .or_default() += 1;
        }
        for (key, fact) in &quiet.facts {
            *counts.entry(("table", TABLES[key.table()])).or_default() += 1;
            if let Fact::FlagDay(row) = fact {
                *counts.entry(("flag", row.flag.as_str())).or_default() += row.records;
            }
        }
        for ((group, name), count) in counts {
            self.add(group, name.into(), count);
        }
        for alert in &quiet.alerts {
            let change = match alert.change {
                hissa_core::alert::Change::Fire => "fire",
                hissa_core::alert::Change::Update => "update",
                hissa_core::alert::Change::Resolve => "resolve",
            };
            self.add(
                "alert",
                format!("{} {change}", alert.subject.kind().as_str()),
                1,
            );
        }
    }
}

fn outcome_name(outcome: Outcome) -> String {
    match outcome.reason() {
        "" => outcome.as_str().into(),
        reason => format!("{} ({reason})", outcome.as_str()),
    }
}
