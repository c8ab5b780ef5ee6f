//! What the oracle is given.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::names::Feed;

/// Settings that a shard and ingest share.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A power of two.
    pub partitions: u16,
    /// The key of pseudonyms.
    pub key: [u8; 16],
    /// Stands in decisions and alerts.
    pub generation: u32,
    /// How old an opening day may be (O4): 45.
    pub horizon_days: i32,
    /// Of how many SIMs a shard holds bytes (E8): 20,000.
    pub held_sims_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            partitions: 1,
            key: [0; 16],
            generation: 1,
            horizon_days: 45,
            held_sims_max: 20_000,
        }
    }
}

/// The carrier's messages.
pub trait RawFeed {
    /// The message at an offset of a feed, in an epoch and a partition of its topic.
    fn message(&self, feed: &str, epoch: u32, partition: u32, offset: u64)
    -> Option<Cow<'_, [u8]>>;
}

impl<F: Fn(&str, u32, u32, u64) -> Option<Vec<u8>>> RawFeed for F {
    fn message(
        &self,
        feed: &str,
        epoch: u32,
        partition: u32,
        offset: u64,
    ) -> Option<Cow<'_, [u8]>> {
        self(feed, epoch, partition, offset).map(Cow::Owned)
    }
}

/// The carrier's messages in memory.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    messages: HashMap<(Feed, u32, u32, u64), Vec<u8>>,
}

impl Messages {
    /// Adds one. A feed's id has at most 16 bytes.
    pub fn add(&mut self, feed: Feed, epoch: u32, partition: u32, offset: u64, message: Vec<u8>) {
        self.messages
            .insert((feed, epoch, partition, offset), message);
    }
}

impl RawFeed for Messages {
    fn message(
        &self,
        feed: &str,
        epoch: u32,
        partition: u32,
        offset: u64,
    ) -> Option<Cow<'_, [u8]>> {
        let feed = feed.parse().ok()?;
        self.messages
            .get(&(feed, epoch, partition, offset))
            .map(|message| Cow::Borrowed(message.as_slice()))
    }
}

/// What an entry of `hissa.usage` is: its header `hissa-entry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rows of 180 bytes.
    Rows,
    /// Commands of the registry.
    Block,
    /// The books of ingest.
    Progress,
}

/// One entry of a partition of `hissa.usage`.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are the message's")]
pub struct Entry {
    pub partition: u16,
    pub offset: u64,
    pub kind: Kind,
    pub payload: Vec<u8>,
}

/// All of it. Entries of one partition stand in the order of their offsets.
pub struct Input<'a> {
    /// Settings that a shard and ingest share.
    pub settings: Settings,
    /// The messages of `hissa.registry`, by revision.
    pub registry: &'a [Vec<u8>],
    /// The carrier's messages.
    pub feed: &'a dyn RawFeed,
    /// Entries of `hissa.usage`.
    pub entries: &'a [Entry],
}

/// Why an entry cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("partition {partition}, offset {offset}: {why}")]
pub struct Refused {
    /// Partition of `hissa.usage`.
    pub partition: u16,
    /// Offset of the entry.
    pub offset: u64,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// A shard must halt here, before it has changed anything.
    #[error("a shard halts ({rule}): {words}")]
    Halt {
        /// T4, R1 or R2.
        rule: &'static str,
        /// In words.
        words: String,
    },
    /// The log does not say what the raw feed or the registry says: not a shard's fault.
    #[error("the log is not that of the feed and the registry: {0}")]
    Log(String),
}
