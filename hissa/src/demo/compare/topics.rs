//! Decisions and alert changes on their topics against the truth.

use std::collections::BTreeMap;

use hissa_carrier::orders::Orders;
use hissa_carrier::truth::{self, Truth};
use hissa_core::alert::{AlertChange, Subject};
use hissa_core::decision::Decision;
use hissa_links::kafka::KafkaLink;
use hissa_links::{topics, whole};
use rdkafka::Message as _;

use super::{Comparison, Names};

/// What stands on `hissa.decisions` and `hissa.alerts`.
pub struct TopicFindings {
    /// By partition and number. A number may have come several times, always with the same content.
    pub decisions: BTreeMap<(u16, u64), Decision>,
    /// By id and revision, likewise.
    pub alerts: BTreeMap<(String, u32), AlertChange>,
    /// What the carrier has in force, having read the topic by its own rule.
    pub orders: Orders,
    /// What breaks an invariant: a gap in numbers, a number with two contents, a message that cannot be read.
    pub broken: Vec<String>,
}

/// Reads both topics to their ends.
pub(super) fn read(kafka: &KafkaLink) -> anyhow::Result<TopicFindings> {
    let mut findings = TopicFindings {
        decisions: BTreeMap::new(),
        alerts: BTreeMap::new(),
        orders: Orders::default(),
        broken: Vec::new(),
    };
    whole::read(kafka, "compare", topics::DECISIONS, |message| {
        let payload = message.payload().unwrap_or_default();
        match serde_json::from_slice::<Decision>(payload) {
            Ok(decision) => {
                let key = (decision.partition, decision.number);
                findings.keep_decision(key, decision);
            }
            Err(why) => findings
                .broken
                .push(format!("a decision at offset {}: {why}", message.offset())),
        }
        if let Err(why) = findings.orders.read(payload) {
            findings
                .broken
                .push(format!("an order at offset {}: {why}", message.offset()));
        }
    })?;
    whole::read(
        kafka,
        "compare",
        topics::ALERTS,
        |message| match serde_json::from_slice::<AlertChange>(message.payload().unwrap_or_default())
        {
            Ok(change) => findings.keep_alert((change.id.clone(), change.revision), change),
            Err(why) => findings
                .broken
                .push(format!("an alert at offset {}: {why}", message.offset())),
        },
    )?;
    findings.check_numbers();
    Ok(findings)
}

impl TopicFindings {
    fn keep_decision(&mut self, key: (u16, u64), decision: Decision) {
        match self.decisions.get(&key) {
            Some(known) if *known != decision => self
                .broken
                .push(format!("decision {key:?} has two contents")),
            Some(_) => {}
            None => {
                self.decisions.insert(key, decision);
            }
        }
    }

    fn keep_alert(&mut self, key: (String, u32), change: AlertChange) {
        match self.alerts.get(&key) {
            Some(known) if *known != change => {
                self.broken.push(format!(
                    "revision {} of one {} has two contents",
                    key.1,
                    change.subject.kind().as_str()
                ));
            }
            Some(_) => {}
            None => {
                self.alerts.insert(key, change);
            }
        }
    }

    fn check_numbers(&mut self) {
        let mut expected = (0, 1);
        for (partition, number) in self.decisions.keys() {
            if *partition != expected.0 {
                expected = (*partition, 1);
            }
            if *number != expected.1 {
                self.broken.push(format!(
                    "partition {partition}: decision {} is missing",
                    expected.1
                ));
            }
            expected.1 = number + 1;
        }
    }
}

/// Every decision: SIM, class and its order there; action, reason, cycle, the crossing record's own identity.
pub(super) fn decisions(
    truth: &Truth,
    names: &mut Names<'_>,
    topics: &TopicFindings,
) -> Comparison {
    let expected = truth.decisions.iter().map(|decision| {
        let cause = decision.cause.as_ref().map(|cause| {
            let record = (
                cause.node.clone(),
                cause.charging_id,
                cause.record_sequence,
                cause.opened_at_ms,
            );
            (
                record,
                cause.rating_group,
                cause.service_id,
                cause.container_sequence,
            )
        });
        let action = match decision.action {
            hissa_carrier::policy::Action::Allow => ("allow", 0),
            hissa_carrier::policy::Action::Throttle { kbit_s } => ("throttle", kbit_s),
            hissa_carrier::policy::Action::Block => ("block", 0),
        };
        let key = (
            names.sim(decision.imsi),
            decision.class.as_str(),
            decision.sequence,
        );
        (
            key,
            (
                action,
                word(&decision.reason),
                decision.cycle.to_string(),
                cause,
                decision.at_ms,
            ),
        )
    });
    let found = topics.decisions.values().map(|decision| {
        let cause = decision.cause.as_ref().map(|cause| {
            let cause = &cause.record;
            let record = (
                cause.node.clone(),
                cause.charging_id,
                cause.record_sequence,
                cause.opened_at_ms,
            );
            (
                record,
                cause.rating_group,
                cause.service_id,
                cause.container_sequence,
            )
        });
        let action = (decision.action.as_str(), decision.action.kbit_s());
        let key = (decision.sim, decision.class.as_str(), decision.sequence);
        let cycle = decision.cycle.to_string();
        (
            key,
            (
                action,
                word(&decision.reason),
                cycle,
                cause,
                decision.effective_at_ms,
            ),
        )
    });
    Comparison::of("decisions", expected.collect(), found.collect())
}

/// Every alert change.
pub(super) fn alerts(truth: &Truth, names: &mut Names<'_>, topics: &TopicFindings) -> Comparison {
    let expected = truth.alerts.iter().map(|alert| {
        let key = (
            names.sim(alert.imsi),
            alert.cycle.to_string(),
            word(&alert.kind),
            alert.revision,
        );
        (key, (word(&alert.change), alert.at_ms))
    });
    let found = topics.alerts.values().filter_map(|alert| {
        let (Subject::SimQuota80(quota) | Subject::SimExhausted(quota)) = &alert.subject else {
            return None;
        };
        let key = (
            quota.tablet.sim,
            quota.cycle.to_string(),
            alert.subject.kind().as_str().to_owned(),
            alert.revision,
        );
        Some((key, (word(&alert.change), alert.at_ms)))
    });
    Comparison::of(
        "alerts fired and resolved",
        expected.collect(),
        found.collect(),
    )
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

/// A word of either side's vocabulary, as its JSON has it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|json| json.as_str().map(str::to_owned))
        .unwrap_or_default()
}
