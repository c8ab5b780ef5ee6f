//! The service: threads for the feeds and the registry, and between them and Kafka the publisher.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use hissa_core::sim::FeedId;
use hissa_core::usage::Source;
use hissa_links::health::{Health, Part};
use hissa_links::stop::Stop;
use hissa_links::{http, key, topics, whole};
use rdkafka::message::Message as _;
use tokio::sync::mpsc;

use crate::admit::TOLERANCE_MS;
use crate::clock::now_ms;
use crate::config::{Config, ConfigError};
use crate::halt::Halt;
use crate::metrics::{FeedMetrics, Metrics};
use crate::position::{self, Stored};
use crate::producer::{Delivery, Writer};
use crate::publish::{Command, Event, Publisher};
use crate::registry::{RegistryEvent, RegistryReader};
use crate::source::{BeginError, Committed, FeedConsumer, FeedEvent, Surroundings};

/// How long Kafka may take to answer at start.
const ANSWER: Duration = Duration::from_secs(15);
/// How long what is on its way may take to arrive when ingest ends.
const DRAIN: Duration = Duration::from_secs(10);
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
        let kafka_health = health.part("kafka");
        let address = http::serve(config.listen, registry, health.clone(), serving).await?;
        tracing::info!(%address, "ingest serves /metrics, /livez and /readyz");

        topics::ensure(&config.kafka, config.partitions).await?;
        config
            .carrier()
            .answers("looking for the feeds", ANSWER)
            .await?;
        let known = positions(&config).await?;
        let revision = known
            .values()
            .map(|stored| stored.registry_revision)
            .max()
            .unwrap_or(0);

        let tolerances: BTreeMap<FeedId, Arc<AtomicU32>> = config
            .feeds
            .iter()
            .map(|feed| (feed.id, Arc::new(AtomicU32::new(TOLERANCE_MS))))
            .collect();
        let (feed_sender, feed_events) = mpsc::channel(BATCHES_WAITING);
        let (registry_sender, registry_events) = mpsc::channel(BATCHES_WAITING);
        let (delivery_sender, deliveries) = mpsc::unbounded_channel();
        let writer = Writer::connect(&config.kafka, delivery_sender)?;

        let mut sources = BTreeMap::new();
        let mut feeds = Vec::new();
        for (number, feed) in config.feeds.iter().enumerate() {
            let (link, of, known) = (config.carrier().clone(), feed.clone(), known.clone());
            let consumer =
                tokio::task::spawn_blocking(move || FeedConsumer::connect(&link, &of, &known))
                    .await?;
            let consumer = consumer.map_err(|error| match error {
                BeginError::Link(link) => anyhow::Error::new(link),
                BeginError::Halt(halt) => anyhow::Error::new(halt),
            })?;
            for (source, stored, is_new) in consumer.sources() {
                if is_new {
                    let stored = stored.clone();
                    writer.write(&Command::Store { source, stored }).await?;
                }
                sources.insert(source, stored.clone());
            }
            let feed_metrics = metrics.feed(feed.id, feed.played);
            feed_metrics.begins(now_ms());
            let surroundings = Surroundings {
                events: feed_sender.clone(),
                stop: stop.clone(),
                metrics: feed_metrics.clone(),
                health: health.part(&format!("feed {}", feed.id)),
                committed: Committed::default(),
            };
            feeds.push(RunningFeed {
                id: feed.id,
                metrics: feed_metrics,
                health: surroundings.health.clone(),
                committed: surroundings.committed.clone(),
                halted: false,
            });
            let tolerance_ms = tolerances.get(&feed.id).cloned().unwrap_or_default();
            let reader = consumer.reader(pseudonyms.clone(), tolerance_ms);
            thread(&format!("feed {}", feed.id), move || {
                consumer.run(number, reader, surroundings)
            })?;
        }
        drop(feed_sender);
        let reader = RegistryReader::connect(&config.kafka, revision, tolerances)?;
        let asked = stop.clone();
        thread("registry", move || reader.run(&registry_sender, &asked))?;

        kafka_health.ready();
        let mut running = Running {
            publisher: Publisher::new(config.partitions, config.played(), sources, revision),
            writer,
            feeds,
            registry_health: health.part("registry"),
            commands: Vec::new(),
        };
        let outcome = running
            .run(feed_events, registry_events, deliveries, &stop)
            .await;
        if let Err(error) = &outcome {
            kafka_health.failed(error.to_string());
        }
        outcome
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

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
        .with_context(|| format!("starting the thread of {name}: the machine allows no more"))
}

/// What `hissa.ingest` says of every source.
async fn positions(config: &Config) -> anyhow::Result<BTreeMap<Source, Stored>> {
    let link = config.kafka.clone();
    let read = move || {
        let mut known = BTreeMap::new();
        let mut unknown = None;
        whole::read(&link, "ingest-positions", topics::INGEST, |message| {
            let key = String::from_utf8_lossy(message.key().unwrap_or_default());
            // Keys of another form are not ours, and a message without a value takes a source away.
            match (position::source(&key), message.payload()) {
                (None, _) => {}
                (Some(source), None) => {
                    known.remove(&source);
                }
                (Some(source), Some(payload)) => match serde_json::from_slice::<Stored>(payload) {
                    Ok(stored) => {
                        known.insert(source, stored);
                    }
                    Err(why) => {
                        unknown = Some(Halt::Position {
                            source_key: source,
                            why: why.to_string(),
                        });
                    }
                },
            }
        })?;
        match unknown {
            Some(halt) => Err(anyhow::Error::new(halt)),
            None => Ok(known),
        }
    };
    tokio::task::spawn_blocking(read).await?
}

