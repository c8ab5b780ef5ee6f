//! What the programme grants and the catalogue says, and the two files that tell Hissa so.

mod demo;
mod files;

pub use demo::{INSPECTORS, KHATWAT, PILOT, SCHOOLS, TEACHERS, demo_catalogue, demo_programme};
pub use files::{FEED_ID, catalogue_toml, programme_toml};

use serde::{Deserialize, Serialize};

use crate::zone::Date;

/// A class of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Education,
    System,
    Other,
    Unknown,
}

impl Class {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Education => "education",
            Class::System => "system",
            Class::Other => "other",
            Class::Unknown => "unknown",
        }
    }
}

/// What a carrier is to do with a class of a SIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    Allow,
    Throttle { kbit_s: u32 },
    Block,
}

/// What a programme wants when an allowance is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExhausted {
    Throttle {
        kbit_s: u32,
    },
    Block,
    /// Tell people; the traffic goes on.
    Notify,
}

/// A month's bytes of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub bytes: u64,
    /// What is left of a month goes into the next one, up to this.
    pub rollover_max_bytes: u64,
    pub on_exhausted: OnExhausted,
}

/// How many new cuts are let through before the rest is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    pub share_percent: u32,
    pub at_least: u32,
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    pub id: &'static str,
    /// Enforced from this local midnight on; none: observed only.
    pub enforce_from: Option<Date>,
    pub education: Option<Allowance>,
    pub system: Option<Allowance>,
    pub other: Option<Allowance>,
    /// Percent, rising.
    pub thresholds: &'static [u32],
    /// Resets are spread over so many minutes.
    pub restore_over_minutes: u32,
    pub breaker: Breaker,
}

impl Cohort {
    /// The allowance of a class, if the cohort has one.
    pub fn allowance(&self, class: Class) -> Option<Allowance> {
        match class {
            Class::Education => self.education,
            Class::System => self.system,
            Class::Other => self.other,
            Class::Unknown => None,
        }
    }
}

/// Bytes on top of the education allowance of each SIM of a cohort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub id: String,
    pub cohort: &'static str,
    pub bytes_per_sim: u64,
    pub valid_from: Date,
    /// Exclusive.
    pub valid_until: Date,
    /// Whether `valid_until` is the day of Eid al-Fitr, and is written so.
    pub until_eid: bool,
    /// Smaller is used first.
    pub priority: u32,
    pub donor: &'static str,
}

/// A kind of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayKind {
    Break,
    Ramadan,
}

/// Days of a kind, first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalendarEntry {
    pub kind: DayKind,
    pub from: Date,
    pub to: Date,
}

/// A programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programme {
    pub id: &'static str,
    pub policy_version: String,
    pub valid_from: Date,
    pub valid_to: Date,
    /// Civil days from the end of a month until it closes.
    pub closes_after_days: i64,
    /// The class whose allowance pays for unknown traffic.
    pub unknown_charged_to: Class,
    /// Type allocation codes of tablets, and of routers.
    pub tablet_tacs: Vec<u32>,
    pub router_tacs: Vec<u32>,
    pub cohorts: Vec<Cohort>,
    pub grants: Vec<Grant>,
    pub calendar: Vec<CalendarEntry>,
}

impl Programme {
    /// A cohort by its id.
    pub fn cohort(&self, id: &str) -> Option<&Cohort> {
        self.cohorts.iter().find(|cohort| cohort.id == id)
    }

    /// Whether a date lies in the holidays.
    pub fn is_break(&self, date: Date) -> bool {
        let mut breaks = self.calendar.iter().filter(|e| e.kind == DayKind::Break);
        breaks.any(|entry| (entry.from..=entry.to).contains(&date))
    }
}

/// Traffic of a rating group, with that service id or with any, is a service of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub service: &'static str,
    pub class: Class,
    pub rating_group: u32,
    pub service_id: Option<u32>,
    pub valid_from: Date,
}

/// Which traffic is which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    pub version: String,
    pub rules: Vec<Rule>,
}
