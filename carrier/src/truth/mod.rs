//! The truth about a feed: what Hissa must find, computed by an accounting of its own, exactly by `docs/semantics.md`.
//!
//! [`Accounting`] walks the topic in the order of offsets and the registry by time. It is written to be obvious, not
//! fast, shares no code with Hissa, and knows the zone from another database. The generator also decides by it when a
//! block stops usage.

mod accounting;
mod alerts;
mod cells;
mod indicators;
mod quota;

pub use accounting::Accounting;
pub use cells::{SimDay, SimDays};
pub use indicators::{Planted, ProvinceMonth};

use serde::{Deserialize, Serialize};

use crate::policy::{Action, Class};
use crate::population::Imsi;
use crate::scenario::Scenario;
use crate::zone::Date;

/// Everything that a run must reproduce. Lists are sorted; days are local; times are UTC milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// None, where the feed was made by hand.
    pub scenario: Option<Scenario>,
    /// The clock at the end.
    pub clock_ms: i64,
    /// The booked day that is still open at the end: its cells may not be final, and views do not show it.
    pub open_booked_day: Date,
    /// Messages of the topic, quiet ones left out.
    pub messages: u64,
    /// Rows of all outcomes, and their bytes.
    pub received_rows: u64,
    pub received_bytes: u64,
    /// By booked day, outcome and reason.
    pub outcome_days: Vec<OutcomeDay>,
    /// Bytes of `counted`, `held` and `late` rows.
    pub sim_days: SimDays,
    /// By IMSI, class and sequence.
    pub decisions: Vec<Decision>,
    /// By IMSI, cycle, kind and revision.
    pub alerts: Vec<AlertChange>,
    /// The last decision of each IMSI and class.
    pub orders: Vec<Order>,
    /// Of every enrolled SIM, zeros too, from the month of its `valid_from` on, those left out that were closed when it was
    /// enrolled.
    pub balances: Vec<Balance>,
    pub province_months: Vec<ProvinceMonth>,
    /// Of the cohort `pilote-rural`, by month.
    pub planted: Vec<Planted>,
}

impl Truth {
    /// Rows and bytes by outcome and reason (empty, where there is none), in that order.
    pub fn outcomes(&self) -> Vec<(String, String, u64, u64)> {
        let mut sums = std::collections::BTreeMap::new();
        for day in &self.outcome_days {
            let key = (
                day.outcome.as_str().to_owned(),
                day.outcome.reason().to_owned(),
            );
            let sum: &mut (u64, u64) = sums.entry(key).or_default();
            sum.0 += day.rows;
            sum.1 += day.bytes;
        }
        sums.into_iter()
            .map(|((outcome, reason), (rows, bytes))| (outcome, reason, rows, bytes))
            .collect()
    }

    /// Rows of an outcome, of all reasons.
    pub fn rows_of(&self, outcome: &str) -> u64 {
        self.outcome_days
            .iter()
            .filter(|d| d.outcome.as_str() == outcome)
            .map(|d| d.rows)
            .sum()
    }

    /// How often an alert of any kind fired, and resolved.
    pub fn alerts_fired_and_resolved(&self) -> (u64, u64) {
        let count = |change| self.alerts.iter().filter(|a| a.change == change).count() as u64;
        (count(Change::Fire), count(Change::Resolve))
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Counted,
    Late,
    Held,
    Duplicate,
    Quarantined(QuarantineReason),
    Rejected(RejectReason),
}

/// Why a row was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineReason {
    Conflict,
    TooOld,
    Future,
}

/// Why a message could not be decoded (`docs/feeds.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    MalformedJson,
    MissingField,
    UnknownField,
    WrongType,
    OutOfRange,
    BadTime,
    BadIdentifier,
    TooLarge,
}

impl Outcome {
    /// The word for the outcome, without its reason.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Counted => "counted",
            Outcome::Late => "late",
            Outcome::Held => "held",
            Outcome::Duplicate => "duplicate",
            Outcome::Quarantined(_) => "quarantined",
            Outcome::Rejected(_) => "rejected",
        }
    }

    /// The reason's word; empty where the outcome has none.
    pub fn reason(self) -> &'static str {
        match self {
            Outcome::Quarantined(QuarantineReason::Conflict) => "conflict",
            Outcome::Quarantined(QuarantineReason::TooOld) => "too_old",
            Outcome::Quarantined(QuarantineReason::Future) => "future",
            Outcome::Rejected(RejectReason::MalformedJson) => "malformed_json",
            Outcome::Rejected(RejectReason::MissingField) => "missing_field",
            Outcome::Rejected(RejectReason::UnknownField) => "unknown_field",
            Outcome::Rejected(RejectReason::WrongType) => "wrong_type",
            Outcome::Rejected(RejectReason::OutOfRange) => "out_of_range",
            Outcome::Rejected(RejectReason::BadTime) => "bad_time",
            Outcome::Rejected(RejectReason::BadIdentifier) => "bad_identifier",
            Outcome::Rejected(RejectReason::TooLarge) => "too_large",
            _ => "",
        }
    }
}

/// The books of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeDay {
    pub booked_day: Date,
    pub outcome: Outcome,
    pub rows: u64,
    pub bytes: u64,
}

/// Why a decision was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    Enrolled,
    EnforcementStarted,
    Exhausted,
    Reset,
    PolicyChanged,
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
    /// The row that exhausted the allowance.
    pub cause: Option<RecordIdentity>,
    /// The clock, or the timer's deadline.
    pub at_ms: i64,
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

/// The kinds of alerts that a SIM's own quota decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlertKind {
    SimQuota80,
    SimExhausted,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Fire,
    Resolve,
}

/// One change of one alert.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertChange {
    pub imsi: Imsi,
    pub cycle: Date,
    pub kind: AlertKind,
    /// From 1, per IMSI, cycle and kind.
    pub revision: u32,
    pub change: Change,
    pub at_ms: i64,
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
    pub limit_bytes: u64,
    /// The class's bytes, and the unknown bytes charged to it.
    pub used_bytes: u64,
}
