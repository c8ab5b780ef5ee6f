//! Whether two logs say the same, though their entries stand at other offsets.

use hissa_core::decision::{Cause, Decision};
use hissa_core::facts::Fact;
use hissa_core::shard::Discrepancy;

use super::{Differences, Quiet};

/// Holds what one log says against what another one does; offsets and versions are let be.
pub fn same(what: &str, expected: &Quiet, mut found: Quiet, differences: &mut Differences) {
    let partition = expected.partition;
    if expected.outcomes != found.outcomes {
        differences.add(|| {
            format!(
                "{what}: partition {partition} has outcomes {:?} instead of {:?}",
                found.outcomes, expected.outcomes
            )
        });
    }
    if expected.clock_ms != found.clock_ms {
        differences.add(|| {
            format!(
                "{what}: the clock of partition {partition} is {:?} instead of {:?}",
                found.clock_ms, expected.clock_ms
            )
        });
    }
    let discrepancies = |of: &Quiet| -> Vec<Discrepancy> {
        let all = of.discrepancies.iter();
        all.map(|(_, found)| found.clone()).collect()
    };
    if discrepancies(expected) != discrepancies(&found) {
        differences.add(|| {
            format!(
                "{what}: partition {partition} has discrepancies {:?} instead of {:?}",
                found.discrepancies, expected.discrepancies
            )
        });
    }
    let counts = |of: &Quiet| (of.decisions.len(), of.alerts.len(), of.facts.len());
    if counts(expected) != counts(&found) {
        differences.add(|| {
            format!(
                "{what}: partition {partition} has {:?} decisions, alerts and rows instead of {:?}",
                counts(&found),
                counts(expected)
            )
        });
    }
    for (expected, found) in expected.decisions.iter().zip(&mut found.decisions) {
        move_decision(found, expected);
        if expected != found {
            differences.add(|| format!("{what}: {found:?} instead of {expected:?}"));
            break;
        }
    }
    for (expected, found) in expected.alerts.iter().zip(&mut found.alerts) {
        found.offset = expected.offset;
        move_cause(&mut found.cause, &expected.cause);
        if expected != found {
            differences.add(|| format!("{what}: {found:?} instead of {expected:?}"));
            break;
        }
    }
    for (key, expected) in &expected.facts {
        let found = found.facts.get_mut(key);
        let is_same = found.is_some_and(|found| {
            move_fact(found, expected);
            found == expected
        });
        if !is_same {
            differences.add(|| format!("{what}: {key:?} is other than {expected:?}"));
            break;
        }
    }
}

fn move_decision(decision: &mut Decision, to: &Decision) {
    decision.offset = to.offset;
    move_cause(&mut decision.cause, &to.cause);
}

fn move_cause(cause: &mut Option<Cause>, to: &Option<Cause>) {
    if let (Some(cause), Some(to)) = (cause, to) {
        (cause.offset, cause.row) = (to.offset, to.row);
    }
}

fn move_fact(fact: &mut Fact, to: &Fact) {
    match (fact, to) {
        (Fact::SimDay(row), Fact::SimDay(to)) => row.version = to.version,
        (Fact::SimCycle(row), Fact::SimCycle(to)) => row.version = to.version,
        (Fact::PlaceHour(row), Fact::PlaceHour(to)) => row.version = to.version,
        (Fact::Decision(row), Fact::Decision(to)) => {
            row.version = to.version;
            move_decision(&mut row.decision, &to.decision);
        }
        (Fact::OutcomeDay(row), Fact::OutcomeDay(to)) => row.version = to.version,
        (Fact::FlagDay(row), Fact::FlagDay(to)) => row.version = to.version,
        (Fact::Assignment(row), Fact::Assignment(to)) => row.version = to.version,
        _ => {}
    }
}
