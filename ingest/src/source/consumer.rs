//! A feed, connected: its topic found, its partitions assigned.
//!
//! They are assigned by hand, for one ingest reads all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hissa_core::usage::Source;
use hissa_links::LinkError;
use hissa_links::kafka::KafkaLink;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::batch::Batch;
use super::begin::{self, Begin, BeginError};
use super::reader::Reader;
use super::reading::{End, Quietly, Reading, Surroundings, number};
use crate::config::Feed;
use crate::halt::Halt;
use crate::position::Stored;

/// Properties that serve throughput, where the configuration does not set them. Local queues are bounded by bytes: a
/// topic may have many partitions, and messages of 10 MB.
const FETCH: [(&str, &str); 3] = [
    ("fetch.message.max.bytes", "4194304"),
    ("queued.max.messages.kbytes", "32768"),
    ("queued.min.messages", "100000"),
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
        // Without it nobody knows that a source is quiet.
        config.set("enable.partition.eof", "true");
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
        let partitions = self.begins.iter().map(|begin| begin.source.partition);
        let mut reading = Reading::new(self.feed, &self.consumer, reader, surroundings, partitions);
        if let End::Halt(halt) = reading.run() {
            // If nobody listens any more, nobody wants to know.
            let _ = events.blocking_send(FeedEvent::Halted {
                feed: number,
                halt: *halt,
            });
        }
    }
}
