//! What stands on the topics of decisions and alerts, and whether it keeps their invariants.

use std::collections::BTreeMap;

use hissa_carrier::orders::Orders;
use hissa_core::alert::AlertChange;
use hissa_core::decision::Decision;
use hissa_links::kafka::KafkaLink;
use hissa_links::{topics, whole};
use rdkafka::Message as _;

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
