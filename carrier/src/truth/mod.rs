//! The truth about a feed: what Hissa must find, computed by an accounting of its own, exactly by `docs/semantics.md`.
//!
//! [`Accounting`] walks the topic in the order of offsets and the registry by time. It is written to be obvious, not
//! fast, shares no code with Hissa, and knows the zone from another database. The generator also decides by it when a
//! block stops usage.

mod account;
mod accounting;
mod cells;
mod closing;
mod commands;
mod counters;
mod decide;
mod indicators;
mod midnights;
mod outcome;
mod place_hours;
mod planted;
mod quotas;
mod reports;
mod rows;
mod said;
mod watches;
mod watching;

pub use accounting::Accounting;
pub use cells::{SimDay, SimDays};
pub use commands::{Enrolment, Opening};
pub use indicators::{Planted, ProvinceMonth};
pub use outcome::{Flag, FlagDay, Outcome, OutcomeDay, QuarantineReason, RejectReason};
pub use place_hours::{PlaceHour, PlaceHours};
pub use planted::{NodeNumbers, Parts, Radio};

pub use said::{
    AlertChange, AlertKind, Balance, Change, ConflictHour, Decision, GrantUse, Order, Reason,
    RecordIdentity, Standing,
};

use serde::{Deserialize, Serialize};

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
    /// By booked day and flag.
    pub flag_days: Vec<FlagDay>,
    /// By hour of the clock.
    pub conflicts: Vec<ConflictHour>,
    /// Bytes of `counted`, `held` and `late` rows (of a cumulative counter: its rise).
    pub sim_days: SimDays,
    /// Bytes of `counted` and `late` rows.
    pub place_hours: PlaceHours,
    /// By IMSI, class and sequence.
    pub decisions: Vec<Decision>,
    /// By IMSI, kind, alert and revision; those about conflicts are left out (see `conflicts`).
    pub alerts: Vec<AlertChange>,
    /// The last decision of each IMSI and class.
    pub orders: Vec<Order>,
    /// Of every SIM and month in which it is enrolled, zeros too; those left out that were closed when it was enrolled.
    pub balances: Vec<Balance>,
    pub grants: Vec<GrantUse>,
    pub nodes: Vec<NodeNumbers>,
    /// Records that a node wrote and that never arrived.
    pub lost_records: u64,
    pub province_months: Vec<ProvinceMonth>,
    /// Of the cohort `pilote-rural`, by month.
    pub planted: Vec<Planted>,
    pub parts: Parts,
    pub radio: Radio,
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
