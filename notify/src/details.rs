//! The figures of an alert, as they leave: without an identifier of a SIM, a device or a person.

use hissa_core::alert::{Quota, Subject};
use hissa_core::registry::Class;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::text;

/// What an alert is about: its kind stands in the message as `alert`, its figures as `details`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "alert", content = "details")]
pub enum About {
    SimQuota80(QuotaDetails),
    SimExhausted(QuotaDetails),
    TabletIdle(IdleDetails),
    SimMoved(MovedDetails),
    PossibleSharing(SharingDetails),
    RecordConflict(ConflictDetails),
    GrantExpiring(ExpiringDetails),
    OrdersHeld(HeldDetails),
}

/// An allowance near or at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaDetails {
    pub allowance: String,
    /// First day of the cycle.
    pub cycle: Date,
    pub limit_bytes: u64,
    pub granted_bytes: u64,
    pub used_bytes: u64,
    /// `used_bytes` in GB, one decimal, rounded down.
    pub used_gb: String,
    /// Limit and grants in GB, exactly.
    pub quota_gb: String,
    /// What learning sites are when the allowance is used up: `block`, `throttle` or `allow`.
    pub state: String,
    /// The first day of the next cycle; null where no end is known.
    pub resets_on: Option<Date>,
    /// When the allowance runs out at this pace; null where it lasts until the reset, or has run out.
    pub runs_out_on: Option<Date>,
}

/// A tablet without use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdleDetails {
    pub last_used_on: Option<Date>,
    pub school_days: u16,
}

/// A SIM in another device. Which one is not said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MovedDetails {
    pub since: Date,
}

/// Much traffic in a day, mostly not for learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharingDetails {
    pub usage_day: Date,
    pub bytes: u64,
    pub education_bytes: u64,
}

/// Records that reuse an identity with other content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictDetails {
    pub feed: String,
    /// When the clock hour began (UTC).
    pub hour: String,
    pub records: u64,
}

/// A grant that ends with much of it left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpiringDetails {
    pub grant: String,
    pub donor: String,
    pub given_bytes: u64,
    pub left_bytes: u64,
    /// Exclusive.
    pub valid_until: Date,
}

/// Orders that the breaker holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldDetails {
    pub class: Class,
    pub held: u64,
}

impl About {
    /// The figures that may leave.
    ///
    /// # Errors
    /// A time is no time (before year -9999 or after 9999).
    pub(crate) fn of(subject: &Subject) -> Result<About, jiff::Error> {
        Ok(match subject {
            Subject::SimQuota80(quota) => About::SimQuota80(QuotaDetails::of(quota)),
            Subject::SimExhausted(quota) => About::SimExhausted(QuotaDetails::of(quota)),
            Subject::TabletIdle(idle) => About::TabletIdle(IdleDetails {
                last_used_on: idle.last_used_on,
                school_days: idle.school_days,
            }),
            Subject::SimMoved(moved) => About::SimMoved(MovedDetails { since: moved.since }),
            Subject::PossibleSharing(sharing) => About::PossibleSharing(SharingDetails {
                usage_day: sharing.usage_day,
                bytes: sharing.bytes,
                education_bytes: sharing.education_bytes,
            }),
            Subject::RecordConflict(conflict) => About::RecordConflict(ConflictDetails {
                feed: conflict.feed.to_string(),
                hour: Timestamp::from_millisecond(conflict.hour_at_ms)?.to_string(),
                records: conflict.records,
            }),
            Subject::GrantExpiring(grant) => About::GrantExpiring(ExpiringDetails {
                grant: grant.grant.clone(),
                donor: grant.donor.clone(),
                given_bytes: grant.given_bytes,
                left_bytes: grant.left_bytes,
                valid_until: grant.valid_until,
            }),
            Subject::OrdersHeld(orders) => About::OrdersHeld(HeldDetails {
                class: orders.class,
                held: orders.held,
            }),
        })
    }
}

impl QuotaDetails {
    fn of(quota: &Quota) -> QuotaDetails {
        QuotaDetails {
            allowance: quota.allowance.clone(),
            cycle: quota.cycle,
            limit_bytes: quota.limit_bytes,
            granted_bytes: quota.granted_bytes,
            used_bytes: quota.used_bytes,
            used_gb: text::tenths(quota.used_bytes),
            quota_gb: text::exact(text::quota_bytes(quota)),
            state: quota.state.clone(),
            resets_on: quota.resets_on,
            runs_out_on: quota.runs_out_on,
        }
    }
}
