//! Decisions against the truth: on their topic, in ClickHouse, at the carrier.

use clickhouse::{Client, Row};
use hissa_carrier::policy::Action;
use hissa_carrier::truth::{self, RecordIdentity, Truth};
use hissa_core::decision::Decision;
use hissa_core::sim::SimId;
use serde::Deserialize;

use super::{Comparison, Names, TopicFindings, word};

/// Of a decision: its action and rate; its reason and cycle; limit, grants and use; when, and from when on; the crossing
/// record's own identity.
type Told = (
    (&'static str, u32),
    (String, String),
    (u64, u64, u64),
    (i64, i64),
    Option<RecordIdentity>,
);

/// Every decision, by SIM, class and sequence.
pub(super) fn decisions(
    truth: &Truth,
    names: &mut Names<'_>,
    topics: &TopicFindings,
) -> Comparison {
    let expected = truth.decisions.iter().map(|decision| {
        let sim = names.sim(decision.imsi);
        let key = (sim, decision.class.as_str(), decision.sequence);
        (key, expected(decision, sim))
    });
    let found = topics.decisions.values().map(|decision| {
        let key = (decision.sim, decision.class.as_str(), decision.sequence);
        (key, found(decision))
    });
    Comparison::of("decisions", expected.collect(), found.collect())
}

fn expected(decision: &truth::Decision, sim: SimId) -> Told {
    let action = match decision.action {
        Action::Allow => ("allow", 0),
        Action::Throttle { kbit_s } => ("throttle", kbit_s),
        Action::Block => ("block", 0),
    };
    let standing = decision.standing;
    (
        action,
        (word(&decision.reason), decision.cycle.to_string()),
        (
            standing.limit_bytes,
            standing.granted_bytes,
            standing.used_bytes,
        ),
        (
            decision.at_ms,
            decision.at_ms + spread(sim, decision.spread_ms),
        ),
        decision.cause.clone(),
    )
}

fn found(decision: &Decision) -> Told {
    let allowance = &decision.allowance;
    let record = |cause: &hissa_core::decision::Cause| RecordIdentity {
        node: cause.record.node.clone(),
        charging_id: cause.record.charging_id,
        record_sequence: cause.record.record_sequence,
        opened_at_ms: cause.record.opened_at_ms,
        rating_group: cause.record.rating_group,
        service_id: cause.record.service_id,
        container_sequence: cause.record.container_sequence,
    };
    (
        (decision.action.as_str(), decision.action.kbit_s()),
        (word(&decision.reason), decision.cycle.to_string()),
        (
            allowance.limit_bytes,
            allowance.granted_bytes,
            allowance.used_bytes,
        ),
        (decision.effective_at_ms, decision.apply_after_ms),
        decision.cause.as_ref().map(record),
    )
}

/// How long the carrier may wait with the orders of a SIM, where those of all may be spread over a time.
fn spread(sim: SimId, over_ms: u64) -> i64 {
    let low = sim
        .0
        .iter()
        .rev()
        .take(8)
        .rev()
        .fold(0, |low, byte| low << 8 | u64::from(*byte));
    low.checked_rem(over_ms)
        .and_then(|ms| i64::try_from(ms).ok())
        .unwrap_or_default()
}

/// What the carrier has in force at the end, against what its own oracle says should be.
pub(super) fn orders_in_force(truth: &Truth, topics: &TopicFindings) -> Comparison {
    let line = |order: truth::Order| ((order.imsi, order.class), (order.action, order.sequence));
    let expected = truth.orders.iter().cloned().map(line);
    let found = topics.orders.in_force().into_iter().map(line);
    Comparison::of(
        "orders in force at the carrier",
        expected.collect(),
        found.collect(),
    )
}

/// The decisions that analysts and `explain` see are those that the carrier got, number by number.
pub(super) async fn in_clickhouse(
    topics: &TopicFindings,
    client: &Client,
) -> anyhow::Result<Comparison> {
    #[derive(Row, Deserialize)]
    struct Found {
        partition: u16,
        number: u64,
        sim: [u8; 16],
        class: String,
        action: String,
        sequence: u64,
        effective_at_ms: i64,
    }
    let found = client
        .query(
            "SELECT partition, number, sim, class, action, sequence, effective_at_ms FROM hissa.decision FINAL",
        )
        .fetch_all::<Found>()
        .await?;
    let found = found.into_iter().map(|row| {
        let value = (
            SimId(row.sim),
            row.class,
            row.action,
            row.sequence,
            row.effective_at_ms,
        );
        ((row.partition, row.number), value)
    });
    let expected = topics.decisions.iter().map(|(key, decision)| {
        let (class, action) = (
            decision.class.as_str().to_owned(),
            decision.action.as_str().to_owned(),
        );
        (
            *key,
            (
                decision.sim,
                class,
                action,
                decision.sequence,
                decision.effective_at_ms,
            ),
        )
    });
    Ok(Comparison::of(
        "decisions in ClickHouse and on the topic",
        expected.collect(),
        found.collect(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sim_waits_by_the_end_of_its_pseudonym() {
        let mut sim = SimId([0xff; 16]);
        sim.0[8..].copy_from_slice(&1_000_007u64.to_be_bytes());
        assert_eq!(spread(sim, 1_000_000), 7);
        assert_eq!(spread(sim, 0), 0);
    }
}
