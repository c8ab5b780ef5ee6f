//! Alert changes: an alert has one id, and a revision for each change of it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::decision::Cause;
use crate::registry::Class;
use crate::sim::{FeedId, SimId};

/// One change of one alert. (id, revision) fixes all of it; a reader ignores a revision that is not above the last
/// one it knows of the id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertChange {
    pub generation: u32,
    pub partition: u16,
    /// Such as `SimQuota80/<sim>/2026-02-01`. With a pseudonym: for `hissa.alerts`, not for people.
    pub id: String,
    /// From 1.
    pub revision: u32,
    pub change: Change,
    /// The shard's clock, or the midnight (UTC milliseconds).
    pub at_ms: i64,
    /// The local date of `at_ms`.
    pub on: Date,
    /// The entry of this partition of `hissa.usage` that changed it.
    pub offset: u64,
    pub policy_version: String,
    pub catalogue_version: String,
    /// The condition of its kind, in words, and where `docs/semantics.md` says more.
    pub rule: String,
    /// The row that changed it; none where a midnight or a command did.
    pub cause: Option<Cause>,
    #[serde(flatten)]
    pub subject: Subject,
}

/// What happened to the alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Fire,
    Update,
    Resolve,
}

/// What the alert is about, with its figures as of the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "details")]
pub enum Subject {
    SimQuota80(Quota),
    SimExhausted(Quota),
    TabletIdle(Idle),
    SimMoved(Moved),
    PossibleSharing(Sharing),
    RecordConflict(Conflict),
    GrantExpiring(Expiring),
    OrdersHeld(OrdersHeld),
}

/// The kinds of alerts that one SIM or one shard decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlertKind {
    SimQuota80,
    SimExhausted,
    TabletIdle,
    SimMoved,
    PossibleSharing,
    RecordConflict,
    GrantExpiring,
    OrdersHeld,
}

/// A tablet's SIM, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tablet {
    pub sim: SimId,
    pub cohort: String,
    pub school: String,
}

/// An allowance near or at its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    #[serde(flatten)]
    pub tablet: Tablet,
    /// The allowance's id.
    pub allowance: String,
    /// First day of the cycle.
    pub cycle: Date,
    pub limit_bytes: u64,
    pub granted_bytes: u64,
    pub used_bytes: u64,
    /// When the next cycle begins (UTC milliseconds), and its first day; none where no end is known.
    pub resets_at_ms: Option<i64>,
    pub resets_on: Option<Date>,
    /// At this pace the allowance runs out on that local date; none where it lies at or behind the reset, or nothing is
    /// left or used.
    pub runs_out_on: Option<Date>,
    /// What education is when exhausted: `block`, `throttle` or `allow`.
    pub state: String,
}

/// A tablet without use on school days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idle {
    #[serde(flatten)]
    pub tablet: Tablet,
    pub last_used_on: Option<Date>,
    pub school_days: u16,
}

/// A SIM in a device that is no tablet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    #[serde(flatten)]
    pub tablet: Tablet,
    /// The usage day of the first evidence.
    pub since: Date,
    pub device_tac: u32,
}

/// Much traffic in a day, mostly not for learning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharing {
    #[serde(flatten)]
    pub tablet: Tablet,
    pub usage_day: Date,
    pub bytes: u64,
    pub education_bytes: u64,
}

/// Records that reuse an identity with other content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub feed: FeedId,
    /// The first instant of the clock hour (UTC milliseconds).
    pub hour_at_ms: i64,
    pub records: u64,
}

/// A grant that ends with much of it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiring {
    #[serde(flatten)]
    pub tablet: Tablet,
    /// The grant's id.
    pub grant: String,
    pub donor: String,
    pub given_bytes: u64,
    pub left_bytes: u64,
    pub valid_until: Date,
}

/// Orders that the breaker holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrdersHeld {
    pub cohort: String,
    pub class: Class,
    /// SIMs whose order is held.
    pub held: u64,
}

impl Subject {
    /// The kind of alert.
    pub fn kind(&self) -> AlertKind {
        match self {
            Subject::SimQuota80(_) => AlertKind::SimQuota80,
            Subject::SimExhausted(_) => AlertKind::SimExhausted,
            Subject::TabletIdle(_) => AlertKind::TabletIdle,
            Subject::SimMoved(_) => AlertKind::SimMoved,
            Subject::PossibleSharing(_) => AlertKind::PossibleSharing,
            Subject::RecordConflict(_) => AlertKind::RecordConflict,
            Subject::GrantExpiring(_) => AlertKind::GrantExpiring,
            Subject::OrdersHeld(_) => AlertKind::OrdersHeld,
        }
    }

    /// The tablet that it is about, where it is about one.
    pub fn tablet(&self) -> Option<&Tablet> {
        match self {
            Subject::SimQuota80(quota) | Subject::SimExhausted(quota) => Some(&quota.tablet),
            Subject::TabletIdle(idle) => Some(&idle.tablet),
            Subject::SimMoved(moved) => Some(&moved.tablet),
            Subject::PossibleSharing(sharing) => Some(&sharing.tablet),
            Subject::GrantExpiring(expiring) => Some(&expiring.tablet),
            Subject::RecordConflict(_) | Subject::OrdersHeld(_) => None,
        }
    }
}

impl AlertKind {
    /// The name of it.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertKind::SimQuota80 => "SimQuota80",
            AlertKind::SimExhausted => "SimExhausted",
            AlertKind::TabletIdle => "TabletIdle",
            AlertKind::SimMoved => "SimMoved",
            AlertKind::PossibleSharing => "PossibleSharing",
            AlertKind::RecordConflict => "RecordConflict",
            AlertKind::GrantExpiring => "GrantExpiring",
            AlertKind::OrdersHeld => "OrdersHeld",
        }
    }

    /// When it fires.
    pub fn rule(self) -> &'static str {
        match self {
            AlertKind::SimQuota80 => "80 % of the allowance are used (W3)",
            AlertKind::SimExhausted => "the allowance is used up (W3)",
            AlertKind::TabletIdle => "no use on 10 school days in a row, none of them deaf (W5)",
            AlertKind::SimMoved => {
                "2 records in a device that is not the enrolled one, and no tablet (W6)"
            }
            AlertKind::PossibleSharing => {
                "more than 2 GB on a day, at least 80 % of them not education (W7)"
            }
            AlertKind::RecordConflict => {
                "a record has the identity of another one, and other content (W8)"
            }
            AlertKind::GrantExpiring => {
                "more than 30 % of a grant are left 7 days before its end (W9)"
            }
            AlertKind::OrdersHeld => "a breaker holds new cuts (W10)",
        }
    }
}
