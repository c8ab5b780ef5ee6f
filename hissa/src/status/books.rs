//! The books: what ingest has published of each feed, against the outcomes that are written.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use hissa_ingest::position::{self, Stored};
use hissa_links::LinkError;
use hissa_links::kafka::KafkaLink;
use hissa_links::topics::INGEST;
use rdkafka::Message as _;
use serde::Serialize;

use crate::topic_reader::TopicReader;

/// What ingest says of a feed, over all its partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    pub records: u64,
    pub rows: u64,
    /// The feed's own time so far (UTC milliseconds).
    pub clock_ms: Option<i64>,
    pub finished: bool,
}

/// The books of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeedBooks {
    pub feed: String,
    /// Records of the carrier, and the rows made of them.
    pub records: u64,
    pub received: u64,
    pub outcomes: BTreeMap<String, u64>,
    /// Received and without an outcome in ClickHouse yet. Below zero, something was counted that never came.
    pub in_flight: i64,
    pub clock_ms: Option<i64>,
    pub finished: bool,
}

/// Reads `hissa.ingest` to its end. Blocking.
///
/// # Errors
/// Kafka does not answer.
pub fn sources(link: &KafkaLink) -> Result<BTreeMap<String, Published>, LinkError> {
    let mut newest: BTreeMap<String, Stored> = BTreeMap::new();
    TopicReader::open(link, "status")?.read(INGEST, 0, 0, |message| {
        let key = message.key_view::<str>().and_then(Result::ok);
        let stored = message
            .payload()
            .and_then(|payload| serde_json::from_slice(payload).ok());
        if let (Some(key), Some(stored)) = (key, stored) {
            newest.insert(key.to_owned(), stored);
        }
        ControlFlow::Continue(())
    })?;
    let mut feeds: BTreeMap<String, Published> = BTreeMap::new();
    for (key, stored) in newest {
        let Some(source) = position::source(&key) else {
            continue;
        };
        let feed = feeds.entry(source.feed.to_string()).or_insert(Published {
            finished: true,
            ..Published::default()
        });
        feed.records += stored.received.records;
        feed.rows += stored.received.rows;
        feed.clock_ms = feed.clock_ms.max(stored.clock_ms);
        feed.finished &= stored.finished;
    }
    Ok(feeds)
}

/// Both sides beside each other; a feed that only one of them knows stands there too. Pure.
pub fn against(
    published: &BTreeMap<String, Published>,
    outcomes: &BTreeMap<String, BTreeMap<String, u64>>,
) -> Vec<FeedBooks> {
    let mut names: Vec<&String> = published.keys().chain(outcomes.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let of_ingest = published.get(name).cloned().unwrap_or_default();
            let outcomes = outcomes.get(name).cloned().unwrap_or_default();
            let together: u64 = outcomes.values().sum();
            FeedBooks {
                feed: name.clone(),
                records: of_ingest.records,
                received: of_ingest.rows,
                in_flight: signed(of_ingest.rows) - signed(together),
                outcomes,
                clock_ms: of_ingest.clock_ms,
                finished: of_ingest.finished,
            }
        })
        .collect()
}

fn signed(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_received_and_has_no_outcome_is_in_flight() {
        let published = BTreeMap::from([(
            "pgw-1".to_owned(),
            Published {
                records: 8,
                rows: 10,
                ..Published::default()
            },
        )]);
        let counted = |rows| BTreeMap::from([("counted".to_owned(), rows)]);
        let outcomes = BTreeMap::from([
            ("pgw-1".to_owned(), counted(7)),
            ("gone".to_owned(), counted(2)),
        ]);
        let books = against(&published, &outcomes);
        let shown: Vec<_> = books
            .iter()
            .map(|books| (books.feed.as_str(), books.received, books.in_flight))
            .collect();
        assert_eq!(shown, [("gone", 0, -2), ("pgw-1", 10, 3)]);
    }
}
