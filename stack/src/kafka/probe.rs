//! Asks a broker whether it answers, as any client would.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::statistics::Statistics;
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A single question waits this long for its answer.
const QUESTION: Duration = Duration::from_millis(500);

/// Settings for a client that asks a broker which may not be there yet: it tries again at once and does not complain.
pub(crate) fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "hissa-stack")
        .set("reconnect.backoff.ms", "20")
        .set("reconnect.backoff.max.ms", "100")
        .set_log_level(RDKafkaLogLevel::Emerg);
    config
}

/// Whether the broker at `bootstrap` answers a metadata request within `limit` and counts itself as alive.
///
/// # Errors
///
/// What the client said last.
pub fn answers(bootstrap: &str, limit: Duration) -> Result<(), String> {
    wait_until_it_answers::<std::convert::Infallible>(bootstrap, limit, || Ok(()))
        .unwrap_or_else(|never| match never {})
}

/// As [`answers`], with a look at the broker's process between two questions: its end ends the wait with `Err`.
pub(crate) fn wait_until_it_answers<E>(
    bootstrap: &str,
    limit: Duration,
    mut alive: impl FnMut() -> Result<(), E>,
) -> Result<Result<(), String>, E> {
    let asker: BaseConsumer = match client(bootstrap).create() {
        Ok(asker) => asker,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let deadline = Instant::now() + limit;
    loop {
        alive()?;
        let said = match asker.fetch_metadata(None, QUESTION) {
            // The list holds the brokers that are registered and unfenced: before that, topics cannot be made.
            Ok(metadata) if !metadata.brokers().is_empty() => return Ok(Ok(())),
            Ok(_) => "it is not ready for clients yet".to_owned(),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= deadline {
            return Ok(Err(said));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Has the broker do what it does slowly the first time: hand out a producer id (a second) and make the topic of the
/// group coordinator (three). Both at once, each at most `limit`; a failure costs the first user time and nothing
/// else, so it is only traced.
pub(crate) fn warm_up(bootstrap: &str, limit: Duration) {
    thread::scope(|scope| {
        scope.spawn(|| {
            if let Err(said) = warm_up_producer_ids(bootstrap, limit) {
                tracing::warn!("the first idempotent producer may take a second: {said}");
            }
        });
        if let Err(said) = warm_up_groups(bootstrap, limit) {
            tracing::warn!("the first consumer group may take some seconds: {said}");
        }
    });
}

/// Notes from the client's own statistics that it was given a producer id, so that no topic is needed for it.
#[derive(Clone, Default)]
struct ProducerIdSeen(Arc<AtomicBool>);

impl ClientContext for ProducerIdSeen {
    fn stats(&self, statistics: Statistics) {
        if statistics
            .eos
            .is_some_and(|eos| eos.idemp_state == "Assigned")
        {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

impl ProducerContext for ProducerIdSeen {
    type DeliveryOpaque = ();
    fn delivery(&self, _: &rdkafka::producer::DeliveryResult<'_>, (): ()) {}
}

fn warm_up_producer_ids(bootstrap: &str, limit: Duration) -> Result<(), String> {
    let seen = ProducerIdSeen::default();
    let producer: BaseProducer<ProducerIdSeen> = client(bootstrap)
        .set("enable.idempotence", "true")
        .set("statistics.interval.ms", "50")
        .create_with_context(seen.clone())
        .map_err(|error| error.to_string())?;
    // A question makes it connect; without one it waits for a first message.
    producer
        .client()
        .fetch_metadata(None, limit)
        .map_err(|error| error.to_string())?;
    let deadline = Instant::now() + limit;
    while !seen.0.load(Ordering::Relaxed) {
        if Instant::now() >= deadline {
            return Err("no producer id was given".to_owned());
        }
        producer.poll(Duration::from_millis(50));
    }
    Ok(())
}

fn warm_up_groups(bootstrap: &str, limit: Duration) -> Result<(), String> {
    let consumer: BaseConsumer = client(bootstrap)
        // Nothing is committed, so the broker keeps nothing of this group.
        .set("group.id", "hissa.warm-up")
        .create()
        .map_err(|error| error.to_string())?;
    let mut of = TopicPartitionList::new();
    of.add_partition_offset("hissa.warm-up", 0, Offset::Invalid)
        .map_err(|error| error.to_string())?;
    consumer
        .committed_offsets(of, limit)
        .map(drop)
        .map_err(|error| error.to_string())
}
