//! Rows of facts for ClickHouse: absolute values under a key, with a version. (table, key, version) fixes the bytes.
//!
//! The version is the offset of the last entry that touched the row; every value comes from stored fields.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

use crate::decision::Decision;
use crate::outcome::Outcome;
use crate::registry::{Class, Place};
use crate::sim::{FeedId, SimId};

/// A row of one of the fact tables. Generation and partition are the shard's, the same for all of its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    SimDay(SimDay),
    SimCycle(SimCycle),
    PlaceHour(PlaceHour),
    Decision(Box<DecisionRow>),
    OutcomeDay(OutcomeDay),
    FlagDay(FlagDay),
    Assignment(Assignment),
}

/// Bytes of a SIM on a usage day, of a class and service, as far as they were booked on a booked day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimDay {
    pub version: u64,
    pub sim: SimId,
    pub usage_day: Date,
    pub class: Class,
    /// Empty for `unknown`.
    pub service: String,
    pub booked_day: Date,
    pub uplink_bytes: u64,
    pub downlink_bytes: u64,
    pub records: u64,
}

/// An allowance of a SIM in a cycle, as a booked day ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimCycle {
    pub version: u64,
    pub sim: SimId,
    pub cycle_start: Date,
    /// The allowance's id.
    pub allowance: String,
    pub booked_day: Date,
    /// With what was rolled over.
    pub limit_bytes: u64,
    pub granted_bytes: u64,
    pub used_bytes: u64,
    /// `within`, `exhausted`, or `observed` (not enforced).
    #[serde(deserialize_with = "state")]
    pub state: Word,
    /// Thresholds reached (percent), and when (UTC milliseconds), side by side.
    pub thresholds: Vec<u16>,
    pub reached_at_ms: Vec<i64>,
}

/// A decision with its version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRow {
    pub version: u64,
    /// The local day of `effective_at_ms`.
    pub booked_day: Date,
    #[serde(serialize_with = "as_json", deserialize_with = "from_json")]
    pub decision: Decision,
}

/// The books of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeDay {
    pub version: u64,
    pub feed: FeedId,
    pub booked_day: Date,
    pub outcome: Outcome,
    pub records: u64,
    pub bytes: u64,
}

/// Bytes of a place in a local hour of a usage day, as far as they were booked on a booked day. The partition is a part of
/// the key: several shards have SIMs of one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceHour {
    pub version: u64,
    pub province: String,
    pub cohort: String,
    pub usage_day: Date,
    /// 0 to 23; an hour that the zone repeats is one.
    pub hour: u8,
    pub class: Class,
    pub booked_day: Date,
    pub uplink_bytes: u64,
    pub downlink_bytes: u64,
}

/// Rows of a day with something to be said about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagDay {
    pub version: u64,
    pub feed: FeedId,
    pub booked_day: Date,
    pub flag: Flag,
    pub records: u64,
    pub bytes: u64,
}

/// What is to be said about a row beside its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// A reading of a counter that was stuck at its end.
    Sentinel,
    /// A reading that came behind a later one.
    LateReading,
    /// A counter that passed its end.
    Wrap,
    /// A counter that began anew.
    Reset,
    /// `education` used behind a block.
    LeakedEducation,
    /// `other` used behind a block.
    LeakedOther,
}

impl Flag {
    /// All of them, in order.
    pub const ALL: [Flag; 6] = [
        Flag::Sentinel,
        Flag::LateReading,
        Flag::Wrap,
        Flag::Reset,
        Flag::LeakedEducation,
        Flag::LeakedOther,
    ];

    /// The place of this flag in [`Flag::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The word that metrics, books and documentation use.
    pub fn as_str(self) -> &'static str {
        match self {
            Flag::Sentinel => "sentinel",
            Flag::LateReading => "late_reading",
            Flag::Wrap => "wrap",
            Flag::Reset => "reset",
            Flag::LeakedEducation => "leaked_education",
            Flag::LeakedOther => "leaked_other",
        }
    }
}

/// Where a SIM belongs from a date on, as known on a booked day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub version: u64,
    pub sim: SimId,
    pub valid_from: Date,
    pub booked_day: Date,
    /// Exclusive; none where it has no end.
    pub valid_until: Option<Date>,
    pub cohort: String,
    pub place: Place,
    pub revision: u64,
}

/// A word of a fixed vocabulary. (Under its own name `serde` does not take it for borrowed.)
pub type Word = &'static str;

/// The words for the state of an allowance.
pub(crate) const STATES: [&str; 3] = ["within", "exhausted", "observed"];

fn state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    let word = String::deserialize(deserializer)?;
    let known = STATES.into_iter().find(|known| **known == word);
    known.ok_or_else(|| D::Error::custom("an unknown state of an allowance"))
}

// The shape of a decision is made for JSON (flattened, tagged), which binary forms cannot read back.
fn as_json<S: Serializer>(decision: &Decision, serializer: S) -> Result<S::Ok, S::Error> {
    let json = serde_json::to_string(decision).map_err(S::Error::custom)?;
    serializer.serialize_str(&json)
}

fn from_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decision, D::Error> {
    let json = String::deserialize(deserializer)?;
    serde_json::from_str(&json).map_err(D::Error::custom)
}
