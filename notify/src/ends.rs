//! What there is in Kafka: topics, and the ends of partitions.
//!
//! A client of its own asks: on the connection of a client that fetches, a question waits behind a fetch that waits
//! for messages, half a second each time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hissa_links::kafka::KafkaLink;
use hissa_links::whole;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;

/// What is asked of Kafka here takes milliseconds.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(15);

/// The client that asks; clones share it.
#[derive(Clone)]
pub(crate) struct Ends {
    client: Arc<BaseConsumer>,
}

impl Ends {
    pub(crate) fn new(link: &KafkaLink) -> anyhow::Result<Ends> {
        let client = link.consumer("notify-ends", None)?.create();
        Ok(Ends {
            client: Arc::new(
                client.context("creating the client that asks for the ends of topics")?,
            ),
        })
    }

    /// Whether a topic is there, as far as Kafka answers.
    pub(crate) async fn exists(&self, topic: &'static str) -> bool {
        let client = Arc::clone(&self.client);
        let asked = tokio::task::spawn_blocking(move || {
            let metadata = client.fetch_metadata(Some(topic), TIMEOUT)?;
            let mut topics = metadata.topics().iter();
            KafkaResult::Ok(topics.any(|topic| !topic.partitions().is_empty()))
        });
        matches!(asked.await, Ok(Ok(true)))
    }

    /// The offset behind the last message of a partition.
    pub(crate) async fn of(&self, topic: &'static str, partition: i32) -> anyhow::Result<i64> {
        let client = Arc::clone(&self.client);
        let asked = tokio::task::spawn_blocking(move || whole::ends_of(&client, topic, partition));
        let (_, end) = asked
            .await?
            .with_context(|| format!("asking for the end of {topic}/{partition}"))?;
        Ok(end)
    }
}
