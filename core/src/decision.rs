//! Decisions: what a SIM may do with a class of traffic, and why.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::registry::Class;
use crate::sim::SimId;
use crate::usage::{Position, Source};

/// One decision. (generation, partition, number) fixes all of it; consumers apply it only when `sequence` is above
/// the last one that they applied for this (SIM, class).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub generation: u32,
    pub partition: u16,
    /// From 1, per shard, without gaps.
    pub number: u64,
    pub sim: SimId,
    pub class: Class,
    #[serde(flatten)]
    pub action: Action,
    /// From 1, per (SIM, class).
    pub sequence: u64,
    pub reason: Reason,
    pub cohort: String,
    /// The first day of the deciding allowance's current cycle.
    pub cycle: Date,
    pub allowance: AllowanceState,
    /// The shard's clock, or the midnight that decided (UTC milliseconds).
    pub effective_at_ms: i64,
    /// When the carrier is to apply it: resets are spread over some time.
    pub apply_after_ms: i64,
    /// The next change that is known now: a carrier can restore even when Hissa is down.
    pub until_ms: Option<i64>,
    pub policy_version: String,
    pub catalogue_version: String,
    /// The rule of the catalogue or of the programme that decided, in words.
    pub rule: String,
    /// The entry of this partition of `hissa.usage` that decided: a row's, a command's, or the one that moved the clock
    /// past the midnight.
    pub offset: u64,
    /// The row that caused it; none where a midnight or a command did.
    pub cause: Option<Cause>,
}

/// What the carrier is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    Allow,
    Throttle { kbit_s: u32 },
    Block,
}

impl Action {
    /// Whether this one leaves a SIM less than the other: block before throttle before allow, fewer kbit/s before more.
    pub fn is_stricter_than(self, other: Action) -> bool {
        self.strictness() > other.strictness()
    }

    fn strictness(self) -> u64 {
        match self {
            Action::Allow => 0,
            Action::Throttle { kbit_s } => (1 << 32) - u64::from(kbit_s),
            Action::Block => 1 << 32,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Throttle { .. } => "throttle",
            Action::Block => "block",
        }
    }

    /// The rate of a throttle in kbit/s; 0 where there is none.
    pub fn kbit_s(self) -> u32 {
        match self {
            Action::Throttle { kbit_s } => kbit_s,
            Action::Allow | Action::Block => 0,
        }
    }
}

/// Why a decision was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Enrolled,
    EnforcementStarted,
    Exhausted,
    Reset,
    Granted,
    PolicyChanged,
    Calendar,
    Retired,
    Released,
}

impl Reason {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Enrolled => "enrolled",
            Reason::EnforcementStarted => "enforcement_started",
            Reason::Exhausted => "exhausted",
            Reason::Reset => "reset",
            Reason::Granted => "granted",
            Reason::PolicyChanged => "policy_changed",
            Reason::Calendar => "calendar",
            Reason::Retired => "retired",
            Reason::Released => "released",
        }
    }
}

/// The deciding allowance as the decision saw it; an empty id and zeros where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowanceState {
    pub id: String,
    /// With what was rolled over.
    pub limit_bytes: u64,
    pub granted_bytes: u64,
    pub used_bytes: u64,
}

/// The row behind a decision: its place in the log, and the carrier's own record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The entry's offset in this partition of `hissa.usage`, and the row's place in the frame, from 0.
    pub offset: u64,
    pub row: u32,
    #[serde(flatten)]
    pub source: Source,
    pub source_position: Position,
    pub record: RecordIdentity,
}

/// A container as the carrier names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordIdentity {
    pub node: String,
    pub charging_id: u64,
    pub record_sequence: u32,
    pub opened_at_ms: i64,
    pub rating_group: u32,
    pub service_id: u32,
    pub container_sequence: u32,
}
