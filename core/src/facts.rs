//! Rows of facts for ClickHouse: absolute values under a key, with a version. (table, key, version) fixes the bytes.
//!
//! The version is the offset of the last entry that touched the row; every value comes from stored fields.

use jiff::civil::Date;

use crate::decision::Decision;
use crate::outcome::Outcome;
use crate::registry::{Class, Place};
use crate::sim::{FeedId, SimId};

/// A row of one of the fact tables. Generation and partition are the shard's, the same for all of its rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    SimDay(SimDay),
    SimCycle(SimCycle),
    Decision(Box<DecisionRow>),
    OutcomeDay(OutcomeDay),
    Assignment(Assignment),
}

/// Bytes of a SIM on a usage day, of a class and service, as far as they were booked on a booked day.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimCycle {
    pub version: u64,
    pub sim: SimId,
    pub cycle_start: Date,
    /// The allowance's class.
    pub allowance: Class,
    pub booked_day: Date,
    pub limit_bytes: u64,
    pub granted_bytes: u64,
    pub used_bytes: u64,
    /// `within`, `exhausted`, or `observed` (not enforced).
    pub state: &'static str,
    /// Thresholds reached (percent), and when (UTC milliseconds), side by side.
    pub thresholds: Vec<u16>,
    pub reached_at_ms: Vec<i64>,
}

/// A decision with its version.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionRow {
    pub version: u64,
    /// The local day of `effective_at_ms`.
    pub booked_day: Date,
    pub decision: Decision,
}

/// The books of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeDay {
    pub version: u64,
    pub feed: FeedId,
    pub booked_day: Date,
    pub outcome: Outcome,
    pub records: u64,
    pub bytes: u64,
}

/// Where a SIM belongs from a date on, as known on a booked day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub version: u64,
    pub sim: SimId,
    pub valid_from: Date,
    pub booked_day: Date,
    pub cohort: String,
    pub place: Place,
    pub revision: u64,
}
