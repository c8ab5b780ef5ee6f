//! What the registry and the directory hold now: the newest of each, as their topics say.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use hissa_core::registry::{
    CalendarEntries, Catalogue, Command, Entered, Feed, Grant, Opening, Programme,
};
use hissa_core::sim::{FeedId, SimId};
use hissa_links::kafka::KafkaLink;
use hissa_links::topics::{DIRECTORY, REGISTRY};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Headers as _};
use serde::{Deserialize, Serialize};

use super::ImportError;
use super::sim_history::SimHistory;
use crate::topic_reader::TopicReader;

/// The header of a command that a programme's file stands behind: what is gone from the file is taken back.
pub const HEADER_FROM: &str = "hissa-from";
/// Its value.
pub const FROM_PROGRAMME: &str = "programme";

/// A grant as the registry holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldGrant {
    pub grant: Grant,
    /// Whether it was voided. Its id stays taken.
    pub void: bool,
    /// Whether a programme's file gave it: one that was entered by `hissa grant add` is in no file, and stays.
    pub of_programme: bool,
}

/// The registry as its last revision leaves it, and the directory.
#[derive(Clone, Debug, Default)]
pub struct RegistryView {
    /// How many commands there are: the next one gets this revision.
    pub revisions: u64,
    /// When the last command was entered. Entry times never fall along the registry.
    pub entered_at_ms: Option<i64>,
    pub programme: Option<Programme>,
    pub calendar: CalendarEntries,
    /// All versions, in the order in which they were entered.
    pub catalogues: Vec<Catalogue>,
    pub feeds: BTreeMap<FeedId, Feed>,
    pub sims: HashMap<SimId, SimHistory>,
    pub grants: BTreeMap<String, HeldGrant>,
    /// The last opening of a SIM and an allowance.
    pub openings: HashMap<(SimId, String), Opening>,
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
                    view.enter(entered, is_of_programme(message));
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

    /// Adds a command, as the topic's next message does; `of_programme` where a programme's file stands behind it.
    pub fn enter(&mut self, entered: Entered, of_programme: bool) {
        self.revisions += 1;
        self.entered_at_ms = self.entered_at_ms.max(Some(entered.entered_at_ms));
        match entered.command {
            Command::Programme(programme) => self.programme = Some(programme),
            Command::Calendar(calendar) => self.calendar = calendar,
            Command::Catalogue(catalogue) => self.catalogues.push(catalogue),
            Command::Feed(feed) => {
                self.feeds.insert(feed.id, feed);
            }
            Command::Enrol(enrolment) => {
                let history = self.sims.entry(enrolment.sim).or_default();
                history.enrol(enrolment);
            }
            Command::Retire(retirement) => {
                let history = self.sims.entry(retirement.sim).or_default();
                history.retire(retirement.at);
            }
            Command::Opening(opening) => {
                let of = (opening.sim, opening.allowance.clone());
                let last = self.openings.get(&of).map(|last| last.revision);
                if last.is_none_or(|last| last < opening.revision) {
                    self.openings.insert(of, opening);
                }
            }
            Command::Grant(grant) => {
                let held = HeldGrant {
                    grant,
                    void: false,
                    of_programme,
                };
                self.grants.insert(held.grant.id.clone(), held);
            }
            Command::Void(void) => {
                if let Some(held) = self.grants.get_mut(&void.grant) {
                    held.void = true;
                }
            }
            // Neither leaves anything behind that an import would ask for.
            Command::Breaker(_) | Command::Logic(_) => {}
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

    /// The newest version of the catalogue.
    pub fn catalogue(&self) -> Option<&Catalogue> {
        self.catalogues.last()
    }

    /// The local date of an instant.
    pub fn local_date(&self, at_ms: i64) -> Date {
        let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        self.zone().to_datetime(at).date()
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

fn is_of_programme(message: &BorrowedMessage<'_>) -> bool {
    let headers = message.headers();
    headers.is_some_and(|headers| {
        let mut all = headers.iter();
        all.any(|header| {
            header.key == HEADER_FROM && header.value == Some(FROM_PROGRAMME.as_bytes())
        })
    })
}
