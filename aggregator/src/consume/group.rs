//! The consumer's side of the group: what it was assigned, and where the logs end.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use hissa_links::topics::USAGE;
use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;

use crate::fatal::Fatal;
use crate::fleet::Fleet;

/// A change of what is ours. `assignment_lost` is never asked: what the group says is what holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Assigned(Vec<u16>),
    Revoked,
}

/// Hears the group's changes and keeps them for the poll loop, in whose thread the callbacks run.
pub struct GroupContext {
    changes: Mutex<VecDeque<Change>>,
    fleet: Fleet,
    fatal: Fatal,
}

impl GroupContext {
    /// Without an assignment.
    pub fn new(fleet: Fleet, fatal: Fatal) -> GroupContext {
        GroupContext {
            changes: Mutex::default(),
            fleet,
            fatal,
        }
    }

    /// The oldest change that was not looked at.
    pub fn next_change(&self) -> Option<Change> {
        self.changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}

impl ClientContext for GroupContext {
    fn stats(&self, statistics: Statistics) {
        let Some(topic) = statistics.topics.get(USAGE) else {
            return;
        };
        for partition in topic.partitions.values() {
            if let (Ok(number), Ok(end)) = (
                u16::try_from(partition.partition),
                u64::try_from(partition.hi_offset),
            ) {
                self.fleet.log_end(number, end);
            }
        }
    }
}

impl ConsumerContext for GroupContext {
    /// Answers the group at once, with nothing to fetch: each partition is assigned with its own offset when its shard
    /// is restored, which takes longer than a callback may.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        err: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let (change, answered) = match err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let numbers = partitions
                    .elements()
                    .iter()
                    .filter(|element| element.topic() == USAGE)
                    .filter_map(|element| u16::try_from(element.partition()).ok())
                    .collect();
                (
                    Change::Assigned(numbers),
                    consumer.assign(&TopicPartitionList::new()),
                )
            }
            _ => (Change::Revoked, consumer.unassign()),
        };
        tracing::info!(?change, "the group has spoken");
        if let Err(why) = answered {
            self.fatal
                .report(anyhow::anyhow!("cannot answer Kafka's group: {why}"));
        }
        self.changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(change);
    }
}
