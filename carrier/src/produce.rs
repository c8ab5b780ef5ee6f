//! Writes a feed into a topic, each message under its own delivery time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, Message as _};

use crate::feed::FeedMessage;
use crate::zone::DAY_MS;

/// The largest message that the topic takes: larger than what a feed may hold, so that too large ones arrive.
const LARGEST_MESSAGE: &str = "10485760";

/// How often the caller is told, where nothing else makes the producer wait.
const TELL_EVERY: u64 = 1_000;

/// Why a feed cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ProduceError {
    #[error(
        "creating the carrier's topic {topic} failed ({why}): is Kafka running, and may this client create topics?"
    )]
    Create { topic: String, why: String },
    #[error("writing to the carrier's topic {topic} failed ({why}): is Kafka running?")]
    Write { topic: String, why: KafkaError },
}

/// How far the writing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Produced {
    pub messages: u64,
    pub bytes: u64,
    /// Delivery time of the last message (UTC milliseconds).
    pub delivered_at_ms: i64,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carry {
    On,
    Stop,
}

/// Creates the carrier's topic: one partition, the messages' own times, kept for ever. Says whether it is new.
///
/// # Errors
/// Kafka does not answer, or refuses.
pub async fn create_topic(properties: &ClientConfig, topic: &str) -> Result<bool, ProduceError> {
    let failed = |why: String| ProduceError::Create {
        topic: topic.to_owned(),
        why,
    };
    let admin: AdminClient<DefaultClientContext> =
        properties.create().map_err(|why| failed(why.to_string()))?;
    // The cluster's own replication factor. Stamps of months ago would be deleted at once under a finite retention.
    let wanted = NewTopic::new(topic, 1, TopicReplication::Fixed(-1))
        .set("message.timestamp.type", "CreateTime")
        .set("retention.ms", "-1")
        .set("max.message.bytes", LARGEST_MESSAGE);
    let options = AdminOptions::new()
        .operation_timeout(Some(Duration::from_secs(15)))
        .request_timeout(Some(Duration::from_secs(15)));
    let made = admin
        .create_topics([&wanted], &options)
        .await
        .map_err(|why| failed(why.to_string()))?;
    match made.into_iter().next() {
        Some(Ok(_)) => Ok(true),
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
        Some(Err((_, code))) => Err(failed(code.to_string())),
        None => Err(failed("the answer names no topic".to_owned())),
    }
}

/// Writes messages to partition 0 of a topic and waits until all are acknowledged. With `speed`, so many days of the
/// feed pass in a second; without, it goes as fast as it can. `tell` hears how far it is, many times a second, and
/// says whether to go on; stopped, what was written so far is still flushed. Blocks; give it a thread.
///
/// # Errors
/// A message could not be written: then nothing behind it was.
pub fn produce(
    properties: &ClientConfig,
    topic: &str,
    messages: impl Iterator<Item = FeedMessage>,
    speed: Option<f64>,
    mut tell: impl FnMut(Produced) -> Carry,
) -> Result<Produced, ProduceError> {
    let context = FirstFailure::default();
    let failed = |why| ProduceError::Write {
        topic: topic.to_owned(),
        why,
    };
    let producer: BaseProducer<FirstFailure> = gapless(properties)
        .create_with_context(context.clone())
        .map_err(failed)?;
    let mut pace = Pace {
        speed,
        begun: Instant::now(),
        first_ms: None,
    };
    let mut produced = Produced::default();
    'feed: for message in messages {
        while let Some(wait) = pace.wait(message.delivered_at_ms) {
            producer.poll(wait);
            context.check().map_err(failed)?;
            if tell(produced) == Carry::Stop {
                break 'feed;
            }
        }
        enqueue(&producer, topic, &message).map_err(failed)?;
        produced.messages += 1;
        produced.bytes += message.payload.len() as u64;
        produced.delivered_at_ms = message.delivered_at_ms;
        if produced.messages.is_multiple_of(TELL_EVERY) {
            producer.poll(Duration::ZERO);
            context.check().map_err(failed)?;
            if tell(produced) == Carry::Stop {
                break;
            }
        }
    }
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(50));
        context.check().map_err(failed)?;
        if tell(produced) == Carry::Stop {
            // Somebody is in a hurry: what is acknowledged by now has to do.
            break;
        }
    }
    context.check().map_err(failed)?;
    Ok(produced)
}

/// What no configuration may change: order, exactly once, and no message given up.
fn gapless(properties: &ClientConfig) -> ClientConfig {
    let mut properties = properties.clone();
    properties
        .set("enable.idempotence", "true")
        .set("enable.gapless.guarantee", "true")
        .set("message.timeout.ms", "0")
        .set("acks", "all")
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("message.max.bytes", LARGEST_MESSAGE)
        .set("queue.buffering.max.kbytes", "65536");
    properties
}

/// Hands a message to the client, waiting while its queue is full.
fn enqueue(
    producer: &BaseProducer<FirstFailure>,
    topic: &str,
    message: &FeedMessage,
) -> Result<(), KafkaError> {
    let mut record = BaseRecord::<(), [u8]>::to(topic)
        .partition(0)
        .timestamp(message.delivered_at_ms)
        .payload(&message.payload);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                producer.poll(Duration::from_millis(5));
                producer.context().check()?;
                record = back;
            }
            Err((why, _)) => return Err(why),
        }
    }
}

/// So many days of the feed in a second.
struct Pace {
    speed: Option<f64>,
    begun: Instant,
    first_ms: Option<i64>,
}

impl Pace {
    /// How long to wait for a message of that time: a tenth of a second at most, so that the caller stays in touch.
    fn wait(&mut self, delivered_at_ms: i64) -> Option<Duration> {
        let speed = self.speed.filter(|speed| *speed > 0.0)?;
        let first_ms = *self.first_ms.get_or_insert(delivered_at_ms);
        let days = (delivered_at_ms - first_ms) as f64 / DAY_MS as f64;
        let due = Duration::try_from_secs_f64(days / speed).ok()?;
        let left = due
            .checked_sub(self.begun.elapsed())
            .filter(|left| !left.is_zero())?;
        Some(left.min(Duration::from_millis(100)))
    }
}

/// Keeps the first failed delivery.
#[derive(Clone, Default)]
struct FirstFailure(Arc<Mutex<Option<KafkaError>>>);

impl FirstFailure {
    fn check(&self) -> Result<(), KafkaError> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(why) => Err(why.clone()),
            None => Ok(()),
        }
    }
}

impl ClientContext for FirstFailure {}

impl ProducerContext for FirstFailure {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((why, message)) = result {
            tracing::warn!(topic = message.topic(), %why, "a message of the feed was not written");
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| why.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_waits_by_the_feeds_own_time() {
        let mut pace = Pace {
            speed: Some(2.0),
            begun: Instant::now(),
            first_ms: None,
        };
        assert_eq!(pace.wait(1_000), None);
        // Twenty days later is ten seconds later; told every tenth of a second.
        assert_eq!(
            pace.wait(1_000 + 20 * DAY_MS),
            Some(Duration::from_millis(100))
        );
        let mut pace = Pace {
            speed: None,
            begun: Instant::now(),
            first_ms: None,
        };
        assert_eq!(pace.wait(1_000 + 20 * DAY_MS), None);
    }
}
