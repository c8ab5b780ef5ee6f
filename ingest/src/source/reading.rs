//! A feed's thread: messages from the carrier's Kafka, into batches for the publisher.
//!
//! What the thread hands over waits in a short channel; while that is full, the thread does not read on, and the broker
//! keeps the rest.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use hissa_core::usage::Source;
use hissa_links::health::Part;
use hissa_links::stop::Stop;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::begin;
use super::consumer::{Committed, FeedEvent};
use super::reader::{Incoming, Reader};
use super::watch::{Finding, Watch};
use crate::clock::now_ms;
use crate::config::Feed;
use crate::halt::Halt;
use crate::metrics::FeedMetrics;

/// A batch that is not full is handed over this long after its first record, if no more is there.
const BATCH_AGE: Duration = Duration::from_millis(20);
/// A batch is handed over this long after its first record, whatever comes.
const BATCH_AGE_MAX: Duration = Duration::from_millis(250);
/// Messages between two looks at the clock, while they come one behind the other.
const MESSAGES_A_LOOK: u32 = 256;
/// How long a poll may wait: it bounds the time to notice a wish to stop.
const POLL: Duration = Duration::from_millis(100);
/// How often the broker is asked after quiet partitions, and the group's offsets are committed.
const SECOND: Duration = Duration::from_secs(1);
/// How often the number of the topic's partitions is asked for.
const RECOUNT: Duration = Duration::from_secs(60);
/// How long the carrier's cluster may take to answer such a question.
const ANSWER: Duration = Duration::from_secs(2);

/// What a feed's thread is given.
pub struct Surroundings {
    pub events: mpsc::Sender<FeedEvent>,
    pub stop: Stop,
    pub metrics: FeedMetrics,
    pub health: Part,
    pub committed: Committed,
}

/// Why a feed's thread ends.
pub(super) enum End {
    /// It was asked to, or nobody listens any more.
    Stop,
    Halt(Box<Halt>),
}

impl From<Halt> for End {
    fn from(halt: Halt) -> End {
        End::Halt(Box::new(halt))
    }
}

pub(super) struct Quietly;

impl ClientContext for Quietly {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the carrier's Kafka");
    }
}

impl ConsumerContext for Quietly {
    fn commit_callback(&self, result: Result<(), KafkaError>, _: &TopicPartitionList) {
        if let Err(error) = result {
            uncommitted(&error);
        }
    }
}

fn uncommitted(error: &KafkaError) {
    tracing::debug!(%error, "the group's offsets at the carrier's are not written; they serve lag alone");
}

/// A partition as Kafka numbers it.
pub(super) fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

