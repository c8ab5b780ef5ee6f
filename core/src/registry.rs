//! The registry's commands: everything but usage that can change a shard's mind. JSON values, for they are few.

use serde::{Deserialize, Serialize};

use crate::sim::{DeviceId, FeedId, SimId};

/// One message of `hissa.registry`; its offset is its revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// When the command was entered (UTC milliseconds since 1970); it moves the clock.
    pub entered_at_ms: i64,
    /// What is to hold.
    pub command: Command,
}

/// What the registry can say. The forms are those of `docs/registry.md`; the meaning is in `docs/semantics.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The programme: zone, cohorts, allowances. General: every partition gets it. A later one replaces it.
    Programme(Programme),
    /// All entries of the calendar. General. A later one replaces them.
    Calendar(CalendarEntries),
    /// The whole catalogue in a new version. General.
    Catalogue(Catalogue),
    /// What a shard must know of a feed. General.
    Feed(Feed),
    /// A SIM is enrolled, or its cohort, place or device changes. Goes to the SIM's partition alone.
    Enrol(Enrolment),
    /// A SIM leaves. Goes to its partition alone.
    Retire(Retirement),
    /// What a SIM brings along. Goes to its partition alone.
    Opening(Opening),
    /// Bytes on top of an allowance: general for a cohort, to the SIM's partition for a SIM.
    Grant(Grant),
    /// A grant ends at once. Goes where the grant went.
    Void(Void),
    /// What the breaker has held goes out, or falls away. General.
    Breaker(BreakerOrder),
    /// Which rules hold from here on. General.
    Logic(Logic),
}

impl Command {
    /// The SIM whose partition alone gets the command; none for a general command.
    pub fn sim(&self) -> Option<SimId> {
        match self {
            Command::Enrol(enrolment) => Some(enrolment.sim),
            Command::Retire(retirement) => Some(retirement.sim),
            Command::Opening(opening) => Some(opening.sim),
            Command::Grant(grant) => grant.sim,
            Command::Void(void) => void.sim,
            Command::Programme(_)
            | Command::Calendar(_)
            | Command::Catalogue(_)
            | Command::Feed(_)
            | Command::Breaker(_)
            | Command::Logic(_) => None,
        }
    }
}

/// A programme. Dates are ISO 8601 local dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programme {
    pub id: String,
    pub policy_version: String,
    /// The IANA name of the zone.
    pub timezone: String,
    /// The zone's own data (TZif), hexadecimal: a replay by any binary gives the same days.
    pub tzif_hex: String,
    /// Civil days from the end of a cycle until it closes.
    pub closes_after_days: u16,
    /// The class whose allowance pays for unknown traffic.
    pub unknown_charged_to: Class,
    /// Fewer SIMs than this are not shown in `pub.*`.
    pub privacy_k: u16,
    /// Type allocation codes of tablets, beside those of the enrolled devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tablet_tacs: Vec<u32>,
    /// Type allocation codes of routers, which share by their nature.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub router_tacs: Vec<u32>,
    pub cohorts: Vec<Cohort>,
}

/// Who gets what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    pub id: String,
    /// Enforced from this local midnight on; absent: observed only.
    pub enforce_from: Option<jiff::civil::Date>,
    /// In the order that decides among equals.
    pub allowances: Vec<Allowance>,
    /// Percent, rising.
    pub thresholds: Vec<u16>,
    /// Resets are spread over this time.
    #[serde(default)]
    pub restore_over_ms: u32,
    #[serde(default)]
    pub breaker: Breaker,
}

/// Bytes of a class, or of all traffic, in a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Its name within the cohort, such as `education` or `daily`.
    pub id: String,
    pub scope: Scope,
    pub bytes: u64,
    pub every: Period,
    /// What is left of a cycle's limit goes into the next one, up to this.
    #[serde(default)]
    pub rollover_max_bytes: u64,
    pub on_exhausted: OnExhausted,
}

/// The traffic that an allowance is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Education,
    System,
    Other,
    All,
}

impl Scope {
    /// Whether bytes that `payer` pays for belong to it. `unknown` is charged to another class before it is asked.
    pub fn covers(self, payer: Class) -> bool {
        match self {
            Scope::Education => payer == Class::Education,
            Scope::System => payer == Class::System,
            Scope::Other => payer == Class::Other,
            Scope::All => true,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Education => "education",
            Scope::System => "system",
            Scope::Other => "other",
            Scope::All => "all",
        }
    }
}

/// How long a cycle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    Day,
    /// ISO: from Monday.
    Week,
    Month,
    /// From a term's first day until the day before the next one's.
    Term,
    /// So many days, from the SIM's activation on.
    Days(u16),
}

/// What to do when an allowance is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum OnExhausted {
    Block,
    Throttle { kbit_s: u32 },
    Notify,
}

