//! `hissa.decisions` and `hissa.alerts`, and those who read them by their rules.

use std::collections::HashMap;

use hissa_core::alert::AlertChange;
use hissa_core::decision::{Action, Decision};
use hissa_core::registry::Class;
use hissa_core::shard::Discrepancy;
use hissa_core::sim::{Partitions, SimId};

use super::Surroundings;
use crate::quick::Quick;

/// What was sent, and what its readers made of it.
pub struct Outlet {
    /// By partition, by number from 1: the decision, and the tick of its first arrival.
    pub decisions: Vec<Vec<(Decision, u64)>>,
    /// By id and revision.
    pub alerts: HashMap<(String, u32), (AlertChange, u64), Quick>,
    /// The carrier applies a decision whose sequence is above the last one it applied.
    pub carrier: HashMap<(SimId, Class), (u64, Action), Quick>,
    /// People see the change whose revision is above the last one they saw.
    pub people: HashMap<String, u32, Quick>,
    /// What owners reported of books that do not balance, by partition; of several owners' words for one, the first.
    pub reports: Vec<Vec<Discrepancy>>,
    /// Messages that had been there already.
    pub repeats: u64,
}

impl Outlet {
    pub fn new(partitions: Partitions) -> Outlet {
        Outlet {
            decisions: partitions.numbers().map(|_| Vec::new()).collect(),
            alerts: HashMap::default(),
            carrier: HashMap::default(),
            people: HashMap::default(),
            reports: partitions.numbers().map(|_| Vec::new()).collect(),
            repeats: 0,
        }
    }

    /// An owner reports that its books do not balance.
    pub fn report(&mut self, partition: u16, found: Discrepancy) {
        let reports = &mut self.reports[usize::from(partition)];
        if !reports.contains(&found) {
            reports.push(found);
        }
    }
}

impl Surroundings<'_> {
    /// A decision arrives.
    pub fn decide(&mut self, decision: Decision) {
        let tick = self.tick();
        let Decision {
            number,
            partition,
            sequence,
            ..
        } = decision;
        self.digest.update(&decision.sim.0);
        self.digest.update(&number.to_le_bytes());
        self.digest.update(&sequence.to_le_bytes());
        self.digest.update(decision.action.as_str().as_bytes());
        self.digest.update(&decision.effective_at_ms.to_le_bytes());

        let applied = self
            .outlet
            .carrier
            .entry((decision.sim, decision.class))
            .or_insert((0, Action::Allow));
        if sequence > applied.0 {
            *applied = (sequence, decision.action);
        }
        let known = &mut self.outlet.decisions[usize::from(partition)];
        let place = usize::try_from(number.wrapping_sub(1)).unwrap_or(usize::MAX);
        match known.get(place) {
            None if place == known.len() => known.push((decision, tick)),
            None => {
                let last = known.len();
                self.violated(format!(
                    "partition {partition} sent decision {number} behind {last}"
                ));
            }
            Some((first, _)) if *first == decision => self.outlet.repeats += 1,
            Some((first, _)) => {
                let told = format!(
                    "partition {partition} has two decisions {number}: {first:?} and {decision:?}"
                );
                self.violated(told);
            }
        }
    }

    /// A change of an alert arrives.
    pub fn alert(&mut self, alert: AlertChange) {
        let tick = self.tick();
        self.digest.update(alert.id.as_bytes());
        self.digest.update(&alert.revision.to_le_bytes());
        self.digest.update(&alert.at_ms.to_le_bytes());

        let seen = self.outlet.people.entry(alert.id.clone()).or_default();
        *seen = (*seen).max(alert.revision);
        let key = (alert.id.clone(), alert.revision);
        match self.outlet.alerts.get(&key) {
            None => drop(self.outlet.alerts.insert(key, (alert, tick))),
            Some((first, _)) if *first == alert => self.outlet.repeats += 1,
            Some((first, _)) => {
                let told = format!(
                    "alert {} has two revisions {}: {first:?} and {alert:?}",
                    key.0, key.1
                );
                self.violated(told);
            }
        }
    }
}
