//! Why a feed, or ingest as a whole, goes no further: each message says what was found, and what to do.

use hissa_core::sim::FeedId;
use hissa_core::usage::Source;

use crate::clock::written;

/// A record's place in a carrier's topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place {
            topic,
            partition,
            offset,
        } = self;
        write!(f, "topic {topic}, partition {partition}, offset {offset}")
    }
}

/// A state of affairs in which going on would make wrong numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    #[error(
        "feed {feed} is halted: {place} speaks of {}, which is more than 5 minutes ahead of this machine's clock ({}); if the message's clock was wrong, have the carrier write the records again with right times into a new topic (and raise `epoch`), else set this machine's clock",
        written(*.at_ms), written(*.now_ms)
    )]
    Ahead {
        feed: FeedId,
        place: Place,
        at_ms: i64,
        now_ms: i64,
    },
    #[error(
        "feed {feed} is halted: {place} has no delivery time; set the topic's message.timestamp.type to CreateTime, and write the records again with their times"
    )]
    NoDeliveryTime { feed: FeedId, place: Place },
    #[error(
        "feed {feed} is halted: {place} was delivered at {}, but the topic was at {} already; in a feed played in its own time delivery times never fall: sort it by delivery time, write it into a new topic and raise `epoch`",
        written(*.at_ms), written(*.before_ms)
    )]
    Falls {
        feed: FeedId,
        place: Place,
        at_ms: i64,
        before_ms: i64,
    },
    #[error(
        "feed {feed} is halted before {place}: {ahead} of its last {window} rows end after their own delivery, so a clock is wrong: have the carrier set the clock of its gateways or of its broker, then start ingest again"
    )]
    MostlyAhead {
        feed: FeedId,
        place: Place,
        ahead: usize,
        window: usize,
    },
    #[error(
        "feed {feed} is halted: {place} is where ingest had got to, but {found}: the topic was made anew, so raise the feed's `epoch`"
    )]
    MadeAnew {
        feed: FeedId,
        place: Place,
        found: String,
    },
    #[error(
        "feed {feed} is halted: ingest had got to {place}, but the topic now begins at offset {begins}: the records between were deleted before they were read; have the carrier write them again into a new topic, and raise `epoch`"
    )]
    Deleted {
        feed: FeedId,
        place: Place,
        begins: u64,
    },
    #[error(
        "feed {feed} is halted: topic {topic} has {found} partitions now and had {expected}; start ingest again, and it reads the new ones too"
    )]
    Repartitioned {
        feed: FeedId,
        topic: String,
        found: usize,
        expected: usize,
    },
    #[error(
        "feed {feed} is played in its own time, but its topic {topic} has {found} partitions: write it into a topic of one partition, so that it has one order"
    )]
    PlayedPartitions {
        feed: FeedId,
        topic: String,
        found: usize,
    },
    #[error("feed {feed} is halted: reading topic {topic} failed: {why}")]
    Reading {
        feed: FeedId,
        topic: String,
        why: String,
    },
    #[error(
        "the registry ends at revision {ends}, but revision {published} was published already: hissa.registry was made anew; bring back the old one, or begin a new generation"
    )]
    RegistryMadeAnew { ends: u64, published: u64 },
    #[error(
        "the registry begins at revision {begins}, but revision {needed} is still to be published: hissa.registry must be kept for ever (retention.ms=-1); bring back the old one"
    )]
    RegistryCutShort { begins: u64, needed: u64 },
    #[error(
        "revision {revision} of the registry cannot be read ({why}): run the version of Hissa that wrote it, or a newer one"
    )]
    RegistryUnknown { revision: u64, why: String },
    #[error("reading hissa.registry failed: {why}")]
    RegistryReading { why: String },
    #[error(
        "the position of {}/{}/{} in hissa.ingest cannot be read ({why}): run the version of Hissa that wrote it, or a newer one",
        source_key.feed, source_key.epoch, source_key.partition
    )]
    Position { source_key: Source, why: String },
    #[error(
        "writing to {topic} failed for good ({why}): nothing behind it was acknowledged as stored; start ingest again, and it goes on from the last stored position"
    )]
    Delivery { topic: String, why: String },
}