/// How many new cuts of a cohort are let through before the rest is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// More than this share (‰) of the cohort's SIMs in a shard, and
    pub share_permille: u16,
    /// more than this number, over all partitions.
    pub at_least: u32,
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker {
            share_permille: 200,
            at_least: 20,
        }
    }
}

/// The calendar of the programme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarEntries {
    pub entries: Vec<CalendarEntry>,
}

/// Days of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarEntry {
    pub kind: CalendarKind,
    /// First and last day.
    pub from: jiff::civil::Date,
    pub to: jiff::civil::Date,
    /// Of these cohorts alone; absent: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cohorts: Option<Vec<String>>,
    /// Classes (`education`, `other`) that are not cut on these days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opens: Vec<Class>,
    /// Hours in which people are not written to. No rule of the core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<String>,
}

/// The kinds of days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarKind {
    Term,
    Break,
    Holiday,
    Exam,
    Ramadan,
}

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
    /// All classes, in their order.
    pub const ALL: [Class; 4] = [
        Class::Education,
        Class::System,
        Class::Other,
        Class::Unknown,
    ];

    /// The place of this class in [`Class::ALL`].
    pub fn index(self) -> usize {
        match self {
            Class::Education => 0,
            Class::System => 1,
            Class::Other => 2,
            Class::Unknown => 3,
        }
    }

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

/// Which traffic is which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    pub version: String,
    pub rules: Vec<Rule>,
}

/// Traffic of a rating group, and of a service id where one is named, belongs to a service of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub rating_group: u32,
    pub service_id: Option<u32>,
    pub class: Class,
    pub service: String,
    /// Holds from this local midnight on, by usage instant; absent: always.
    pub valid_from: Option<jiff::civil::Date>,
}

/// What a shard must know of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    pub id: FeedId,
    /// How far a row's end may lie after its delivery.
    pub future_tolerance_ms: u32,
    /// What its byte counts are, where a record does not say.
    #[serde(default)]
    pub counter: Counter,
}

/// What the byte counts of a row are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counter {
    /// Bytes since the last container.
    #[default]
    Delta,
    /// The reading of a counter of 32 bits that runs through the session.
    Cumulative32,
    /// The same, of 64 bits.
    Cumulative64,
}

/// A SIM in the programme, and where its tablet is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    pub sim: SimId,
    /// The tablet that the SIM came with.
    pub device: Option<DeviceId>,
    /// Its type allocation code; 0 where it is not known.
    #[serde(default)]
    pub device_tac: u32,
    pub cohort: String,
    /// From this local midnight on.
    pub valid_from: jiff::civil::Date,
    /// Until this local midnight; absent: for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<jiff::civil::Date>,
    pub place: Place,
}

/// A SIM leaves the programme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retirement {
    pub sim: SimId,
    /// From this local midnight on.
    pub at: jiff::civil::Date,
}

/// What a SIM has used already of an allowance as it comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    pub sim: SimId,
    /// The allowance's id.
    pub allowance: String,
    pub used_bytes: u64,
    /// A day of the cycle that it is for.
    pub as_of: jiff::civil::Date,
    /// From 1; a higher one replaces a lower one.
    pub revision: u32,
}

/// Bytes on top of an allowance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    pub id: String,
    /// For each SIM of this cohort, or
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cohort: Option<String>,
    /// for this SIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sim: Option<SimId>,
    /// The id of the allowance that it adds to.
    pub allowance: String,
    /// For each SIM.
    pub bytes: u64,
    pub valid_from: jiff::civil::Date,
    /// Exclusive.
    pub valid_until: jiff::civil::Date,
    /// Smaller is used first.
    pub priority: u32,
    pub donor: String,
}

/// The end of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Void {
    /// The grant's id.
    pub grant: String,
    /// The SIM, where the grant was for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sim: Option<SimId>,
}

/// What becomes of held orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerOrder {
    pub action: BreakerAction,
    pub cohort: String,
}

/// What becomes of held orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerAction {
    Release,
    Drop,
}

/// A version of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logic {
    pub version: u32,
}

/// Where a tablet is, by official codes; no name of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub school: String,
    pub commune: String,
    pub province: String,
    pub region: String,
    /// `rural` or `urban`.
    pub milieu: String,
}

/// A partition's share of the registry, copied by ingest into `hissa.usage` before the rows that follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The revision of the first command of the registry that this block speaks of.
    pub from_rev: u64,
    /// The revision behind the last one: the block speaks of `from_rev..to_rev`, also where other partitions' commands
    /// are left out.
    pub to_rev: u64,
    /// The general ones and those of this partition's SIMs, in order.
    pub commands: Vec<Revision>,
}

/// A command under its revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    pub rev: u64,
    #[serde(flatten)]
    pub entered: Entered,
}
