//! What became of a row, and what else is to be said about it.

use serde::{Deserialize, Serialize};

use crate::zone::Date;

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

/// What is to be said about a row beside its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// A counter that was stuck at its end.
    Sentinel,
    /// A reading that came behind a later one.
    LateReading,
    /// A counter that passed its end.
    Wrap,
    /// A counter that began anew.
    Reset,
    /// Used behind a block.
    LeakedEducation,
    LeakedOther,
}

impl Flag {
    /// The word for it.
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

/// Rows with a flag on a booked day, and their bytes (those of a cumulative row: its rise).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagDay {
    pub booked_day: Date,
    pub flag: Flag,
    pub rows: u64,
    pub bytes: u64,
}
