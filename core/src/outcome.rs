//! Exactly one outcome per record: the vocabulary of the books.

use serde::{Deserialize, Serialize};

/// What became of a row. The first outcome is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Counted into the balance of an enrolled SIM.
    Counted,
    /// Of a month that is closed: booked, in no balance.
    Late,
    /// Of a SIM that is not enrolled (yet): booked under its pseudonym.
    Held,
    /// The very same container again.
    Duplicate,
    /// Set aside, not counted.
    Quarantined(QuarantineReason),
    /// Could not be decoded.
    Rejected(RejectReason),
}

/// Why a row was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineReason {
    /// Its identity was seen with other content.
    Conflict,
    /// It was opened before the horizon: nobody can say whether it was counted.
    TooOld,
    /// Its end lies after its delivery.
    Future,
    /// More SIMs that are not enrolled than a shard holds.
    HeldBound,
}

/// Why a record could not be decoded.
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

impl RejectReason {
    /// All of them, in the order of their codes from 1.
    pub const ALL: [RejectReason; 8] = [
        RejectReason::MalformedJson,
        RejectReason::MissingField,
        RejectReason::UnknownField,
        RejectReason::WrongType,
        RejectReason::OutOfRange,
        RejectReason::BadTime,
        RejectReason::BadIdentifier,
        RejectReason::TooLarge,
    ];

    /// The code that stands in a stub row.
    pub fn code(self) -> u8 {
        match self {
            RejectReason::MalformedJson => 1,
            RejectReason::MissingField => 2,
            RejectReason::UnknownField => 3,
            RejectReason::WrongType => 4,
            RejectReason::OutOfRange => 5,
            RejectReason::BadTime => 6,
            RejectReason::BadIdentifier => 7,
            RejectReason::TooLarge => 8,
        }
    }

    /// The reason of a code, if it is one.
    pub fn from_code(code: u8) -> Option<RejectReason> {
        RejectReason::ALL
            .get(usize::from(code).checked_sub(1)?)
            .copied()
    }

    /// The word that metrics, books and documentation use.
    pub fn as_str(self) -> &'static str {
        match self {
            RejectReason::MalformedJson => "malformed_json",
            RejectReason::MissingField => "missing_field",
            RejectReason::UnknownField => "unknown_field",
            RejectReason::WrongType => "wrong_type",
            RejectReason::OutOfRange => "out_of_range",
            RejectReason::BadTime => "bad_time",
            RejectReason::BadIdentifier => "bad_identifier",
            RejectReason::TooLarge => "too_large",
        }
    }
}

impl QuarantineReason {
    /// All of them.
    pub const ALL: [QuarantineReason; 4] = [
        QuarantineReason::Conflict,
        QuarantineReason::TooOld,
        QuarantineReason::Future,
        QuarantineReason::HeldBound,
    ];

    /// The place of this reason in [`QuarantineReason::ALL`].
    pub fn index(self) -> usize {
        match self {
            QuarantineReason::Conflict => 0,
            QuarantineReason::TooOld => 1,
            QuarantineReason::Future => 2,
            QuarantineReason::HeldBound => 3,
        }
    }

    /// The word that metrics, books and documentation use.
    pub fn as_str(self) -> &'static str {
        match self {
            QuarantineReason::Conflict => "conflict",
            QuarantineReason::TooOld => "too_old",
            QuarantineReason::Future => "future",
            QuarantineReason::HeldBound => "held_bound",
        }
    }
}

impl Outcome {
    /// Every outcome with every reason: label sets are made from it before the first record comes.
    pub fn all() -> impl Iterator<Item = Outcome> {
        [
            Outcome::Counted,
            Outcome::Late,
            Outcome::Held,
            Outcome::Duplicate,
        ]
        .into_iter()
        .chain(QuarantineReason::ALL.into_iter().map(Outcome::Quarantined))
        .chain(RejectReason::ALL.into_iter().map(Outcome::Rejected))
    }

    /// How many outcomes there are, each reason counted apart.
    pub const COUNT: usize = 4 + QuarantineReason::ALL.len() + RejectReason::ALL.len();

    /// The place of this outcome in [`Outcome::all`].
    pub fn index(self) -> usize {
        match self {
            Outcome::Counted => 0,
            Outcome::Late => 1,
            Outcome::Held => 2,
            Outcome::Duplicate => 3,
            Outcome::Quarantined(reason) => 4 + reason.index(),
            Outcome::Rejected(reason) => {
                3 + QuarantineReason::ALL.len() + usize::from(reason.code())
            }
        }
    }

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
            Outcome::Quarantined(reason) => reason.as_str(),
            Outcome::Rejected(reason) => reason.as_str(),
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_stands_at_its_index() {
        assert_eq!(Outcome::all().count(), Outcome::COUNT);
        for (place, outcome) in Outcome::all().enumerate() {
            assert_eq!(outcome.index(), place);
        }
    }

    #[test]
    fn a_reason_survives_its_code() {
        for reason in RejectReason::ALL {
            assert_eq!(RejectReason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(RejectReason::from_code(0), None);
        assert_eq!(RejectReason::from_code(9), None);
    }
}
