//! What people call a tablet: its asset tag and its school, from `hissa.directory`. A copy in memory, which follows.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use hissa_core::sim::SimId;
use hissa_links::kafka::KafkaLink;
use hissa_links::stop::Stop;
use hissa_links::topics::DIRECTORY;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use serde::Deserialize;
use tokio::sync::watch;

use crate::ends::Ends;

/// How long an alert waits for the entry of a tablet that is not known yet.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the directory says of a SIM's tablet; other fields are other readers' concern.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Entry {
    #[serde(default)]
    pub asset_tag: Option<String>,
    #[serde(default)]
    pub school_name_fr: Option<String>,
    #[serde(default)]
    pub school_name_ar: Option<String>,
}

/// The directory as far as it was read; clones share it.
#[derive(Clone)]
pub(crate) struct Directory {
    consumer: Arc<StreamConsumer>,
    ends: Ends,
    entries: Arc<RwLock<HashMap<SimId, Entry>>>,
    /// Everything below this offset was read.
    position: watch::Sender<i64>,
}

impl Directory {
    /// Reads the directory to its end, and follows it until asked to stop. The topic has one partition.
    pub(crate) async fn open(
        link: &KafkaLink,
        ends: Ends,
        stop: Stop,
    ) -> anyhow::Result<Directory> {
        let consumer: StreamConsumer = link
            .consumer("notify-directory", None)?
            .create()
            .context("creating the reader of the directory")?;
        let mut whole = TopicPartitionList::new();
        whole.add_partition_offset(DIRECTORY, 0, Offset::Beginning)?;
        consumer.assign(&whole)?;
        let directory = Directory {
            consumer: Arc::new(consumer),
            ends,
            entries: Arc::default(),
            position: watch::Sender::new(0),
        };
        let follower = directory.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.wait() => {}
                () = follower.follow() => {}
            }
        });
        let end = directory.ends.of(DIRECTORY, 0).await?;
        directory.read_up_to(end).await;
        Ok(directory)
    }

    /// What is known of a SIM's tablet. Where nothing is, the directory is read up to its present end first: an alert
    /// may be faster than the roster that tells of its tablet.
    pub(crate) async fn entry(&self, sim: SimId) -> Option<Entry> {
        if let Some(entry) = self.known(sim) {
            return Some(entry);
        }
        let newest = async {
            if let Ok(end) = self.ends.of(DIRECTORY, 0).await {
                self.read_up_to(end).await;
            }
        };
        // An alert without a tag is better than none: it does not wait for long.
        let _ = tokio::time::timeout(PATIENCE, newest).await;
        self.known(sim)
    }

    fn known(&self, sim: SimId) -> Option<Entry> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(&sim).cloned()
    }

    async fn read_up_to(&self, end: i64) {
        let mut position = self.position.subscribe();
        // The sender lives in `self`, so that waiting cannot fail.
        let _ = position.wait_for(|read| *read >= end).await;
    }

    /// Never ends by itself; librdkafka reconnects.
    async fn follow(&self) {
        loop {
            match self.consumer.recv().await {
                Ok(message) => {
                    self.learn(&message);
                    self.position.send_replace(message.offset() + 1);
                }
                Err(KafkaError::PartitionEOF(_)) => {}
                Err(why) => {
                    tracing::warn!(%why, "reading {DIRECTORY}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    fn learn(&self, message: &BorrowedMessage<'_>) {
        let offset = message.offset();
        match read(message.key(), message.payload()) {
            Ok(None) => {}
            Ok(Some((sim, entry))) => {
                let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
                match entry {
                    Some(entry) => entries.insert(sim, entry),
                    None => entries.remove(&sim),
                };
            }
            // The content is what people may ask to have erased, so that it is not repeated here.
            Err(why) => tracing::warn!(offset, why, "an entry of {DIRECTORY} is not readable"),
        }
    }
}

/// A SIM and what is said of it: nothing where it was erased. Other keys are other readers' concern.
fn read(
    key: Option<&[u8]>,
    payload: Option<&[u8]>,
) -> Result<Option<(SimId, Option<Entry>)>, &'static str> {
    let key = std::str::from_utf8(key.unwrap_or_default()).map_err(|_| "its key is not UTF-8")?;
    let Some(sim) = key.strip_prefix("sim/") else {
        return Ok(None);
    };
    let sim = sim.parse().map_err(|_| "its key names no SIM")?;
    let entry = match payload {
        None | Some([]) => None,
        Some(json) => Some(serde_json::from_slice(json).map_err(|_| "its value is not an entry")?),
    };
    Ok(Some((sim, entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_learnt_and_forgotten_by_its_key() {
        let sim = SimId([0xab; 16]);
        let key = format!("sim/{sim}");
        let json = r#"{"asset_tag":"T-0412","school_name_fr":"École","school_name_ar":null,"alert_lang":"fr","admin_groups":["g"]}"#;
        let entry = Entry {
            asset_tag: Some("T-0412".into()),
            school_name_fr: Some("École".into()),
            school_name_ar: None,
        };
        let table = [
            (key.as_str(), Some(json), Ok(Some((sim, Some(entry))))),
            (key.as_str(), None, Ok(Some((sim, None)))),
            (
                key.as_str(),
                Some("{}"),
                Ok(Some((sim, Some(Entry::default())))),
            ),
            (
                key.as_str(),
                Some("T-0412"),
                Err("its value is not an entry"),
            ),
            ("sim/0412", Some(json), Err("its key names no SIM")),
            ("tag/T-0412", Some("{\"sim\":\"\"}"), Ok(None)),
        ];
        for (key, value, expected) in table {
            assert_eq!(
                read(Some(key.as_bytes()), value.map(str::as_bytes)),
                expected
            );
        }
    }
}
