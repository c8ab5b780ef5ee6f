//! The poll thread: one consumer for the process, explicit offsets, back-pressure.
//!
//! The group's callback assigns nothing; a partition is assigned with its own offset as soon as its shard is restored,
//! in one call with all the others at theirs. So there is no seek that could be lost, no entry before its shard, and
//! one way in for the first start, a rebalance, and a shard that is still in memory.

mod group;
mod positions;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use hissa_core::wire::{HEADER_ENTRY, HEADER_VERSION};
use hissa_links::LinkError;
use hissa_links::health::Part;
use hissa_links::kafka::KafkaLink;
use hissa_links::stop::Stop;
use hissa_links::topics::USAGE;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::fatal::Fatal;
use crate::fleet::Fleet;
use crate::shards::{Crew, FromShard};
use crate::wall_clock;
use crate::worker::{LogEntry, Stored};
use group::{Change, GroupContext};
use positions::{BACKLOG_HIGH, Positions};

/// The consumer of the process.
pub type UsageConsumer = BaseConsumer<GroupContext>;

const POLL: Duration = Duration::from_millis(20);

/// Makes the consumer. It joins its group when the poll loop begins.
///
/// # Errors
/// The Kafka properties are not usable.
pub fn consumer(
    link: &KafkaLink,
    group: &str,
    fleet: Fleet,
    fatal: Fatal,
) -> Result<Arc<UsageConsumer>, LinkError> {
    let mut config = link.consumer("aggregator", Some(group))?;
    // Tells where the logs end, for the lag.
    config.set("statistics.interval.ms", "1000");
    if config.get("queued.max.messages.kbytes").is_none() {
        config.set("queued.max.messages.kbytes", "32768");
    }
    BaseConsumer::from_config_and_context(&config, GroupContext::new(fleet, fatal))
        .map(Arc::new)
        .map_err(|why| LinkError::KafkaProperties {
            role: "aggregator".into(),
            why: why.to_string(),
        })
}

/// Why reading ends the process.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    #[error(
        "an offset of {USAGE} that is to be read is not in the log any more, or not yet ({0}): retention took it, or the topic was made anew; bring back a newer snapshot, or an empty folder for a new log"
    )]
    OffsetLost(KafkaError),
    #[error("Kafka's consumer has failed for good ({0}); start the aggregator again")]
    Failed(KafkaError),
    #[error("cannot {doing} partitions of {USAGE}: {why}")]
    Refused {
        doing: &'static str,
        why: KafkaError,
    },
}

/// The poll loop's own state.
pub struct PollLoop {
    pub consumer: Arc<UsageConsumer>,
    pub crew: Crew,
    pub from_shards: Receiver<FromShard>,
    pub fleet: Fleet,
    pub part: Part,
    pub stop: Stop,
    pub fatal: Fatal,
    /// How long shards may take to finish at the end; 0: they are dropped where they stand.
    pub drain_within: Duration,
}

impl PollLoop {
    /// Reads until asked to stop, or until something fails; then finishes what is under way, and leaves the group.
    pub fn run(self) {
        let PollLoop {
            consumer,
            crew,
            from_shards,
            fleet,
            part,
            stop,
            fatal,
            drain_within,
        } = self;
        let mut reading = Reading {
            consumer: &consumer,
            crew: &crew,
            fleet: &fleet,
            part: &part,
            positions: Positions::default(),
            hosted: BTreeSet::new(),
            interrupted: true,
        };
        part.waiting("joining the group");
        let read = reading.read(&from_shards, &stop, &fatal);
        if let Err(why) = read {
            fatal.report(why.into());
        }
        if !fatal.is_reported() && !drain_within.is_zero() {
            let hosted = reading.hosted;
            drain(&crew, hosted, &from_shards, drain_within);
        }
        crew.leave();
        // The last handle on the consumer: it leaves the group as it goes.
        drop(consumer);
    }
}

struct Reading<'a> {
    consumer: &'a UsageConsumer,
    crew: &'a Crew,
    fleet: &'a Fleet,
    part: &'a Part,
    positions: Positions,
    /// Partitions whose shards are in memory.
    hosted: BTreeSet<u16>,
    /// No message since the last complaint of the client.
    interrupted: bool,
}

