//! The publisher at work: events of the threads in, messages to Kafka out.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use hissa_core::sim::FeedId;
use hissa_core::usage::Source;
use hissa_links::health::Part;
use hissa_links::stop::Stop;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};

use crate::clock::now_ms;
use crate::halt::Halt;
use crate::metrics::FeedMetrics;
use crate::position::Stored;
use crate::producer::{Delivery, Writer};
use crate::publish::{Command, Event, Publisher};
use crate::registry::RegistryEvent;
use crate::source::{Committed, FeedEvent, Surroundings};

/// How long what is on its way may take to arrive when ingest ends.
const DRAIN: Duration = Duration::from_secs(10);
/// Kafka is not ready when it has acknowledged nothing for this long though there is something to acknowledge.
const SILENCE: Duration = Duration::from_secs(10);

/// What is kept of a feed whose thread runs.
pub(crate) struct RunningFeed {
    id: FeedId,
    metrics: FeedMetrics,
    health: Part,
    committed: Committed,
    halted: bool,
}

impl RunningFeed {
    /// Of a thread with these surroundings.
    pub(crate) fn new(id: FeedId, surroundings: &Surroundings) -> RunningFeed {
        RunningFeed {
            id,
            metrics: surroundings.metrics.clone(),
            health: surroundings.health.clone(),
            committed: surroundings.committed.clone(),
            halted: false,
        }
    }
}

/// What the threads and the producer say.
type Events = (
    Receiver<FeedEvent>,
    Receiver<RegistryEvent>,
    UnboundedReceiver<Delivery>,
);

/// The publisher, its events and its writer.
pub(crate) struct Running {
    publisher: Publisher,
    writer: Writer,
    feeds: Vec<RunningFeed>,
    kafka_health: Part,
    registry_health: Part,
    feed_events: Receiver<FeedEvent>,
    registry_events: Receiver<RegistryEvent>,
    deliveries: UnboundedReceiver<Delivery>,
    /// When Kafka last acknowledged something, or had nothing to acknowledge.
    acknowledged: Instant,
    /// Reused.
    commands: Vec<Command>,
}

impl Running {
    pub(crate) fn new(
        publisher: Publisher,
        writer: Writer,
        feeds: Vec<RunningFeed>,
        (kafka_health, registry_health): (Part, Part),
        (feed_events, registry_events, deliveries): Events,
    ) -> Running {
        Running {
            publisher,
            writer,
            feeds,
            kafka_health,
            registry_health,
            feed_events,
            registry_events,
            deliveries,
            acknowledged: Instant::now(),
            commands: Vec::new(),
        }
    }

    /// Runs until asked to stop, or until going on would make wrong numbers.
    ///
    /// # Errors
    /// The reason, typed.
    pub(crate) async fn run(&mut self, stop: &Stop) -> anyhow::Result<()> {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            let takes_batches = self.publisher.takes_batches(now_ms());
            let event = tokio::select! {
                biased;
                () = stop.wait() => break,
                Some(delivery) = self.deliveries.recv() => self.delivered(delivery)?,
                event = self.registry_events.recv() => self.of_registry(event)?,
                event = self.feed_events.recv(), if takes_batches => match event {
                    Some(FeedEvent::Batch(batch)) => Event::Batch(batch),
                    Some(FeedEvent::AtEnd { sources, at_ms }) => Event::AtEnd { sources, at_ms },
                    Some(FeedEvent::Halted { feed, halt }) => match self.halted(feed, halt) {
                        None => continue,
                        Some(halt) => {
                            self.drain().await?;
                            return Err(halt.into());
                        }
                    },
                    None => anyhow::bail!("a feed's thread ended unasked; start ingest again"),
                },
                _ = second.tick() => {
                    self.look();
                    continue;
                }
            };
            self.step(event).await?;
        }
        self.drain().await
    }

    fn delivered(&mut self, delivery: Delivery) -> Result<Event, Halt> {
        self.acknowledged = Instant::now();
        match delivery {
            Delivery::Arrived { ticket } => Ok(Event::Acked { ticket }),
            Delivery::Lost(halt) => Err(halt),
        }
    }

    fn of_registry(&self, event: Option<RegistryEvent>) -> anyhow::Result<Event> {
        match event {
            Some(RegistryEvent::Read {
                revisions,
                whole_at_ms,
            }) => {
                if whole_at_ms.is_some() {
                    self.registry_health.ready();
                }
                Ok(Event::Registry {
                    revisions,
                    whole_at_ms,
                })
            }
            Some(RegistryEvent::Halted(halt)) => Err(halt.into()),
            None => anyhow::bail!("the registry's thread ended unasked; start ingest again"),
        }
    }

    /// Notes that a feed goes no further; its reason, if it was the last.
    fn halted(&mut self, feed: usize, halt: Halt) -> Option<Halt> {
        tracing::error!("{halt}");
        if let Some(feed) = self.feeds.get_mut(feed) {
            feed.halted = true;
            feed.health.failed(halt.to_string());
        }
        let all = self.feeds.iter().all(|feed| feed.halted);
        all.then_some(halt)
    }

    /// Says every second whether Kafka keeps up.
    fn look(&mut self) {
        if self.publisher.registry_is_old(now_ms()) {
            self.registry_health.waiting(
                "Kafka has not said for a minute how far hissa.registry goes; until it does, nothing is published",
            );
        }
        if self.publisher.is_settled() {
            self.acknowledged = Instant::now();
        }
        match self.acknowledged.elapsed() < SILENCE {
            true => self.kafka_health.ready(),
            false => self.kafka_health.waiting(
                "Kafka has acknowledged nothing for 10 s; ingest waits, and loses nothing",
            ),
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
            let in_flight = self.publisher.records_in_flight();
            let of_feed = in_flight.filter(|(source, _)| source.feed == feed.id);
            let records = of_feed.map(|(_, records)| records).sum::<u64>();
            let gauge = &feed.metrics.in_flight_records;
            gauge.set(i64::try_from(records).unwrap_or(i64::MAX));
            let (found, holes) = self.publisher.node_sequences(feed.id);
            feed.metrics.node_sequences(found, holes);
        }
        Ok(())
    }

    /// Waits for what is on its way, and stores its positions.
    async fn drain(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let arrive = async {
            while !self.publisher.is_settled() {
                let Some(delivery) = self.deliveries.recv().await else {
                    break;
                };
                let event = self.delivered(delivery)?;
                self.step(event).await?;
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
        let left = DRAIN.saturating_sub(begun.elapsed());
        let flushed = tokio::task::spawn_blocking(move || writer.flush(left)).await?;
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
