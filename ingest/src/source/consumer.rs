//! A feed's thread: the carrier's topic by Kafka, into batches for the publisher.
//!
//! The partitions are assigned by hand: one ingest reads all of them. What the thread hands over waits in a short
//! channel; while that is full, the thread does not read on, and the broker keeps the rest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hissa_core::usage::Source;
use hissa_links::health::Part;
use hissa_links::kafka::KafkaLink;
use hissa_links::{LinkError, stop::Stop};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::batch::Batch;
use super::begin::{self, Begin, BeginError};
use super::reader::{Incoming, Reader};
use crate::clock::now_ms;
use crate::config::Feed;
use crate::halt::Halt;
use crate::metrics::FeedMetrics;
use crate::position::Stored;

/// A batch that is not full is handed over this long after its first record.
const BATCH_AGE_MAX: Duration = Duration::from_millis(20);
/// How long a poll may wait: it bounds the time to notice a wish to stop.
const POLL: Duration = Duration::from_millis(100);
/// How often a source at its end is asked after, and the group's offsets are committed.
const SECOND: Duration = Duration::from_secs(1);
/// How often the number of the topic's partitions is asked for.
const RECOUNT: Duration = Duration::from_secs(60);
/// How long the carrier's cluster may take to answer such a question.
const ANSWER: Duration = Duration::from_secs(2);

/// Properties that serve throughput, where the configuration does not set them. Local queues are bounded by bytes: a
/// topic may have many partitions, and messages of 10 MB.
const FETCH: [(&str, &str); 4] = [
    ("fetch.message.max.bytes", "4194304"),
    ("queued.max.messages.kbytes", "32768"),
    ("queued.min.messages", "100000"),
    ("enable.partition.eof", "true"),
];

/// What a feed's thread says.
#[derive(Debug)]
pub enum FeedEvent {
    Batch(Batch),
    /// These sources of a live feed have nothing more; as of a time of ingest's clock.
    AtEnd {
        sources: Vec<Source>,
        at_ms: i64,
    },
    /// The feed goes no further; its thread has ended.
    Halted {
        feed: usize,
        halt: Halt,
    },
}

/// Positions that are stored, by partition: for the group's offsets at the carrier's, which serve lag alone.
pub type Committed = Arc<Mutex<BTreeMap<u32, u64>>>;

struct Quietly;

impl ClientContext for Quietly {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the carrier's Kafka");
    }
}

impl ConsumerContext for Quietly {
    fn commit_callback(&self, result: Result<(), KafkaError>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::debug!(%error, "the group's offsets at the carrier's are not written; they serve lag alone");
        }
    }
}

/// A feed that is ready to be read.
pub struct FeedConsumer {
    feed: Feed,
    consumer: BaseConsumer<Quietly>,
    begins: Vec<Begin>,
}

impl FeedConsumer {
    /// Connects, and decides where each partition begins. Blocks.
    ///
    /// # Errors
    /// The cluster does not answer, or the topic cannot be read from where ingest stood.
    pub fn connect(
        link: &KafkaLink,
        feed: &Feed,
        known: &BTreeMap<Source, Stored>,
    ) -> Result<FeedConsumer, BeginError> {
        let group = format!("hissa-ingest-{}", feed.id);
        let mut config = link.consumer("ingest", Some(&group))?;
        for (name, value) in FETCH {
            if !link.properties.contains_key(name) {
                config.set(name, value);
            }
        }
        let unusable = |why: KafkaError| LinkError::KafkaProperties {
            role: "ingest".into(),
            why: why.to_string(),
        };
        let consumer: BaseConsumer<Quietly> =
            config.create_with_context(Quietly).map_err(unusable)?;
        let begins = begin::begin(&consumer, link, feed, known)?;
        let mut assignment = TopicPartitionList::new();
        for begin in &begins {
            let partition = number(begin.source.partition);
            let from = Offset::Offset(i64::try_from(begin.from).unwrap_or(i64::MAX));
            assignment
                .add_partition_offset(&feed.topic, partition, from)
                .map_err(unusable)?;
        }
        consumer.assign(&assignment).map_err(unusable)?;
        Ok(FeedConsumer {
            feed: feed.clone(),
            consumer,
            begins,
        })
    }

    /// What is known of the sources; and whether that is new.
    pub fn sources(&self) -> impl Iterator<Item = (Source, &Stored, bool)> {
        self.begins
            .iter()
            .map(|begin| (begin.source, &begin.stored, begin.is_new))
    }

