//! Decisions and facts in words, as tests compare them.

use std::collections::BTreeMap;

use crate::alert::{AlertChange, Subject};
use crate::decision::Decision;
use crate::facts::Fact;

pub fn in_words(decision: &Decision) -> String {
    let Decision {
        sim,
        class,
        action,
        sequence,
        reason,
        ..
    } = decision;
    let cause = decision.cause.as_ref().map_or(String::new(), |cause| {
        format!(" by record {}", cause.record.charging_id)
    });
    format!(
        "{} {} {} #{sequence} {}{cause}",
        sim.0[0],
        class.as_str(),
        action.as_str(),
        reason.as_str()
    )
}

/// The key of a row in its table.
pub fn key(fact: &Fact) -> String {
    match fact {
        Fact::SimDay(row) => {
            let (sim, class) = (row.sim, row.class.as_str());
            let (used, booked) = (row.usage_day, row.booked_day);
            format!("day {sim} {used} {class} {} {booked}", row.service)
        }
        Fact::SimCycle(row) => {
            let (sim, class) = (row.sim, row.allowance.as_str());
            format!("cycle {sim} {} {class} {}", row.cycle_start, row.booked_day)
        }
        Fact::Decision(row) => format!("decision {:06}", row.decision.number),
        Fact::OutcomeDay(row) => {
            let (feed, booked) = (row.feed, row.booked_day);
            let outcome = row.outcome;
            let (word, reason) = (outcome.as_str(), outcome.reason());
            format!("outcome {feed} {booked} {word} {reason}")
        }
        Fact::PlaceHour(row) => {
            let (province, cohort, class) = (&row.province, &row.cohort, row.class.as_str());
            let (used, booked) = (row.usage_day, row.booked_day);
            format!(
                "place {province} {cohort} {used} {} {class} {booked}",
                row.hour
            )
        }
        Fact::FlagDay(row) => {
            format!("flag {} {} {}", row.feed, row.booked_day, row.flag.as_str())
        }
        Fact::Assignment(row) => {
            let (sim, from) = (row.sim, row.valid_from);
            format!("assignment {sim} {from} {}", row.booked_day)
        }
    }
}

pub fn version(fact: &Fact) -> u64 {
    match fact {
        Fact::SimDay(row) => row.version,
        Fact::SimCycle(row) => row.version,
        Fact::Decision(row) => row.version,
        Fact::OutcomeDay(row) => row.version,
        Fact::PlaceHour(row) => row.version,
        Fact::FlagDay(row) => row.version,
        Fact::Assignment(row) => row.version,
    }
}

/// What ClickHouse keeps: the newest version of a key; the same version again has the same bytes.
pub fn keep(facts: &mut BTreeMap<String, Fact>, fact: Fact) {
    let key = key(&fact);
    if let Some(old) = facts.get(&key) {
        assert!(version(old) <= version(&fact), "{key} went back");
        if version(old) == version(&fact) {
            assert_eq!(old, &fact, "(table, key, version) fixes the bytes");
        }
    }
    facts.insert(key, fact);
}

/// What a quota alert says.
pub fn quota(alert: &AlertChange) -> &crate::alert::Quota {
    match &alert.subject {
        Subject::SimQuota80(quota) | Subject::SimExhausted(quota) => quota,
        other => panic!("no quota alert: {other:?}"),
    }
}