struct RunningFeed {
    id: FeedId,
    metrics: FeedMetrics,
    health: Part,
    committed: Committed,
    halted: bool,
}

struct Running {
    publisher: Publisher,
    writer: Writer,
    feeds: Vec<RunningFeed>,
    registry_health: Part,
    /// Reused.
    commands: Vec<Command>,
}

impl Running {
    async fn run(
        &mut self,
        mut feed_events: mpsc::Receiver<FeedEvent>,
        mut registry_events: mpsc::Receiver<RegistryEvent>,
        mut deliveries: mpsc::UnboundedReceiver<Delivery>,
        stop: &Stop,
    ) -> anyhow::Result<()> {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            let takes_batches = self.publisher.takes_batches(now_ms());
            let event = tokio::select! {
                biased;
                () = stop.wait() => break,
                Some(delivery) = deliveries.recv() => acknowledged(delivery)?,
                event = registry_events.recv() => match event {
                    Some(RegistryEvent::Read { revisions, whole_at_ms }) => {
                        if whole_at_ms.is_some() {
                            self.registry_health.ready();
                        }
                        Event::Registry { revisions, whole_at_ms }
                    }
                    Some(RegistryEvent::Halted(halt)) => return Err(halt.into()),
                    None => anyhow::bail!("the registry's thread ended unasked; start ingest again"),
                },
                event = feed_events.recv(), if takes_batches => match event {
                    Some(FeedEvent::Batch(batch)) => Event::Batch(batch),
                    Some(FeedEvent::AtEnd { sources, at_ms }) => Event::AtEnd { sources, at_ms },
                    Some(FeedEvent::Halted { feed, halt }) => {
                        if let Some(halt) = self.halted(feed, halt) {
                            self.drain(&mut deliveries).await?;
                            return Err(halt.into());
                        }
                        continue;
                    }
                    None => anyhow::bail!("a feed's thread ended unasked; start ingest again"),
                },
                _ = second.tick() => {
                    self.look_at_registry();
                    continue;
                }
            };
            self.step(event).await?;
        }
        self.drain(&mut deliveries).await
    }

    /// Notes that a feed goes no further; its reason, if it was the last.
    fn halted(&mut self, feed: usize, halt: Halt) -> Option<Halt> {
        tracing::error!("{halt}");
        if let Some(feed) = self.feeds.get_mut(feed) {
            feed.halted = true;
            feed.health.failed(halt.to_string());
        }
        self.feeds.iter().all(|feed| feed.halted).then_some(halt)
    }

    fn look_at_registry(&self) {
        if self.publisher.registry_is_old(now_ms()) {
            self.registry_health.waiting(
                "Kafka has not said for a minute how far hissa.registry goes; until it does, nothing is published",
            );
        }
    }

    /// Takes an event, and writes what the publisher wants written.
    async fn step(&mut self, event: Event) -> Result<(), Halt> {
        self.publisher.step(event, &mut self.commands);
        for command in self.commands.drain(..) {
            self.writer.write(&command).await?;
            if let Command::Store { source, stored } = &command {
                stored_at(&self.feeds, source, stored);
            }
        }
        for feed in &self.feeds {
            let of_feed = self
                .publisher
                .records_in_flight()
                .filter(|(source, _)| source.feed == feed.id);
            let records = of_feed.map(|(_, records)| records).sum::<u64>();
            feed.metrics
                .in_flight_records
                .set(i64::try_from(records).unwrap_or(i64::MAX));
        }
        Ok(())
    }

    /// Waits for what is on its way, and stores its positions.
    async fn drain(
        &mut self,
        deliveries: &mut mpsc::UnboundedReceiver<Delivery>,
    ) -> anyhow::Result<()> {
        let arrive = async {
            while !self.publisher.is_settled() {
                let Some(delivery) = deliveries.recv().await else {
                    break;
                };
                self.step(acknowledged(delivery)?).await?;
            }
            Ok::<(), Halt>(())
        };
        match tokio::time::timeout(DRAIN, arrive).await {
            Ok(arrived) => arrived?,
            Err(_) => tracing::warn!(
                "Kafka did not acknowledge everything in time; what is not stored is published again at the next start"
            ),
        }
        let writer = self.writer.clone();
        let flushed = tokio::task::spawn_blocking(move || writer.flush(DRAIN)).await?;
        if let Err(error) = flushed {
            tracing::warn!(%error, "the last positions are not written; a range is published again at the next start");
        }
        Ok(())
    }
}

/// Lets the feed's thread tell the carrier's cluster, for its view of the lag.
fn stored_at(feeds: &[RunningFeed], source: &Source, stored: &Stored) {
    if let Some(feed) = feeds.iter().find(|feed| feed.id == source.feed) {
        let mut committed = feed
            .committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        committed.insert(source.partition, stored.position);
    }
}

fn acknowledged(delivery: Delivery) -> Result<Event, Halt> {
    match delivery {
        Delivery::Arrived { ticket } => Ok(Event::Acked { ticket }),
        Delivery::Lost(halt) => Err(halt),
    }
}
