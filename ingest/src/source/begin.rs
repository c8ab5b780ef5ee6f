//! Where a feed's partitions are read from at start.

use std::collections::BTreeMap;
use std::time::Duration;

use hissa_core::sim::FeedId;
use hissa_core::usage::Source;
use hissa_links::kafka::KafkaLink;
use hissa_links::{LinkError, whole};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::reader::Expected;
use crate::config::{Feed, Start};
use crate::halt::{Halt, Place};
use crate::position::Stored;

const TIMEOUT: Duration = Duration::from_secs(15);

/// Why a feed cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Halt(#[from] Halt),
}

/// One partition of a feed at start.
#[derive(Debug)]
pub(super) struct Begin {
    pub source: Source,
    /// The first offset to be read.
    pub from: u64,
    /// What must stand there; it was published before.
    pub expected: Option<Expected>,
    /// What is known of the source, or a beginning at `from`.
    pub stored: Stored,
    /// Whether `stored` is new, and is to be stored so that a restart begins at the same place.
    pub is_new: bool,
}

/// Asks the carrier's cluster for the feed's partitions, and decides for each where it begins. Blocks.
///
/// # Errors
/// The cluster does not answer, the topic does not exist or has the wrong form, or was made anew.
pub(super) fn begin<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    link: &KafkaLink,
    feed: &Feed,
    known: &BTreeMap<Source, Stored>,
) -> Result<Vec<Begin>, BeginError> {
    let silent = |why: rdkafka::error::KafkaError| LinkError::KafkaSilent {
        servers: link.servers().into(),
        seconds: TIMEOUT.as_secs(),
        doing: format!("looking for topic {} of feed {}", feed.topic, feed.id),
        why: why.to_string(),
    };
    let partitions = partitions(consumer, &feed.topic).map_err(silent)?;
    if partitions.is_empty() {
        return Err(BeginError::Link(LinkError::KafkaRefused {
            doing: format!("the reading of feed {}", feed.id),
            why: format!(
                "there is no topic {} at {}; create it, or correct the feed's `topic`",
                feed.topic,
                link.servers()
            ),
        }));
    }
    if feed.played && partitions.len() != 1 {
        return Err(BeginError::Halt(Halt::PlayedPartitions {
            feed: feed.id,
            topic: feed.topic.clone(),
            found: partitions.len(),
        }));
    }
    let source = |partition| Source {
        feed: feed.id,
        epoch: feed.epoch,
        partition,
    };
    // A partition that was added later holds nothing that was there at the first start.
    let is_first_start = !partitions.iter().any(|p| known.contains_key(&source(*p)));
    let mut begins = Vec::new();
    for partition in partitions {
        let id = i32::try_from(partition).unwrap_or(i32::MAX);
        let (low, high) = whole::ends_of(consumer, &feed.topic, id).map_err(silent)?;
        let ends = Ends {
            low: u64::try_from(low).unwrap_or(0),
            high: u64::try_from(high).unwrap_or(0),
        };
        let source = source(partition);
        begins.push(match known.get(&source) {
            Some(stored) => again(feed.id, &feed.topic, source, stored, ends)?,
            None => {
                let start = if is_first_start {
                    feed.start
                } else {
                    Start::Earliest
                };
                let from = match start {
                    Start::Earliest => ends.low,
                    Start::Latest => ends.high,
                    Start::At(at_ms) => first_at(consumer, &feed.topic, id, at_ms)
                        .map_err(silent)?
                        .unwrap_or(ends.high),
                };
                let stored = Stored {
                    position: from,
                    ..Stored::default()
                };
                Begin {
                    source,
                    from,
                    expected: None,
                    stored,
                    is_new: true,
                }
            }
        });
    }
    Ok(begins)
}

/// The topic's partitions; none where it does not exist.
pub(super) fn partitions<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
) -> KafkaResult<Vec<u32>> {
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let partitions = found.map(|found| found.partitions()).unwrap_or_default();
    Ok(partitions
        .iter()
        .filter_map(|p| u32::try_from(p.id()).ok())
        .collect())
}

/// The first offset delivered at or after a time; none where there is none.
fn first_at<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    at_ms: i64,
) -> KafkaResult<Option<u64>> {
    let mut times = TopicPartitionList::new();
    times.add_partition_offset(topic, partition, Offset::Offset(at_ms))?;
    let found = consumer.offsets_for_times(times, TIMEOUT)?;
    Ok(
        match found
            .find_partition(topic, partition)
            .map(|found| found.offset())
        {
            Some(Offset::Offset(offset)) => u64::try_from(offset).ok(),
            _ => None,
        },
    )
}

/// The first offset of a partition, and the one behind its last.
#[derive(Clone, Copy)]
struct Ends {
    low: u64,
    high: u64,
}

/// Goes on at a stored position.
fn again(
    feed: FeedId,
    topic: &str,
    source: Source,
    stored: &Stored,
    ends: Ends,
) -> Result<Begin, Halt> {
    let position = stored.position;
    let place = |offset| Place {
        topic: topic.to_owned(),
        partition: source.partition,
        offset,
    };
    if ends.high < position {
        return Err(Halt::MadeAnew {
            feed,
            place: place(position),
            found: format!("the topic now ends at offset {}", ends.high),
        });
    }
    if ends.low > position {
        return Err(Halt::Deleted {
            feed,
            place: place(position),
            begins: ends.low,
        });
    }
    let last = position.checked_sub(1).filter(|last| *last >= ends.low);
    let expected = match (last, &stored.sha256) {
        (Some(offset), Some(sha256)) => Some(Expected {
            offset,
            sha256: sha256.clone(),
        }),
        // Nothing was read yet, or the carrier has deleted what was read: there is nothing to compare.
        _ => None,
    };
    Ok(Begin {
        source,
        from: expected
            .as_ref()
            .map_or(position, |expected| expected.offset),
        expected,
        stored: stored.clone(),
        is_new: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: u64, read: bool, low: u64, high: u64) -> Result<(u64, bool), String> {
        let feed = FeedId::parse("pgw").unwrap();
        let source = Source {
            feed,
            epoch: 0,
            partition: 1,
        };
        let stored = Stored {
            position,
            sha256: read.then(|| "ab".into()),
            ..Stored::default()
        };
        again(feed, "cdr", source, &stored, Ends { low, high })
            .map(|begin| (begin.from, begin.expected.is_some()))
            .map_err(|halt| halt.to_string())
    }

    #[test]
    fn a_restart_reads_the_last_record_again() {
        for (position, read, low, high, expected) in [
            (10, true, 0, 10, (9, true)),
            (10, true, 0, 99, (9, true)),
            (10, true, 9, 99, (9, true)),
            (1, true, 0, 1, (0, true)),
            // The carrier has deleted what was read, and no more.
            (10, true, 10, 99, (10, false)),
            (10, true, 10, 10, (10, false)),
            // Nothing was read yet.
            (0, false, 0, 0, (0, false)),
            (7, false, 0, 99, (7, false)),
        ] {
            assert_eq!(
                at(position, read, low, high),
                Ok(expected),
                "{position} in {low}..{high}"
            );
        }
    }

    #[test]
    fn a_topic_made_anew_or_cut_short_halts_the_feed() {
        let beyond = at(10, true, 0, 9).unwrap_err();
        assert!(
            beyond.contains("ends at offset 9") && beyond.contains("`epoch`"),
            "{beyond}"
        );
        let cut = at(10, true, 11, 99).unwrap_err();
        assert!(
            cut.contains("begins at offset 11") && cut.contains("deleted before they were read"),
            "{cut}"
        );
    }
}
