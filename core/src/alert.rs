//! Alert changes: an alert has one id, and a revision for each change of it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::sim::SimId;

/// One change of one alert. (id, revision) fixes all of it; a reader ignores a revision that is not above the last
/// one it knows of the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertChange {
    pub generation: u32,
    pub partition: u16,
    /// Kind, SIM and cycle: `SimQuota80/<sim>/2026-02-01`. With a pseudonym: for `hissa.alerts`, not for people.
    pub id: String,
    pub revision: u32,
    pub kind: AlertKind,
    pub change: Change,
    pub sim: SimId,
    pub cohort: String,
    pub school: String,
    /// First day of the cycle.
    pub cycle: Date,
    pub limit_bytes: u64,
    pub used_bytes: u64,
    /// The shard's clock, or the deadline of the timer (UTC milliseconds).
    pub at_ms: i64,
    /// The local date of `at_ms`.
    pub on: Date,
    /// When the next cycle begins (UTC milliseconds), and its first day.
    pub resets_at_ms: i64,
    pub resets_on: Date,
    /// At this pace the allowance runs out on that local date; none where it lies behind the reset, or has run out.
    pub runs_out_on: Option<Date>,
    /// What education is when exhausted: `block`, `throttle` or `allow`.
    pub state: String,
}

/// The kinds that a SIM's own quota decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlertKind {
    SimQuota80,
    SimExhausted,
}

impl AlertKind {
    /// The name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertKind::SimQuota80 => "SimQuota80",
            AlertKind::SimExhausted => "SimExhausted",
        }
    }
}

/// What happened to the alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Fire,
    Resolve,
}
