//! The carrier's other half: the orders in force, as a carrier keeps them that reads `hissa.decisions`.
//!
//! The topic may say a thing twice, and late. So a decision is applied only when its sequence is above the last one
//! applied for that SIM and class.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use serde::Deserialize;

use crate::policy::{Action, Class};
use crate::population::Imsi;
use crate::truth::Order;

/// A decision as the carrier reads it: what it needs of the message, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DecisionMessage {
    pub imsi: Imsi,
    pub class: Class,
    /// `action`, and `kbit_s` where it is `throttle`.
    #[serde(flatten)]
    pub action: Action,
    pub sequence: u64,
    /// Where it stands: partition of Hissa's log, and number there.
    pub partition: u16,
    pub number: u64,
    pub reason: String,
}

/// What a message did to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The order is in force now.
    Yes,
    /// Its sequence is not above that of the order in force.
    Outdated,
}

/// The table of orders in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    table: BTreeMap<(Imsi, Class), (Action, u64)>,
}

/// Why the orders cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    #[error(
        "a decision cannot be read ({0}): expected JSON with imsi, class, action, sequence, partition, number, reason"
    )]
    Unreadable(#[from] serde_json::Error),
    #[error("reading {topic} failed ({why}): is Kafka running, and does the topic exist?")]
    Kafka { topic: String, why: KafkaError },
}

impl Orders {
    /// Reads one message and applies it by the sequence rule.
    ///
    /// # Errors
    /// The message is no decision.
    pub fn read(&mut self, payload: &[u8]) -> Result<Applied, OrdersError> {
        let message: DecisionMessage = serde_json::from_slice(payload)?;
        Ok(self.apply(&message))
    }

    /// Applies a decision by the sequence rule.
    pub fn apply(&mut self, decision: &DecisionMessage) -> Applied {
        let line = self
            .table
            .entry((decision.imsi, decision.class))
            .or_insert((Action::Allow, 0));
        if decision.sequence <= line.1 {
            return Applied::Outdated;
        }
        *line = (decision.action, decision.sequence);
        Applied::Yes
    }

    /// All orders in force, by IMSI and class: to be compared with [`crate::Truth::orders`].
    pub fn in_force(&self) -> Vec<Order> {
        let line = |(key, value): (&(Imsi, Class), &(Action, u64))| Order {
            imsi: key.0,
            class: key.1,
            action: value.0,
            sequence: value.1,
        };
        self.table.iter().map(line).collect()
    }
}

/// Reads a whole topic of decisions, from its beginning to what is its end now. Blocks; give it a thread.
///
/// # Errors
/// Kafka does not answer within a minute, or a message is no decision.
pub fn read_topic(properties: &ClientConfig, topic: &str) -> Result<Orders, OrdersError> {
    let failed = |why| OrdersError::Kafka {
        topic: topic.to_owned(),
        why,
    };
    let within = Duration::from_secs(60);
    let mut properties = properties.clone();
    // Assigned by hand: the group's name is asked for, and never used.
    properties
        .set("group.id", "carrier-orders")
        .set("enable.auto.commit", "false")
        // With the client's default a full queue was seen to stop a partition for good (a missed wake-up).
        .set("fetch.queue.backoff.ms", "5");
    let consumer: BaseConsumer = properties.create().map_err(failed)?;
    let metadata = consumer
        .fetch_metadata(Some(topic), within)
        .map_err(failed)?;
    let mut assignment = TopicPartitionList::new();
    let mut ends = BTreeMap::new();
    for partition in metadata.topics().iter().flat_map(|t| t.partitions()) {
        let id = partition.id();
        let (low, high) = consumer
            .fetch_watermarks(topic, id, within)
            .map_err(failed)?;
        if high > low {
            ends.insert(id, high);
            assignment
                .add_partition_offset(topic, id, Offset::Beginning)
                .map_err(failed)?;
        }
    }
    consumer.assign(&assignment).map_err(failed)?;
    let mut orders = Orders::default();
    while !ends.is_empty() {
        let message = match consumer.poll(within) {
            Some(message) => message.map_err(failed)?,
            None => {
                return Err(failed(KafkaError::MessageConsumption(
                    rdkafka::types::RDKafkaErrorCode::OperationTimedOut,
                )));
            }
        };
        orders.read(message.payload().unwrap_or_default())?;
        if ends
            .get(&message.partition())
            .is_some_and(|end| message.offset() + 1 >= *end)
        {
            ends.remove(&message.partition());
        }
    }
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(class: &str, action: &str, sequence: u64) -> Vec<u8> {
        format!(
            "{{\"imsi\":\"001012120000412\",\"class\":\"{class}\",{action},\"sequence\":{sequence},\"partition\":7,\
             \"number\":31,\"reason\":\"exhausted\",\"cohort\":\"pilote-rural\",\"until_ms\":null}}"
        )
        .into_bytes()
    }

    #[test]
    fn a_late_block_does_not_overtake_allow() {
        let mut orders = Orders::default();
        let throttle = "\"action\":\"throttle\",\"kbit_s\":512";
        let steps = [
            ("education", "\"action\":\"allow\"", 1, Applied::Yes),
            ("education", throttle, 2, Applied::Yes),
            ("education", "\"action\":\"allow\"", 3, Applied::Yes),
            ("education", throttle, 2, Applied::Outdated),
            ("education", "\"action\":\"allow\"", 3, Applied::Outdated),
            ("other", "\"action\":\"block\"", 1, Applied::Yes),
        ];
        for (class, action, sequence, applied) in steps {
            let read = orders.read(&message(class, action, sequence)).unwrap();
            assert_eq!(read, applied, "{class} {action} {sequence}");
        }
        let imsi = Imsi::of_serial(412);
        assert_eq!(
            orders.in_force(),
            [
                Order {
                    imsi,
                    class: Class::Education,
                    action: Action::Allow,
                    sequence: 3
                },
                Order {
                    imsi,
                    class: Class::Other,
                    action: Action::Block,
                    sequence: 1
                },
            ]
        );
    }

    #[test]
    fn what_is_no_decision_is_said_to_be_none() {
        let error = Orders::default().read(b"{\"imsi\":\"1\"}").unwrap_err();
        assert!(error.to_string().contains("expected JSON with imsi"));
    }
}