    /// What must be found again, by partition, as [`Reader::new`] wants it.
    pub fn reader(
        &self,
        pseudonyms: hissa_core::pseudonym::Pseudonymizer,
        tolerance_ms: Arc<std::sync::atomic::AtomicU32>,
    ) -> Reader {
        let clock_ms = self
            .begins
            .iter()
            .filter_map(|begin| begin.stored.clock_ms)
            .max();
        let admission =
            crate::admit::Admission::new(self.feed.id, self.feed.played, tolerance_ms, clock_ms);
        let expected = self
            .begins
            .iter()
            .filter_map(|begin| Some((begin.source.partition, begin.expected.clone()?)));
        Reader::new(self.feed.clone(), pseudonyms, admission, expected.collect())
    }

    /// Reads until asked to stop, until nobody listens, or until the feed must halt. Blocks: it is a thread's body.
    pub fn run(self, number: usize, reader: Reader, surroundings: Surroundings) {
        let events = surroundings.events.clone();
        let mut reading = Reading {
            at_end: self
                .begins
                .iter()
                .map(|begin| (begin.source.partition, None))
                .collect(),
            feed: self.feed,
            consumer: &self.consumer,
            reader,
            surroundings,
            since: None,
            batch_now_ms: 0,
            asked: Instant::now(),
            counted: Instant::now(),
        };
        let outcome = reading.run();
        if let Err(End::Halt(halt)) = outcome {
            // If nobody listens any more, nobody wants to know.
            let _ = events.blocking_send(FeedEvent::Halted {
                feed: number,
                halt: *halt,
            });
        }
    }
}

/// What a feed's thread is given.
pub struct Surroundings {
    pub events: mpsc::Sender<FeedEvent>,
    pub stop: Stop,
    pub metrics: FeedMetrics,
    pub health: Part,
    pub committed: Committed,
}

/// Why a feed's thread ends.
enum End {
    /// It was asked to, or nobody listens any more.
    Stop,
    Halt(Box<Halt>),
}

impl From<Halt> for End {
    fn from(halt: Halt) -> End {
        End::Halt(Box::new(halt))
    }
}

struct Reading<'a> {
    feed: Feed,
    consumer: &'a BaseConsumer<Quietly>,
    reader: Reader,
    surroundings: Surroundings,
    /// When the open batch got its first record.
    since: Option<Instant>,
    /// Ingest's own clock at about that time.
    batch_now_ms: i64,
    /// By partition: since when it has nothing more, if so.
    at_end: BTreeMap<u32, Option<Instant>>,
    asked: Instant,
    counted: Instant,
}

