//! What follows from the rows: decisions, alerts, balances.

use serde::{Deserialize, Serialize};

use crate::policy::{Action, Class};
use crate::population::Imsi;
use crate::zone::Date;

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
    Retired,
}

/// Figures of an allowance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Standing {
    /// With what was rolled over.
    pub limit_bytes: u64,
    /// What grants paid, and what is left of those that are valid.
    pub granted_bytes: u64,
    /// The class's bytes, and the unknown bytes charged to it.
    pub used_bytes: u64,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Decision {
    pub imsi: Imsi,
    pub class: Class,
    /// From 1, per IMSI and class.
    pub sequence: u64,
    #[serde(flatten)]
    pub action: Action,
    pub reason: Reason,
    /// First day of the cycle that was current by the clock.
    pub cycle: Date,
    /// The class's allowance, as the decision saw it.
    pub standing: Standing,
    /// The row that exhausted the allowance.
    pub cause: Option<RecordIdentity>,
    /// The clock, or the midnight.
    pub at_ms: i64,
    /// The carrier may wait so long, by the SIM's pseudonym; 0: it is to apply it at once.
    pub spread_ms: u64,
}

/// A container as the carrier names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordIdentity {
    pub node: String,
    pub charging_id: u64,
    pub record_sequence: u32,
    pub opened_at_ms: i64,
    pub rating_group: u32,
    pub service_id: u32,
    pub container_sequence: u32,
}

/// The kinds of alerts about a SIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlertKind {
    SimQuota80,
    SimExhausted,
    TabletIdle,
    SimMoved,
    PossibleSharing,
    GrantExpiring,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Fire,
    Update,
    Resolve,
}

/// One change of one alert about a SIM. Kind, SIM and `of` name the alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertChange {
    pub imsi: Imsi,
    pub kind: AlertKind,
    /// What ends the alert's id: a date (of the cycle, of the day on which it fired), or a grant's id.
    pub of: String,
    /// From 1, per alert.
    pub revision: u32,
    pub change: Change,
    pub at_ms: i64,
}

/// Conflicts within an hour of the clock. (The alerts about them have an id for each partition: their sums.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictHour {
    pub hour_at_ms: i64,
    pub rows: u64,
}

/// An order in force.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Order {
    pub imsi: Imsi,
    pub class: Class,
    #[serde(flatten)]
    pub action: Action,
    pub sequence: u64,
}

/// An allowance of a SIM in a month.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Balance {
    pub imsi: Imsi,
    /// First day of the month.
    pub cycle: Date,
    /// The allowance's class.
    pub allowance: Class,
    #[serde(flatten)]
    pub standing: Standing,
}

/// What became of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantUse {
    pub id: String,
    /// SIMs that have it.
    pub sims: u64,
    pub given_bytes: u64,
    pub used_bytes: u64,
}
