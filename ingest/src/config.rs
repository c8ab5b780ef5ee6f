//! What ingest is told.

use std::net::SocketAddr;
use std::path::PathBuf;

use hissa_core::sim::{FeedId, Partitions};
use hissa_links::kafka::KafkaLink;
use serde::{Deserialize, Serialize};

use crate::decode::instant;

/// The configuration of the service.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The internal cluster, with the `hissa.*` topics.
    pub kafka: KafkaLink,
    /// The carrier's cluster, with the feeds' topics. Absent: the internal one has them too.
    #[serde(default)]
    pub carrier_kafka: Option<KafkaLink>,
    /// The number of partitions of `hissa.usage`.
    #[serde(default = "small")]
    pub partitions: Partitions,
    /// The file with the pseudonym key, 32 hexadecimal digits, readable by its owner alone.
    pub key_file: PathBuf,
    /// Where `/metrics`, `/livez` and `/readyz` are served.
    pub listen: SocketAddr,
    /// One feed or more. A feed played in its own time is alone.
    pub feeds: Vec<Feed>,
}

fn small() -> Partitions {
    Partitions::SMALL
}

/// A feed of the carrier.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Its name in the books, for ever.
    pub id: FeedId,
    /// The carrier's topic.
    pub topic: String,
    /// Played in its own time (its delivery stamps), not read as it comes.
    #[serde(default)]
    pub played: bool,
    /// To be raised when the topic was made anew, so that its offsets mean other records.
    #[serde(default)]
    pub epoch: u32,
    /// Where to begin where no position is known yet.
    #[serde(default)]
    pub start: Start,
}

/// Where a feed begins: `earliest`, `latest`, or a delivery time as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Start {
    /// With the oldest record that the topic holds.
    #[default]
    Earliest,
    /// Behind the newest.
    Latest,
    /// With the first record delivered at or after this time (UTC milliseconds).
    At(i64),
}

impl TryFrom<String> for Start {
    type Error = String;

    fn try_from(text: String) -> Result<Start, String> {
        match text.as_str() {
            "earliest" => Ok(Start::Earliest),
            "latest" => Ok(Start::Latest),
            time => instant::parse(time).map(Start::At).ok_or_else(|| {
                format!(
                    "start = {text:?}: expected \"earliest\", \"latest\" or a time such as \"2026-02-01T00:00:00Z\""
                )
            }),
        }
    }
}

impl From<Start> for String {
    fn from(start: Start) -> String {
        match start {
            Start::Earliest => "earliest".into(),
            Start::Latest => "latest".into(),
            Start::At(at_ms) => crate::clock::written(at_ms),
        }
    }
}

/// What contradicts itself in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("ingest has no feed to read: add one under `feeds`")]
    NoFeed,
    #[error("feed id {0} stands twice: give each feed an id of its own")]
    Twice(FeedId),
    #[error("topic {0} is read by two feeds: every record would be counted under two sources")]
    TopicTwice(String),
    #[error(
        "feed {0} is played in its own time, and other feeds stand beside it: a played feed is alone, so run it first, by itself"
    )]
    NotAlone(FeedId),
}

impl Config {
    /// The cluster with the feeds' topics.
    pub fn carrier(&self) -> &KafkaLink {
        self.carrier_kafka.as_ref().unwrap_or(&self.kafka)
    }

    /// Whether the (then only) feed is played in its own time.
    pub fn played(&self) -> bool {
        self.feeds.iter().any(|feed| feed.played)
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.feeds.is_empty() {
            return Err(ConfigError::NoFeed);
        }
        for (place, feed) in self.feeds.iter().enumerate() {
            if feed.played && self.feeds.len() > 1 {
                return Err(ConfigError::NotAlone(feed.id));
            }
            for other in &self.feeds[..place] {
                if other.id == feed.id {
                    return Err(ConfigError::Twice(feed.id));
                }
                if other.topic == feed.topic {
                    return Err(ConfigError::TopicTwice(feed.topic.clone()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(feeds: &str) -> Config {
        let text = format!(
            r#"{{"kafka":{{"bootstrap.servers":"b:9092"}},"key_file":"/k","listen":"127.0.0.1:0","feeds":{feeds}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn contradictions_are_told() {
        for (feeds, expected) in [
            (
                r#"[{"id":"a","topic":"t","start":"2026-02-01T00:00:00Z"}]"#,
                None,
            ),
            ("[]", Some("no feed")),
            (
                r#"[{"id":"a","topic":"t"},{"id":"a","topic":"u"}]"#,
                Some("stands twice"),
            ),
            (
                r#"[{"id":"a","topic":"t"},{"id":"b","topic":"t"}]"#,
                Some("two feeds"),
            ),
            (
                r#"[{"id":"a","topic":"t"},{"id":"b","topic":"u","played":true}]"#,
                Some("is alone"),
            ),
        ] {
            let told = with(feeds).check().err().map(|error| error.to_string());
            match (told, expected) {
                (None, None) => {}
                (Some(told), Some(expected)) => assert!(told.contains(expected), "{told}"),
                (told, expected) => panic!("{feeds}: {told:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn a_start_survives_its_text() {
        for text in ["earliest", "latest", "2026-02-01T00:00:00Z"] {
            let start = Start::try_from(text.to_owned()).unwrap();
            assert_eq!(String::from(start), text);
        }
        assert!(
            Start::try_from("yesterday".to_owned())
                .unwrap_err()
                .contains("earliest")
        );
    }
}
