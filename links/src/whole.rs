//! A topic read from its beginning to the end that it has now.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::{LinkError, kafka::KafkaLink};

/// For consumers with `enable.partition.eof`: the client reports the end of a partition as an error, and would log it
/// as one.
pub struct EndIsNoError;

impl ClientContext for EndIsNoError {
    fn error(&self, error: KafkaError, reason: &str) {
        if !matches!(error, KafkaError::PartitionEOF(_))
            && error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF)
        {
            tracing::warn!(%error, reason, "reading a topic");
        }
    }
}

impl ConsumerContext for EndIsNoError {}

const TIMEOUT: Duration = Duration::from_secs(30);

/// Hands every message of `topic` to `each`, partition by partition in order of offsets, up to the end that the topic
/// had when the call began. Returns, by partition, the offset behind the last message. Blocks: call it where blocking
/// is allowed.
///
/// # Errors
/// Kafka does not answer, or refuses; the topic does not exist.
pub fn read(
    link: &KafkaLink,
    role: &str,
    topic: &str,
    mut each: impl FnMut(&BorrowedMessage<'_>),
) -> Result<BTreeMap<i32, i64>, LinkError> {
    let silent = |why: String| LinkError::KafkaSilent {
        servers: link.servers().into(),
        seconds: TIMEOUT.as_secs(),
        doing: format!("reading {topic}"),
        why,
    };
    let mut config = link.consumer(role, None)?;
    // So that the end is seen where the last messages were compacted away or belong to no reader.
    config.set("enable.partition.eof", "true");
    let consumer: BaseConsumer<EndIsNoError> =
        config
            .create_with_context(EndIsNoError)
            .map_err(|why| LinkError::KafkaProperties {
                role: role.into(),
                why: why.to_string(),
            })?;
    let metadata = consumer
        .fetch_metadata(Some(topic), TIMEOUT)
        .map_err(|why| silent(why.to_string()))?;
    let partitions = metadata
        .topics()
        .first()
        .map(|t| t.partitions())
        .unwrap_or_default();
    if partitions.is_empty() {
        return Err(LinkError::KafkaRefused {
            doing: format!("reading {topic}"),
            why: "it does not exist".into(),
        });
    }

    let mut ends = BTreeMap::new();
    let mut open = TopicPartitionList::new();
    for partition in partitions {
        let (low, high) =
            ends_of(&consumer, topic, partition.id()).map_err(|why| silent(why.to_string()))?;
        ends.insert(partition.id(), high);
        if low < high {
            // Only a partition and an offset: it cannot fail for a list that was just made.
            open.add_partition_offset(topic, partition.id(), Offset::Offset(low))
                .map_err(|why| silent(why.to_string()))?;
        }
    }
    let mut unfinished: Vec<i32> = open
        .elements()
        .iter()
        .map(|element| element.partition())
        .collect();
    consumer
        .assign(&open)
        .map_err(|why| silent(why.to_string()))?;
    while !unfinished.is_empty() {
        let finished = match consumer.poll(TIMEOUT) {
            None => return Err(silent("no message came".into())),
            Some(Err(KafkaError::PartitionEOF(partition))) => Some(partition),
            Some(Err(why)) => return Err(silent(why.to_string())),
            Some(Ok(message)) => {
                let end = ends.get(&message.partition()).copied().unwrap_or(0);
                if message.offset() < end {
                    each(&message);
                }
                (message.offset() + 1 >= end).then_some(message.partition())
            }
        };
        unfinished.retain(|partition| Some(*partition) != finished);
    }
    Ok(ends)
}

/// The first offset of a partition, and the one behind its last. A partition that was made a moment ago has no leader
/// for another moment; that is waited for. Blocks.
///
/// # Errors
/// Kafka does not answer in time, or refuses.
pub fn ends_of<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
) -> KafkaResult<(i64, i64)> {
    use rdkafka::error::RDKafkaErrorCode as Code;
    let begun = Instant::now();
    loop {
        match consumer.fetch_watermarks(topic, partition, TIMEOUT) {
            Err(KafkaError::MetadataFetch(
                Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::UnknownTopicOrPartition
                | Code::UnknownPartition,
            )) if begun.elapsed() < TIMEOUT => std::thread::sleep(Duration::from_millis(50)),
            answered => return answered,
        }
    }
}