impl Reading<'_> {
    fn run(&mut self) -> Result<(), End> {
        while !self.surroundings.stop.requested() && !self.surroundings.events.is_closed() {
            let wait = match self.since {
                Some(since) => BATCH_AGE_MAX.saturating_sub(since.elapsed()),
                None => POLL,
            };
            let consumer = self.consumer;
            match consumer.poll(wait) {
                Some(Ok(message)) => self.message(&message)?,
                Some(Err(error)) => self.error(error)?,
                None => {}
            }
            let is_due = self
                .since
                .is_some_and(|since| since.elapsed() >= BATCH_AGE_MAX);
            if is_due || self.reader.is_full() {
                self.hand_over()?;
            }
            if self.since.is_none() && self.asked.elapsed() >= SECOND {
                self.asked = Instant::now();
                self.commit();
                self.ask()?;
            }
        }
        Err(End::Stop)
    }

    fn message(&mut self, message: &BorrowedMessage<'_>) -> Result<(), End> {
        let partition = u32::try_from(message.partition()).unwrap_or(0);
        if self.since.is_none() {
            self.since = Some(Instant::now());
            self.batch_now_ms = now_ms();
            self.surroundings.health.ready();
        }
        if let Some(since) = self.at_end.get_mut(&partition) {
            *since = None;
        }
        let incoming = Incoming {
            partition,
            // Kafka's offsets are not negative.
            offset: u64::try_from(message.offset()).unwrap_or(0),
            delivered_at_ms: message.timestamp().to_millis().filter(|at_ms| *at_ms >= 0),
            payload: message.payload().unwrap_or_default(),
        };
        match self.reader.take(incoming, self.batch_now_ms) {
            Ok(()) => Ok(()),
            Err(halt) => {
                // What stands before is published; nothing behind is.
                self.hand_over()?;
                Err(halt.into())
            }
        }
    }

    fn hand_over(&mut self) -> Result<(), End> {
        self.since = None;
        if self.reader.is_empty() {
            return Ok(());
        }
        let batch = self.reader.finish();
        self.surroundings.metrics.batch(&batch, self.batch_now_ms);
        self.send(FeedEvent::Batch(batch))
    }

    fn send(&self, event: FeedEvent) -> Result<(), End> {
        self.surroundings
            .events
            .blocking_send(event)
            .map_err(|_| End::Stop)
    }

    fn error(&mut self, error: KafkaError) -> Result<(), End> {
        use RDKafkaErrorCode as Code;
        match error {
            KafkaError::PartitionEOF(partition) => {
                let partition = u32::try_from(partition).unwrap_or(0);
                self.reader.at_end(partition)?;
                self.at_end.insert(partition, Some(Instant::now()));
                self.surroundings.health.ready();
                Ok(())
            }
            KafkaError::MessageConsumption(
                Code::AllBrokersDown
                | Code::BrokerTransportFailure
                | Code::OperationTimedOut
                | Code::Resolve
                | Code::RequestTimedOut
                | Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::UnknownLeaderEpoch
                | Code::FencedLeaderEpoch,
            ) => {
                self.surroundings.health.waiting(format!("the carrier's Kafka: {error}"));
                Ok(())
            }
            KafkaError::MessageConsumption(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
                Err(self.halt(
                    "the next offset is not there any more: the topic was cut short or made anew; if records were lost, have them written again into a new topic, and raise `epoch`".into(),
                ))
            }
            other => Err(self.halt(format!("{other}; start ingest again when that is mended"))),
        }
    }

    /// Asks the carrier's cluster whether it is there, and says which sources have had nothing for a second.
    fn ask(&mut self) -> Result<(), End> {
        let at_ms = now_ms();
        let mut sources = Vec::new();
        for (partition, since) in &self.at_end {
            if since.is_none_or(|since| since.elapsed() < SECOND) {
                continue;
            }
            let asked =
                self.consumer
                    .fetch_watermarks(&self.feed.topic, number(*partition), ANSWER);
            if let Err(error) = asked {
                // Nobody knows then whether the source is still at its end.
                self.surroundings
                    .health
                    .waiting(format!("the carrier's Kafka: {error}"));
                return Ok(());
            }
            sources.push(Source {
                feed: self.feed.id,
                epoch: self.feed.epoch,
                partition: *partition,
            });
        }
        if !sources.is_empty() {
            self.surroundings.health.ready();
            if !self.feed.played {
                self.send(FeedEvent::AtEnd { sources, at_ms })?;
            }
        }
        if self.counted.elapsed() >= RECOUNT {
            self.counted = Instant::now();
            self.recount()?;
        }
        Ok(())
    }

    /// A partition added to the topic must not go unread.
    fn recount(&self) -> Result<(), End> {
        let Ok(found) = begin::partitions(self.consumer, &self.feed.topic) else {
            return Ok(());
        };
        match found.len() > self.at_end.len() {
            false => Ok(()),
            true => Err(End::from(Halt::Repartitioned {
                feed: self.feed.id,
                topic: self.feed.topic.clone(),
                found: found.len(),
                expected: self.at_end.len(),
            })),
        }
    }

    /// Tells the carrier's cluster how far ingest has got, so that its tools show the lag.
    fn commit(&self) {
        let committed = std::mem::take(
            &mut *self
                .surroundings
                .committed
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let mut offsets = TopicPartitionList::new();
        for (partition, position) in committed {
            let offset = Offset::Offset(i64::try_from(position).unwrap_or(i64::MAX));
            let added = offsets.add_partition_offset(&self.feed.topic, number(partition), offset);
            debug_assert!(added.is_ok(), "a partition and an offset make an element");
        }
        if offsets.count() > 0
            && let Err(error) = self.consumer.commit(&offsets, CommitMode::Async)
        {
            tracing::debug!(%error, "the group's offsets at the carrier's are not written; they serve lag alone");
        }
    }

    fn halt(&self, why: String) -> End {
        End::from(Halt::Reading {
            feed: self.feed.id,
            topic: self.feed.topic.clone(),
            why,
        })
    }
}

/// A partition as Kafka numbers it.
fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}
