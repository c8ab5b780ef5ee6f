//! `hissa.ingest`: how far each source has got, with its books at that point.
//!
//! Compacted; the key is `feed/epoch/partition`. A position is written only after everything at or before it was
//! acknowledged, so that a restart from it publishes a range again at most, and loses nothing.

use hissa_core::sim::FeedId;
use hissa_core::usage::Source;
use serde::{Deserialize, Serialize};

use crate::node_sequence::NodeSequences;

/// The value of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// The offset behind the last record published.
    pub position: u64,
    /// SHA-256 of that record's message, hexadecimal; absent before the first.
    pub sha256: Option<String>,
    /// Cumulative, by target partition.
    pub books: Vec<Book>,
    /// Every partition has the registry's commands below this revision.
    pub registry_revision: u64,
    /// Cumulative.
    pub received: Received,
    /// The source's own time: of its last delivery, quiet message, or (live) quiet second. UTC milliseconds.
    pub clock_ms: Option<i64>,
    /// The last message was a quiet one: a played feed is over.
    pub finished: bool,
    /// What is known of the numbers of the feed's nodes, at this position and those of the feed's other sources. Of what is
    /// stored together one source's alone holds it: the newest is the feed's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_sequences: Option<NodeSequences>,
}

/// What a source has put into one partition of `hissa.usage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// Rows, stubs among them.
    pub rows: u64,
    /// Their bytes, both ways.
    pub bytes: u64,
}

/// What came from a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Received {
    /// Messages that are no quiet messages.
    pub records: u64,
    /// Rows made of them, stubs among them: what the outcomes must add up to.
    pub rows: u64,
    /// Records that could not be decoded: the stubs.
    pub rejected: u64,
}

/// The key of a source in `hissa.ingest`.
pub fn key(source: &Source) -> String {
    let Source {
        feed,
        epoch,
        partition,
    } = source;
    format!("{feed}/{epoch}/{partition}")
}

/// The source of a key; none where the key is not one of ours.
pub fn source(key: &str) -> Option<Source> {
    // A feed's id may hold a slash; epoch and partition stand at the end.
    let mut parts = key.rsplitn(3, '/');
    let partition = parts.next()?.parse().ok()?;
    let epoch = parts.next()?.parse().ok()?;
    let feed = FeedId::parse(parts.next()?).ok()?;
    Some(Source {
        feed,
        epoch,
        partition,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_survives_its_key() {
        for text in ["pgw", "a/b", "-"] {
            let of = Source {
                feed: FeedId::parse(text).unwrap(),
                epoch: 3,
                partition: 12,
            };
            assert_eq!(source(&key(&of)), Some(of));
        }
        for text in ["", "pgw", "pgw/1", "pgw/x/1", "/1/1"] {
            assert_eq!(source(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_stored_form_is_plain_json() {
        let stored = Stored {
            position: 7,
            sha256: Some("00ff".into()),
            books: vec![Book { rows: 2, bytes: 10 }, Book::default()],
            registry_revision: 3,
            received: Received {
                records: 1,
                rows: 2,
                rejected: 0,
            },
            clock_ms: Some(5),
            finished: false,
            node_sequences: None,
        };
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(
            text,
            r#"{"position":7,"sha256":"00ff","books":[{"rows":2,"bytes":10},{"rows":0,"bytes":0}],"registry_revision":3,"received":{"records":1,"rows":2,"rejected":0},"clock_ms":5,"finished":false}"#
        );
        assert_eq!(serde_json::from_str::<Stored>(&text).unwrap(), stored);
    }
}