impl Reading<'_> {
    fn read(
        &mut self,
        from_shards: &Receiver<FromShard>,
        stop: &Stop,
        fatal: &Fatal,
    ) -> Result<(), ConsumeError> {
        self.consumer
            .subscribe(&[USAGE])
            .map_err(refused("subscribe to"))?;
        while !stop.requested() && !fatal.is_reported() {
            self.hear_shards(from_shards)?;
            self.balance()?;
            match self.consumer.poll(POLL) {
                None => {}
                Some(Ok(message)) => self.hand_over(&message),
                Some(Err(error)) => self.judge(error)?,
            }
            while let Some(change) = self.consumer.context().next_change() {
                self.change(change);
            }
        }
        Ok(())
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Assigned(partitions) => {
                self.positions.assigned(&partitions);
                self.fleet.assigned(&partitions);
                for partition in partitions {
                    self.hosted.insert(partition);
                    self.crew.open(partition);
                }
                self.part.ready();
            }
            Change::Revoked => {
                self.positions.revoked();
                self.part.waiting("the group assigns anew");
            }
        }
    }

    fn hear_shards(&mut self, from_shards: &Receiver<FromShard>) -> Result<(), ConsumeError> {
        let mut changed = false;
        while let Ok(news) = from_shards.try_recv() {
            match news {
                FromShard::Opened { partition, from } => {
                    if self.positions.opened(partition, from) {
                        self.fleet.opened(partition);
                        changed = true;
                    }
                }
                FromShard::Halted { partition } => changed |= self.positions.halted(partition),
                FromShard::Stored { partition, offset } => self.commit(partition, offset),
                FromShard::Drained { .. } => {}
            }
        }
        if changed { self.assign() } else { Ok(()) }
    }

    /// Reads all open partitions, each from where it stands.
    fn assign(&self) -> Result<(), ConsumeError> {
        let mut list = TopicPartitionList::new();
        for (partition, next) in self.positions.open() {
            list.add_partition_offset(USAGE, partition.into(), offset(next))
                .map_err(refused("name"))?;
        }
        self.consumer.assign(&list).map_err(refused("assign"))?;
        for thread in 0..self.crew.threads() {
            if self.positions.is_paused(thread) {
                self.consumer
                    .pause(&self.of_thread(thread))
                    .map_err(refused("pause"))?;
            }
        }
        Ok(())
    }

    /// Pauses what its thread cannot take, and resumes it later. A short wait comes first: most jams are short, and a
    /// pause throws away what was fetched.
    fn balance(&mut self) -> Result<(), ConsumeError> {
        for thread in 0..self.crew.threads() {
            let mut backlog = self.crew.backlog(thread);
            let patience = Instant::now() + Duration::from_millis(100);
            while backlog >= BACKLOG_HIGH
                && !self.positions.is_paused(thread)
                && Instant::now() < patience
            {
                std::thread::sleep(Duration::from_millis(2));
                backlog = self.crew.backlog(thread);
            }
            match self.positions.pressure(thread, backlog) {
                Some(true) => self
                    .consumer
                    .pause(&self.of_thread(thread))
                    .map_err(refused("pause"))?,
                Some(false) => self
                    .consumer
                    .resume(&self.of_thread(thread))
                    .map_err(refused("resume"))?,
                None => {}
            }
        }
        Ok(())
    }

    fn of_thread(&self, thread: usize) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (partition, _) in self.positions.open() {
            if self.crew.owner(partition) == thread {
                list.add_partition(USAGE, partition.into());
            }
        }
        list
    }

    fn hand_over(&mut self, message: &BorrowedMessage<'_>) {
        if self.interrupted {
            self.interrupted = false;
            self.part.ready();
        }
        // Kafka numbers partitions and offsets from 0, and Hissa has at most 1024 partitions.
        let (Ok(partition), Ok(offset)) = (
            u16::try_from(message.partition()),
            u64::try_from(message.offset()),
        ) else {
            return;
        };
        if self.positions.passed(partition, offset) {
            self.crew.entry(partition, entry(message, offset));
        }
    }

    /// Group offsets serve those who watch the lag from outside; nothing is ever read from them.
    fn commit(&self, partition: u16, stored: u64) {
        let mut list = TopicPartitionList::new();
        let committed = list
            .add_partition_offset(USAGE, partition.into(), offset(stored + 1))
            .and_then(|()| self.consumer.commit(&list, CommitMode::Async));
        if let Err(why) = committed {
            tracing::debug!(partition, %why, "the group's offset was not committed");
        }
    }

    fn judge(&mut self, error: KafkaError) -> Result<(), ConsumeError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                Err(ConsumeError::OffsetLost(error))
            }
            Some(RDKafkaErrorCode::Fatal) => Err(ConsumeError::Failed(error)),
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                Err(ConsumeError::Failed(error))
            }
            _ => {
                // librdkafka goes on by itself, and tells of each broker that is away.
                self.interrupted = true;
                self.part.waiting(error.to_string());
                tracing::warn!(%error, "Kafka's consumer");
                Ok(())
            }
        }
    }
}

/// Waits until all shards have drained, or the time is over.
fn drain(
    crew: &Crew,
    mut hosted: BTreeSet<u16>,
    from_shards: &Receiver<FromShard>,
    within: Duration,
) {
    crew.drain();
    let deadline = Instant::now() + within;
    while !hosted.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        match from_shards.recv_timeout(left) {
            Ok(FromShard::Drained { partition, stored }) => {
                hosted.remove(&partition);
                if let Stored::No { why } = stored {
                    tracing::warn!(partition, %why, "no snapshot at the end; its entries are replayed at the next start");
                }
            }
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => {
                tracing::warn!(
                    partitions = ?hosted,
                    seconds = within.as_secs(),
                    "shards did not finish in time; their entries are replayed at the next start"
                );
                return;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn entry(message: &BorrowedMessage<'_>, offset: u64) -> LogEntry {
    let header = |name: &str| {
        message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
            .find(|header| header.key == name)
            .and_then(|header| header.value)
            .unwrap_or_default()
            .to_vec()
    };
    LogEntry {
        offset,
        kind: header(HEADER_ENTRY),
        version: header(HEADER_VERSION),
        payload: message.payload().unwrap_or_default().to_vec(),
        appended_at_ms: message
            .timestamp()
            .to_millis()
            .unwrap_or_else(wall_clock::now_ms),
    }
}

fn offset(offset: u64) -> Offset {
    // Kafka's offsets are signed; a log does not reach 2⁶³ entries.
    Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX))
}

fn refused(doing: &'static str) -> impl FnOnce(KafkaError) -> ConsumeError {
    move |why| ConsumeError::Refused { doing, why }
}
