//! What the readers of decisions, alerts and ClickHouse end up with.

use std::collections::HashMap;

use hissa_core::decision::Action;
use hissa_core::registry::Class;
use hissa_core::shard::Discrepancy;
use hissa_core::sim::SimId;

use super::{Differences, Quiet};
use crate::quick::Quick;
use crate::world::Ran;
use crate::world::clickhouse::version;

pub fn check(quiet: &Quiet, ran: &Ran, differences: &mut Differences) {
    let partition = quiet.partition;
    let sent = &ran.outlet.decisions[usize::from(partition)];
    if sent.len() != quiet.decisions.len() {
        differences.add(|| {
            format!(
                "partition {partition} sent {} decisions, and has {}",
                sent.len(),
                quiet.decisions.len()
            )
        });
    }
    for (number, ((sent, _), quiet)) in (1..).zip(sent.iter().zip(&quiet.decisions)) {
        if sent != quiet || sent.number != number {
            differences.add(|| format!("decision {number} of partition {partition}: sent {sent:?}, read quietly {quiet:?}"));
        }
    }
    operators(quiet, ran, differences);
    carrier(quiet, ran, differences);
    people(quiet, ran, differences);
    analysts(quiet, ran, differences);
}

/// Whatever does not balance is reported, whoever owned the partition then.
fn operators(quiet: &Quiet, ran: &Ran, differences: &mut Differences) {
    let reports = &ran.outlet.reports[usize::from(quiet.partition)];
    let found = |report: &Discrepancy| quiet.discrepancies.iter().any(|(_, found)| found == report);
    let is_told = reports.len() == quiet.discrepancies.len() && reports.iter().all(found);
    if !is_told {
        differences.add(|| {
            format!(
                "partition {} reported {reports:?}, and has {:?}",
                quiet.partition, quiet.discrepancies
            )
        });
    }
}

/// The newest decision of a (SIM, class) has the greatest sequence, and is the one that the carrier applied last.
fn carrier(quiet: &Quiet, ran: &Ran, differences: &mut Differences) {
    let mut newest: HashMap<(SimId, Class), (u64, Action), Quick> = HashMap::default();
    for decision in &quiet.decisions {
        let last = newest.insert(
            (decision.sim, decision.class),
            (decision.sequence, decision.action),
        );
        if decision.sequence != last.map_or(0, |(sequence, _)| sequence) + 1 {
            differences.add(|| format!("after {last:?} comes {decision:?}"));
        }
    }
    for (of, newest) in &newest {
        if ran.outlet.carrier.get(of) != Some(newest) {
            differences.add(|| {
                format!(
                    "of {of:?} the carrier applied {:?} last, and {newest:?} is the newest",
                    ran.outlet.carrier.get(of)
                )
            });
        }
    }
}

fn people(quiet: &Quiet, ran: &Ran, differences: &mut Differences) {
    let mut newest: HashMap<&str, u32, Quick> = HashMap::default();
    for alert in &quiet.alerts {
        let last = newest.insert(&alert.id, alert.revision).unwrap_or(0);
        if alert.revision != last + 1 {
            differences.add(|| {
                format!(
                    "alert {} goes on from revision {last} with {}",
                    alert.id, alert.revision
                )
            });
        }
        match ran.outlet.alerts.get(&(alert.id.clone(), alert.revision)) {
            Some((sent, _)) if sent == alert => {}
            sent => differences.add(|| format!("alert read quietly {alert:?}, sent {sent:?}")),
        }
    }
    for (id, newest) in newest {
        if ran.outlet.people.get(id) != Some(&newest) {
            differences.add(|| {
                format!(
                    "of alert {id} people saw {:?}, and {newest} is the newest",
                    ran.outlet.people.get(id)
                )
            });
        }
    }
    let sent = ran
        .outlet
        .alerts
        .values()
        .filter(|(alert, _)| alert.partition == quiet.partition)
        .count();
    if sent != quiet.alerts.len() {
        differences.add(|| {
            format!(
                "partition {} sent {sent} alert changes, and has {}",
                quiet.partition,
                quiet.alerts.len()
            )
        });
    }
}

/// ClickHouse has the newest version of every row, and no other rows.
fn analysts(quiet: &Quiet, ran: &Ran, differences: &mut Differences) {
    let rows = &ran.clickhouse.rows;
    for (key, fact) in &quiet.facts {
        let newest = rows
            .get(&(quiet.partition, key.clone()))
            .and_then(|versions| versions.last());
        if newest.is_none_or(|newest| newest.fact != *fact) {
            let found = newest.map(|newest| &newest.fact);
            differences.add(|| {
                format!(
                    "ClickHouse has {found:?}, and {fact:?} (version {}) is the newest",
                    version(fact)
                )
            });
        }
    }
    let there = rows
        .keys()
        .filter(|(partition, _)| *partition == quiet.partition)
        .count();
    if there != quiet.facts.len() {
        differences.add(|| {
            format!(
                "ClickHouse has {there} rows of partition {}, of {}",
                quiet.partition,
                quiet.facts.len()
            )
        });
    }
}
