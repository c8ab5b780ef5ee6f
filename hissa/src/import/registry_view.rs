//! What the registry and the directory hold now: the newest of each, as their topics say.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use hissa_core::registry::{Catalogue, Command, Enrolment, Entered, Feed, Programme};
use hissa_core::sim::{FeedId, SimId};
use hissa_links::kafka::KafkaLink;
use hissa_links::topics::{DIRECTORY, REGISTRY};
use jiff::tz::TimeZone;
use rdkafka::Message as _;
use serde::{Deserialize, Serialize};

use super::ImportError;
use crate::topic_reader::TopicReader;

/// The registry as its last revision leaves it, and the directory.
#[derive(Clone, Debug, Default)]
pub struct RegistryView {
    /// How many commands there are: the next one gets this revision.
    pub revisions: u64,
    /// When the last command was entered. Entry times never fall along the registry.
    pub entered_at_ms: Option<i64>,
    pub programme: Option<Programme>,
    pub catalogue: Option<Catalogue>,
    pub feeds: BTreeMap<FeedId, Feed>,
    pub enrolments: HashMap<SimId, Enrolment>,
    /// Values of `hissa.directory` under their keys, as JSON.
    pub directory: HashMap<String, String>,
}

/// What people may ask to have erased: a value of `hissa.directory` under `sim/<pseudonym>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
    pub asset_tag: String,
    pub school_name_fr: String,
    pub school_name_ar: String,
    pub alert_lang: String,
    pub admin_groups: Vec<String>,
}

/// A value of `hissa.directory` under `tag/<asset tag>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagEntry {
    pub sim: SimId,
}

/// The key of a SIM's entry in the directory.
pub fn sim_key(sim: SimId) -> String {
    format!("sim/{sim}")
}

/// The key of an asset tag in the directory.
pub fn tag_key(tag: &str) -> String {
    format!("tag/{tag}")
}

impl RegistryView {
    /// Reads both topics to their ends. Blocking.
    ///
    /// # Errors
    /// Kafka does not answer, or a command is not one that this version knows.
    pub fn read(link: &KafkaLink) -> Result<RegistryView, ImportError> {
        let mut view = RegistryView::default();
        let reader = TopicReader::open(link, "import")?;
        let mut malformed = None;
        reader.read(REGISTRY, 0, 0, |message| {
            let payload = message.payload().unwrap_or_default();
            match serde_json::from_slice::<Entered>(payload) {
                Ok(entered) => {
                    view.enter(entered);
                    ControlFlow::Continue(())
                }
                Err(why) => {
                    malformed = Some(ImportError::Malformed {
                        topic: REGISTRY,
                        offset: message.offset(),
                        why: why.to_string(),
                    });
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(malformed) = malformed {
            return Err(malformed);
        }
        reader.read(DIRECTORY, 0, 0, |message| {
            if let Some(Ok(key)) = message.key_view::<str>() {
                let value = message
                    .payload()
                    .map(|value| String::from_utf8_lossy(value).into_owned());
                view.record(key, value);
            }
            ControlFlow::Continue(())
        })?;
        Ok(view)
    }

    /// Adds a command, as the topic's next message does.
    pub fn enter(&mut self, entered: Entered) {
        self.revisions += 1;
        self.entered_at_ms = self.entered_at_ms.max(Some(entered.entered_at_ms));
        match entered.command {
            Command::Programme(programme) => self.programme = Some(programme),
            Command::Catalogue(catalogue) => self.catalogue = Some(catalogue),
            Command::Feed(feed) => {
                self.feeds.insert(feed.id, feed);
            }
            Command::Enrol(enrolment) => {
                self.enrolments.insert(enrolment.sim, enrolment);
            }
        }
    }

    /// Sets or removes a value of the directory.
    pub fn record(&mut self, key: &str, value: Option<String>) {
        match value {
            Some(value) => self.directory.insert(key.to_owned(), value),
            None => self.directory.remove(key),
        };
    }

    /// The zone of the registered programme; UTC serves before there is one.
    pub fn zone(&self) -> TimeZone {
        self.programme
            .as_ref()
            .and_then(|programme| {
                let data = hex::decode(&programme.tzif_hex).ok()?;
                TimeZone::tzif(&programme.timezone, &data).ok()
            })
            .unwrap_or(TimeZone::UTC)
    }

    /// What people call a SIM, and where it is.
    pub fn entry(&self, sim: SimId) -> Option<DirectoryEntry> {
        let json = self.directory.get(&sim_key(sim))?;
        serde_json::from_str(json).ok()
    }

    /// The SIM behind an asset tag.
    pub fn sim_of_tag(&self, tag: &str) -> Option<SimId> {
        let json = self.directory.get(&tag_key(tag))?;
        let entry: TagEntry = serde_json::from_str(json).ok()?;
        Some(entry.sim)
    }
}
