//! One partition of a topic, read from an offset to its end.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use hissa_links::LinkError;
use hissa_links::kafka::KafkaLink;
use hissa_links::whole::{self, EndIsNoError};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Offset, TopicPartitionList};

const TIMEOUT: Duration = Duration::from_secs(15);

/// What the broker still has of a partition: offsets from `first` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub first: u64,
    pub end: u64,
}

/// A reader of single partitions of one cluster. Blocking: not for a thread of the runtime.
pub struct TopicReader {
    consumer: BaseConsumer<EndIsNoError>,
    servers: String,
}

impl TopicReader {
    /// Connects to the cluster; nothing is read yet.
    ///
    /// # Errors
    /// The link's properties are not usable.
    pub fn open(link: &KafkaLink, role: &str) -> Result<TopicReader, LinkError> {
        let mut config = link.consumer(role, None)?;
        config.set("enable.partition.eof", "true");
        let made = config.create_with_context(EndIsNoError);
        let consumer = made.map_err(|why| LinkError::KafkaProperties {
            role: role.into(),
            why: why.to_string(),
        })?;
        Ok(TopicReader {
            consumer,
            servers: link.servers().into(),
        })
    }

    /// What the broker has of the partition.
    ///
    /// # Errors
    /// Kafka does not answer, or does not know the topic.
    pub fn stretch(&self, topic: &str, partition: u16) -> Result<Stretch, LinkError> {
        // Asked first, for of a topic that is only being made one is patient below.
        let known = self
            .consumer
            .fetch_metadata(Some(topic), TIMEOUT)
            .map_err(|why| self.unread(topic, &why))?;
        if known
            .topics()
            .iter()
            .all(|topic| topic.partitions().is_empty())
        {
            let unknown = KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition);
            return Err(self.unread(topic, &unknown));
        }
        let (first, end) = whole::ends_of(&self.consumer, topic, i32::from(partition))
            .map_err(|why| self.unread(topic, &why))?;
        Ok(Stretch {
            first: u64::try_from(first).unwrap_or(0),
            end: u64::try_from(end).unwrap_or(0),
        })
    }

    /// Hands each message from `from` (or the first that is there, where that is later) to `each`, until the end that
    /// the partition has now, or until `each` breaks.
    ///
    /// # Errors
    /// Kafka does not answer, or does not know the topic.
    pub fn read(
        &self,
        topic: &str,
        partition: u16,
        from: u64,
        mut each: impl FnMut(&BorrowedMessage<'_>) -> ControlFlow<()>,
    ) -> Result<Stretch, LinkError> {
        let stretch = self.stretch(topic, partition)?;
        let from = from.max(stretch.first);
        if from >= stretch.end {
            return Ok(stretch);
        }
        let mut assignment = TopicPartitionList::new();
        let offset = Offset::Offset(i64::try_from(from).unwrap_or(i64::MAX));
        assignment
            .add_partition_offset(topic, i32::from(partition), offset)
            .and_then(|()| self.consumer.assign(&assignment))
            .map_err(|why| self.failed(topic, &why))?;
        let mut heard = Instant::now();
        loop {
            match self.consumer.poll(Duration::from_millis(500)) {
                None if heard.elapsed() > TIMEOUT => {
                    return Err(self.failed(topic, &"no message came"));
                }
                None => continue,
                // Behind the last message there may be offsets without one (compaction): the end says so.
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(why)) => return Err(self.failed(topic, &why)),
                Some(Ok(message)) => {
                    let offset = u64::try_from(rdkafka::Message::offset(&message)).unwrap_or(0);
                    if offset >= stretch.end
                        || each(&message).is_break()
                        || offset + 1 == stretch.end
                    {
                        break;
                    }
                }
            }
            heard = Instant::now();
        }
        // What was fetched ahead is dropped with the assignment.
        self.consumer
            .unassign()
            .map_err(|why| self.failed(topic, &why))?;
        Ok(stretch)
    }

    fn unread(&self, topic: &str, why: &KafkaError) -> LinkError {
        match why.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::UnknownTopicOrPartition,
            ) => LinkError::KafkaRefused {
                doing: format!("the reading of {topic}"),
                why: format!(
                    "it does not exist at {}; `hissa import` and the services make it",
                    self.servers
                ),
            },
            _ => self.failed(topic, why),
        }
    }

    fn failed(&self, topic: &str, why: &dyn std::fmt::Display) -> LinkError {
        LinkError::KafkaSilent {
            servers: self.servers.clone(),
            seconds: TIMEOUT.as_secs(),
            doing: format!("reading {topic}"),
            why: why.to_string(),
        }
    }
}
