//! The registry's commands: everything but usage that can change a shard's mind. JSON values, for they are few.

use serde::{Deserialize, Serialize};

use crate::sim::{DeviceId, FeedId, SimId};

/// One message of `hissa.registry`; its offset is its revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// When the command was entered (UTC milliseconds since 1970); it moves the clock.
    pub entered_at_ms: i64,
    /// What is to hold.
    pub command: Command,
}

/// What the registry can say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The programme: zone, cohorts, allowances. General: every partition gets it. A later one replaces it.
    Programme(Programme),
    /// The whole catalogue in a new version. General.
    Catalogue(Catalogue),
    /// What a shard must know of a feed. General.
    Feed(Feed),
    /// A SIM is enrolled, or its cohort or place changes. Goes to the SIM's partition alone.
    Enrol(Enrolment),
}

impl Command {
    /// The SIM whose partition alone gets the command; none for a general command.
    pub fn sim(&self) -> Option<SimId> {
        match self {
            Command::Enrol(enrolment) => Some(enrolment.sim),
            Command::Programme(_) | Command::Catalogue(_) | Command::Feed(_) => None,
        }
    }
}

/// A programme. Dates are ISO 8601 local dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programme {
    pub id: String,
    pub policy_version: String,
    /// The IANA name of the zone.
    pub timezone: String,
    /// The zone's own data (TZif), hexadecimal: a replay by any binary gives the same days.
    pub tzif_hex: String,
    /// Civil days from the end of a month until it closes.
    pub closes_after_days: u16,
    /// The class whose allowance pays for unknown traffic.
    pub unknown_charged_to: Class,
    /// Fewer SIMs than this are not shown in `pub.*`.
    pub privacy_k: u16,
    pub cohorts: Vec<Cohort>,
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    pub id: String,
    /// Enforced from this local midnight on; absent: observed only.
    pub enforce_from: Option<jiff::civil::Date>,
    pub allowances: Vec<Allowance>,
    /// Percent, rising.
    pub thresholds: Vec<u16>,
}

/// A month's bytes of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// `education`, `system` or `other`.
    pub class: Class,
    pub bytes: u64,
    pub on_exhausted: OnExhausted,
}

/// What to do when an allowance is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum OnExhausted {
    Block,
    Throttle { kbit_s: u32 },
    Notify,
}

/// A class of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Education,
    System,
    Other,
    Unknown,
}

impl Class {
    /// All classes, in their order.
    pub const ALL: [Class; 4] = [
        Class::Education,
        Class::System,
        Class::Other,
        Class::Unknown,
    ];

    /// The place of this class in [`Class::ALL`].
    pub fn index(self) -> usize {
        match self {
            Class::Education => 0,
            Class::System => 1,
            Class::Other => 2,
            Class::Unknown => 3,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Education => "education",
            Class::System => "system",
            Class::Other => "other",
            Class::Unknown => "unknown",
        }
    }
}

/// Which traffic is which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    pub version: String,
    pub rules: Vec<Rule>,
}

/// Traffic of a rating group, and of a service id where one is named, belongs to a service of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub rating_group: u32,
    pub service_id: Option<u32>,
    pub class: Class,
    pub service: String,
    /// Holds from this local midnight on, by usage instant; absent: always.
    pub valid_from: Option<jiff::civil::Date>,
}

/// What a shard must know of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    pub id: FeedId,
    /// How far a row's end may lie after its delivery.
    pub future_tolerance_ms: u32,
}

/// A SIM in the programme, and where its tablet is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    pub sim: SimId,
    /// The tablet that the SIM came with.
    pub device: Option<DeviceId>,
    pub cohort: String,
    /// From this local midnight on.
    pub valid_from: jiff::civil::Date,
    pub place: Place,
}

/// Where a tablet is, by official codes; no name of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub school: String,
    pub commune: String,
    pub province: String,
    pub region: String,
    /// `rural` or `urban`.
    pub milieu: String,
}

/// A partition's share of the registry, copied by ingest into `hissa.usage` before the rows that follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The revision of the first command of the registry that this block speaks of.
    pub from_rev: u64,
    /// The revision behind the last one: the block speaks of `from_rev..to_rev`, also where other partitions' commands
    /// are left out.
    pub to_rev: u64,
    /// The general ones and those of this partition's SIMs, in order.
    pub commands: Vec<Revision>,
}

/// A command under its revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    pub rev: u64,
    #[serde(flatten)]
    pub entered: Entered,
}