/// The state of the thread.
pub(super) struct Reading<'a> {
    feed: Feed,
    consumer: &'a BaseConsumer<Quietly>,
    reader: Reader,
    surroundings: Surroundings,
    watch: Watch,
    /// When the open batch got its first record.
    since: Option<Instant>,
    /// Ingest's own clock at about that time.
    batch_now_ms: i64,
    asked: Instant,
    counted: Instant,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        feed: Feed,
        consumer: &'a BaseConsumer<Quietly>,
        reader: Reader,
        surroundings: Surroundings,
        partitions: impl IntoIterator<Item = u32>,
    ) -> Reading<'a> {
        let now = Instant::now();
        Reading {
            feed,
            consumer,
            reader,
            surroundings,
            watch: Watch::new(partitions, now),
            since: None,
            batch_now_ms: 0,
            asked: now,
            counted: now,
        }
    }

    /// Reads until there is a reason to end.
    pub(super) fn run(&mut self) -> End {
        loop {
            if self.surroundings.stop.requested() || self.surroundings.events.is_closed() {
                return End::Stop;
            }
            if let Err(end) = self.batch().and_then(|()| self.between_batches()) {
                return end;
            }
        }
    }

    /// Reads until a batch is handed over, or until nothing has come for a while.
    fn batch(&mut self) -> Result<(), End> {
        let mut messages = 0u32;
        loop {
            match self.poll() {
                Some(Ok(message)) => self.message(&message)?,
                Some(Err(error)) => self.error(error)?,
                None => return self.hand_over(),
            }
            messages = messages.wrapping_add(1);
            let is_old = messages.is_multiple_of(MESSAGES_A_LOOK)
                && self
                    .since
                    .is_some_and(|since| since.elapsed() >= BATCH_AGE_MAX);
            if is_old || self.reader.is_full() {
                return self.hand_over();
            }
        }
    }

    /// The next message; none where the open batch is old enough and no more is there, or where nothing has come at all.
    fn poll(&self) -> Option<Result<BorrowedMessage<'a>, KafkaError>> {
        let Some(since) = self.since else {
            return self.consumer.poll(POLL);
        };
        // Without a look at the clock while messages come one behind the other.
        self.consumer.poll(Duration::ZERO).or_else(|| {
            let left = BATCH_AGE.saturating_sub(since.elapsed());
            (!left.is_zero())
                .then(|| self.consumer.poll(left))
                .flatten()
        })
    }

    fn message(&mut self, message: &BorrowedMessage<'_>) -> Result<(), End> {
        let partition = u32::try_from(message.partition()).unwrap_or(0);
        let since = *self.since.get_or_insert_with(|| {
            self.batch_now_ms = now_ms();
            Instant::now()
        });
        self.watch.message(partition, since);
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
        self.surroundings.health.ready();
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
                self.watch.at_end(partition, Instant::now());
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
                self.silent(&error);
                Ok(())
            }
            KafkaError::MessageConsumption(Code::AutoOffsetReset | Code::OffsetOutOfRange) => {
                Err(self.halt("the next offset is not there any more, so the topic was cut short or made anew; if records were lost, have them written again into a new topic, and raise `epoch`"))
            }
            other => {
                Err(self.halt(&format!("{other}; start ingest again when that is mended")))
            }
        }
    }

    fn silent(&self, error: &KafkaError) {
        let why =
            format!("the carrier's Kafka does not answer ({error}); ingest goes on when it does");
        self.surroundings.health.waiting(why);
    }

    fn between_batches(&mut self) -> Result<(), End> {
        if self.asked.elapsed() < SECOND {
            return Ok(());
        }
        self.asked = Instant::now();
        self.commit();
        if self.counted.elapsed() >= RECOUNT {
            self.counted = Instant::now();
            self.recount()?;
        }
        self.ask()
    }

    /// Asks the carrier's cluster how far the quiet partitions go; of a live feed, says which are read to their ends.
    fn ask(&mut self) -> Result<(), End> {
        let at_ms = now_ms();
        let mut sources = Vec::new();
        let quiet = self.watch.quiet(Instant::now());
        for partition in &quiet {
            let topic = &self.feed.topic;
            let answer = self
                .consumer
                .fetch_watermarks(topic, number(*partition), ANSWER);
            let high = match answer {
                Ok((_, high)) => high,
                Err(error) => {
                    // Nobody knows then whether a source is still at its end.
                    self.silent(&error);
                    return Ok(());
                }
            };
            match self.watch.answered(*partition, high, Instant::now()) {
                Finding::Reading => {}
                Finding::AtEnd => sources.push(Source {
                    feed: self.feed.id,
                    epoch: self.feed.epoch,
                    partition: *partition,
                }),
                Finding::Standstill => {
                    return Err(self.halt(&format!(
                        "partition {partition} goes up to offset {high} by now, and nothing of it has come for half a minute; start ingest again, and it goes on where it stood"
                    )));
                }
            }
        }
        if !quiet.is_empty() {
            self.surroundings.health.ready();
        }
        match self.feed.played || sources.is_empty() {
            true => Ok(()),
            false => self.send(FeedEvent::AtEnd { sources, at_ms }),
        }
    }

    /// A partition added to the topic must not go unread.
    fn recount(&self) -> Result<(), End> {
        let Ok(found) = begin::partitions(self.consumer, &self.feed.topic) else {
            return Ok(());
        };
        match found.len() > self.watch.count() {
            false => Ok(()),
            true => Err(End::from(Halt::Repartitioned {
                feed: self.feed.id,
                topic: self.feed.topic.clone(),
                found: found.len(),
                expected: self.watch.count(),
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
            if let Err(error) = added {
                uncommitted(&error);
            }
        }
        if offsets.count() > 0
            && let Err(error) = self.consumer.commit(&offsets, CommitMode::Async)
        {
            uncommitted(&error);
        }
    }

    fn halt(&self, why: &str) -> End {
        End::from(Halt::Reading {
            feed: self.feed.id,
            topic: self.feed.topic.clone(),
            why: why.to_owned(),
        })
    }
}
