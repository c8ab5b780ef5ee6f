//! The topics of Hissa, and their settings.

use std::time::{Duration, Instant};

use hissa_core::sim::Partitions;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};

use crate::{LinkError, kafka::KafkaLink, whole};

/// The log: rows, blocks, Progress; partitioned by SIM; written by ingest alone.
pub const USAGE: &str = "hissa.usage";
/// Commands; one partition; the offset is the revision.
pub const REGISTRY: &str = "hissa.registry";
/// Positions and books of ingest; compacted.
pub const INGEST: &str = "hissa.ingest";
/// What could not be decoded: position, reason, hash.
pub const REJECTED: &str = "hissa.rejected";
/// Decisions, for the carrier.
pub const DECISIONS: &str = "hissa.decisions";
/// Alert changes, for notify.
pub const ALERTS: &str = "hissa.alerts";
/// What people may ask to have erased: asset tags, contacts; compacted, keyed.
pub const DIRECTORY: &str = "hissa.directory";

const TIMEOUT: Duration = Duration::from_secs(15);

/// Creates the topics that are missing, and checks the number of partitions of those that are there.
///
/// # Errors
/// Kafka does not answer or refuses, or a topic has another number of partitions than the configuration says.
pub async fn ensure(link: &KafkaLink, partitions: Partitions) -> Result<(), LinkError> {
    let brokers = link.answers("creating topics", TIMEOUT).await?;
    let admin: AdminClient<DefaultClientContext> =
        link.client("topics")?
            .create()
            .map_err(|why| LinkError::KafkaProperties {
                role: "topics".into(),
                why: why.to_string(),
            })?;
    let count = i32::from(partitions.count());
    let topic = |name, partitions| topic(name, partitions, brokers);
    let forever = |topic: NewTopic<'static>| {
        topic
            .set("cleanup.policy", "delete")
            .set("retention.ms", "-1")
    };
    let compacted = |topic: NewTopic<'static>| topic.set("cleanup.policy", "compact");
    let topics = [
        forever(topic(USAGE, count)),
        forever(topic(DECISIONS, count)),
        forever(topic(ALERTS, count)),
        forever(topic(REGISTRY, 1)),
        forever(topic(REJECTED, 1)),
        compacted(topic(INGEST, 1)),
        compacted(topic(DIRECTORY, 1)),
    ];
    let options = AdminOptions::new()
        .operation_timeout(Some(TIMEOUT))
        .request_timeout(Some(TIMEOUT));
    let refused = |why: String| LinkError::KafkaRefused {
        doing: "the creation of topics".into(),
        why,
    };
    let made = admin
        .create_topics(&topics, &options)
        .await
        .map_err(|why| refused(why.to_string()))?;
    for result in made {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => return Err(refused(format!("{name}: {code}"))),
        }
    }
    check(link, partitions).await
}

/// One node has to write to its disk before it acknowledges; a cluster has its replicas.
fn topic(name: &'static str, partitions: i32, brokers: usize) -> NewTopic<'static> {
    let (replicas, durability) = if brokers >= 3 {
        (3, ("min.insync.replicas", "2"))
    } else {
        (1, ("flush.messages", "1"))
    };
    NewTopic::new(name, partitions, TopicReplication::Fixed(replicas))
        .set("message.timestamp.type", "LogAppendTime")
        .set("max.message.bytes", "2000000")
        .set(durability.0, durability.1)
}

/// Waits until all topics answer, each partition of them, and checks how many partitions they have. A topic that was
/// made a moment ago is known to the cluster before its partitions have leaders.
async fn check(link: &KafkaLink, partitions: Partitions) -> Result<(), LinkError> {
    let config = link.client("topics")?;
    let servers = link.servers().to_owned();
    let silent = move |why: String| LinkError::KafkaSilent {
        servers: servers.clone(),
        seconds: TIMEOUT.as_secs(),
        doing: "asking for topics".into(),
        why,
    };
    let many = [USAGE, DECISIONS, ALERTS].map(|name| (name, partitions.count()));
    let single = [REGISTRY, REJECTED, INGEST, DIRECTORY].map(|name| (name, 1));
    let task = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = config.create().map_err(|why| silent(why.to_string()))?;
        for (name, expected) in many.into_iter().chain(single) {
            let found = partitions_of(&consumer, name).map_err(|why| silent(why.to_string()))?;
            if found != usize::from(expected) {
                return Err(LinkError::Partitions {
                    topic: name.into(),
                    found,
                    expected,
                });
            }
            for partition in 0..i32::from(expected) {
                whole::ends_of(&consumer, name, partition)
                    .map_err(|why| silent(format!("{name}: {why}")))?;
            }
        }
        Ok(())
    });
    task.await.unwrap_or_else(|why| {
        Err(LinkError::KafkaRefused {
            doing: "asking for topics".into(),
            why: why.to_string(),
        })
    })
}

/// How many partitions a topic has; 0 where it stays unknown.
fn partitions_of(consumer: &BaseConsumer, topic: &str) -> KafkaResult<usize> {
    let begun = Instant::now();
    loop {
        let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT)?;
        let found = metadata
            .topics()
            .first()
            .map_or(0, |topic| topic.partitions().len());
        if found > 0 || begun.elapsed() > TIMEOUT {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
