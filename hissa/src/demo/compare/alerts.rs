//! Alert changes on their topic against the truth.

use std::collections::BTreeMap;

use hissa_carrier::FEED_ID;
use hissa_carrier::truth::Truth;
use hissa_core::alert::Subject;
use hissa_core::sim::SimId;

use super::super::delivery::Changes;
use super::{Comparison, Names, TopicFindings, word};

/// Every alert change about a SIM: what happened, and when.
pub(super) fn about_sims(
    truth: &Truth,
    names: &mut Names<'_>,
    topics: &TopicFindings,
) -> Comparison {
    let expected = truth.alerts.iter().map(|alert| {
        let key = (
            word(&alert.kind),
            names.sim(alert.imsi),
            alert.of.clone(),
            alert.revision,
        );
        (key, (word(&alert.change), alert.at_ms))
    });
    let found = topics.alerts.values().filter_map(|alert| {
        let sim = match &alert.subject {
            Subject::RecordConflict(_) => return None,
            // No breaker trips in the demo: under a SIM that there is not, such an alert shows as a difference.
            subject => subject.tablet().map_or(SimId([0; 16]), |tablet| tablet.sim),
        };
        let of = alert.id.splitn(3, '/').nth(2).unwrap_or_default();
        let kind = alert.subject.kind().as_str().to_owned();
        let key = (kind, sim, of.to_owned(), alert.revision);
        Some((key, (word(&alert.change), alert.at_ms)))
    });
    Comparison::of(
        "changes of alerts about SIMs",
        expected.collect(),
        found.collect(),
    )
}

/// Records that contradict each other, by feed and hour: each partition tells of its own.
pub(super) fn conflicts(truth: &Truth, topics: &TopicFindings) -> Comparison {
    // The last revision of each has the number in the end.
    let last: BTreeMap<&str, _> = topics
        .alerts
        .values()
        .filter_map(|alert| match &alert.subject {
            Subject::RecordConflict(conflict) => Some((alert.id.as_str(), conflict)),
            _ => None,
        })
        .collect();
    let mut found: BTreeMap<(String, i64), u64> = BTreeMap::new();
    for conflict in last.into_values() {
        *found
            .entry((conflict.feed.to_string(), conflict.hour_at_ms))
            .or_default() += conflict.records;
    }
    let expected = truth
        .conflicts
        .iter()
        .map(|hour| ((FEED_ID.to_owned(), hour.hour_at_ms), hour.rows));
    Comparison::of(
        "hours with alerts about conflicts, by their records",
        expected.collect(),
        found.into_iter().collect(),
    )
}

/// The messages that came to the receiver, against the changes on the topic.
pub fn delivered(told: Changes, delivered: Changes) -> Comparison {
    let by_change = |changes: Changes| {
        vec![
            ("fired", changes.fired),
            ("updated", changes.updated),
            ("resolved", changes.resolved),
        ]
    };
    Comparison::of(
        "kinds of messages about alerts, by their number",
        by_change(told),
        by_change(delivered),
    )
}
