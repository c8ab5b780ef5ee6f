//! The service: threads for the feeds and the registry, and between them and Kafka the publisher.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use anyhow::Context as _;
use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::usage::Source;
use hissa_links::health::Health;
use hissa_links::kafka::KafkaLink;
use hissa_links::stop::Stop;
use hissa_links::{http, key, topics, whole};
use rdkafka::message::Message as _;
use tokio::sync::mpsc;

use crate::admit::TOLERANCE_MS;
use crate::clock::now_ms;
use crate::config::{Config, ConfigError, Feed};
use crate::halt::Halt;
use crate::metrics::Metrics;
use crate::position::{self, Stored};
use crate::producer::Writer;
use crate::publish::{Command, Publisher};
use crate::registry::{RegistryReader, Tolerances};
use crate::running::{Running, RunningFeed};
use crate::source::{BeginError, Committed, FeedConsumer, Surroundings};

/// How long Kafka may take to answer at start.
const ANSWER: Duration = Duration::from_secs(15);
/// Batches that may wait for the publisher.
const BATCHES_WAITING: usize = 2;

/// The service, checked and not started.
pub struct Ingest {
    config: Config,
}

impl Ingest {
    /// Checks the configuration; opens nothing.
    ///
    /// # Errors
    /// It contradicts itself.
    pub fn new(config: Config) -> Result<Ingest, ConfigError> {
        config.check()?;
        Ok(Ingest { config })
    }

    /// Runs until asked to stop: then what is on its way arrives, and its positions are stored.
    ///
    /// # Errors
    /// A link does not answer or is not set up ([`hissa_links::LinkError`]), or going on would make wrong numbers
    /// ([`Halt`]). One feed that halts does not stop the others; when none is left, its error ends the service.
    pub async fn run(self, stop: Stop) -> anyhow::Result<()> {
        let config = self.config;
        let pseudonyms = key::load(&config.key_file)?;
        let health = Health::new();
        let registry = prometheus::Registry::new();
        let metrics = Metrics::new(&registry).context("registering the metrics")?;
        // The port serves until this service ends, be it by an error.
        let serving = Stop::new();
        let _stop_serving = StopOnDrop(serving.clone());
        let address = http::serve(config.listen, registry, health.clone(), serving).await?;
        tracing::info!(%address, "ingest serves /metrics, /livez and /readyz");

        let start = Start {
            config,
            pseudonyms,
            health,
            metrics,
            stop: stop.clone(),
        };
        let mut running = tokio::select! {
            biased;
            () = stop.wait() => return Ok(()),
            started = start.running() => started?,
        };
        running.run(&stop).await
    }
}

/// Checks the configuration and runs the service: see [`Ingest::new`] and [`Ingest::run`].
///
/// # Errors
/// Those of both.
pub async fn run(config: Config, stop: Stop) -> anyhow::Result<()> {
    Ingest::new(config)?.run(stop).await
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.request();
    }
}

/// What a start needs.
struct Start {
    config: Config,
    pseudonyms: Pseudonymizer,
    health: Health,
    metrics: Metrics,
    stop: Stop,
}

impl Start {
    /// Asks both clusters how far everything has got, and sets the threads going.
    async fn running(self) -> anyhow::Result<Running> {
        let config = &self.config;
        let kafka_health = self.health.part("kafka");
        topics::ensure(&config.kafka, config.partitions).await?;
        config
            .carrier()
            .answers("looking for the feeds", ANSWER)
            .await?;
        let known = positions(&config.kafka).await?;
        let revision = known
            .values()
            .map(|stored| stored.registry_revision)
            .max()
            .unwrap_or(0);

        let (feed_sender, feed_events) = mpsc::channel(BATCHES_WAITING);
        let (registry_sender, registry_events) = mpsc::channel(BATCHES_WAITING);
        let (delivery_sender, deliveries) = mpsc::unbounded_channel();
        let writer = Writer::connect(&config.kafka, delivery_sender)?;
        let mut sources = BTreeMap::new();
        let mut feeds = Vec::new();
        let mut tolerances = Tolerances::new();
        for (number, feed) in config.feeds.iter().enumerate() {
            let consumer = self.connect(feed, known.clone()).await?;
            for (source, stored, is_new) in consumer.sources() {
                if is_new {
                    // So that a restart begins at the same place, whatever `start` says.
                    let stored = stored.clone();
                    writer.write(&Command::Store { source, stored }).await?;
                }
                sources.insert(source, stored.clone());
            }
            let tolerance_ms = Arc::new(AtomicU32::new(TOLERANCE_MS));
            tolerances.insert(feed.id, tolerance_ms.clone());
            let surroundings = Surroundings {
                events: feed_sender.clone(),
                stop: self.stop.clone(),
                metrics: self.metrics.feed(feed.id, feed.played),
                health: self.health.part(&format!("feed {}", feed.id)),
                committed: Committed::default(),
            };
            surroundings.metrics.begins(now_ms());
            feeds.push(RunningFeed::new(feed.id, &surroundings));
            let reader = consumer.reader(self.pseudonyms.clone(), tolerance_ms);
            thread(&format!("feed {}", feed.id), move || {
                consumer.run(number, reader, surroundings);
            })?;
        }
        let reader = RegistryReader::connect(&config.kafka, revision, tolerances)?;
        let stop = self.stop.clone();
        thread("registry", move || reader.run(&registry_sender, &stop))?;

        kafka_health.ready();
        let publisher = Publisher::new(config.partitions, config.played(), sources, revision);
        let registry_health = self.health.part("registry");
        Ok(Running::new(
            publisher,
            writer,
            feeds,
            (kafka_health, registry_health),
            (feed_events, registry_events, deliveries),
        ))
    }

    async fn connect(
        &self,
        feed: &Feed,
        known: BTreeMap<Source, Stored>,
    ) -> anyhow::Result<FeedConsumer> {
        let (link, feed) = (self.config.carrier().clone(), feed.clone());
        let connect = move || FeedConsumer::connect(&link, &feed, &known);
        // The error itself, not a wrapping of it, tells the exit code.
        tokio::task::spawn_blocking(connect)
            .await?
            .map_err(|error| match error {
                BeginError::Link(link) => anyhow::Error::new(link),
                BeginError::Halt(halt) => anyhow::Error::new(halt),
            })
    }
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
        .with_context(|| format!("starting the thread of {name}: the machine allows no more"))
}

/// What `hissa.ingest` says of every source.
async fn positions(link: &KafkaLink) -> anyhow::Result<BTreeMap<Source, Stored>> {
    let link = link.clone();
    let read = move || {
        let mut known = BTreeMap::new();
        let mut unknown = None;
        whole::read(&link, "ingest-positions", topics::INGEST, |message| {
            let key = String::from_utf8_lossy(message.key().unwrap_or_default());
            // Keys of another form are not ours, and a message without a value takes a source away.
            let Some(source) = position::source(&key) else {
                return;
            };
            let Some(payload) = message.payload() else {
                known.remove(&source);
                return;
            };
            match serde_json::from_slice::<Stored>(payload) {
                Ok(stored) => {
                    known.insert(source, stored);
                }
                Err(why) => {
                    unknown = Some(Halt::Position {
                        source_key: source,
                        why: why.to_string(),
                    });
                }
            }
        })?;
        match unknown {
            Some(halt) => Err(anyhow::Error::new(halt)),
            None => Ok(known),
        }
    };
    tokio::task::spawn_blocking(read).await?
}
