//! All that is compared: what the oracle finds, and what the system under test can be turned into.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::names::{Class, Feed, Outcome, Pseudonym};
use crate::said::{AlertChange, Decision};

/// The tables of section 11, decisions, alert changes and discrepancies. In JSON a table is a list of pairs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// F2.
    #[serde(with = "pairs")]
    pub sim_day: BTreeMap<SimDay, Traced<Bytes>>,
    /// F4.
    #[serde(with = "pairs")]
    pub outcome_day: BTreeMap<OutcomeDay, Traced<Rows>>,
    /// F4.
    #[serde(with = "pairs")]
    pub flag_day: BTreeMap<FlagDay, Traced<Rows>>,
    /// F3.
    #[serde(with = "pairs")]
    pub place_hour: BTreeMap<PlaceHour, UpDown>,
    /// F5: by balance, and within it by booked day. Compared is what stood at or before each booked day.
    #[serde(with = "pairs")]
    pub sim_cycle: BTreeMap<SimCycle, BTreeMap<Day, CycleRow>>,
    /// F5.
    #[serde(with = "pairs")]
    pub assignments: BTreeMap<AssignmentKey, AssignmentRow>,
    /// By partition, in the order of their numbers.
    pub decisions: BTreeMap<u16, Vec<Decision>>,
    /// By partition, in the order in which they were said; compared by alert.
    pub alerts: BTreeMap<u16, Vec<AlertChange>>,
    /// P1, in the order in which they were found.
    pub discrepancies: Vec<Discrepancy>,
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "docs/semantics.md, section 11, tells the fields")]
        pub struct $name { $(pub $field: $type,)* }
    )*};
}

keys! {
    /// Key of `sim_day`.
    SimDay { sim: Pseudonym, usage_day: Day, class: Class, service: String, booked_day: Day, }
    /// Key of `outcome_day`; the reason is empty where the outcome has none.
    OutcomeDay { partition: u16, feed: Feed, booked_day: Day, outcome: Outcome, reason: String, }
    /// Key of `flag_day`.
    FlagDay { partition: u16, feed: Feed, booked_day: Day, flag: String, }
    /// Key of `place_hour`.
    PlaceHour {
        partition: u16, province: String, cohort: String, usage_day: Day, hour: u8, class: Class, booked_day: Day,
    }
    /// Key of `sim_cycle`, without the booked day.
    SimCycle { sim: Pseudonym, cycle_start: Day, allowance: String, }
    /// Key of `assignment`.
    AssignmentKey { sim: Pseudonym, valid_from: Day, booked_day: Day, }
    /// An assignment as it was known.
    AssignmentRow {
        cohort: String, place: BTreeMap<String, String>, valid_until: Option<Day>, revision: u64,
    }
    /// How a balance stood. `thresholds` are percents and when they were reached; `state` is `observed`, `within` or
    /// `exhausted`.
    CycleRow { limit: u64, granted: u64, used: u64, state: String, thresholds: Vec<(u32, i64)>, }
    /// Progress and a shard's own count differ (P1). `offset` is that of the Progress.
    Discrepancy {
        partition: u16, offset: u64, feed: Feed, epoch: u32, source_partition: u32, through: u64,
        told_rows: u64, told_bytes: u64, found_rows: u64, found_bytes: u64,
    }
}

/// Bytes of a cell, and how many rows they come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Bytes {
    pub up: u64,
    pub down: u64,
    pub records: u64,
}

/// Rows of a cell, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Rows {
    pub records: u64,
    pub bytes: u64,
}

/// Bytes of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct UpDown {
    pub up: u64,
    pub down: u64,
}

/// The carrier's row that was added last to a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a position in a source (A3)")]
pub struct LastRow {
    pub feed: Feed,
    pub epoch: u32,
    pub partition: u32,
    pub offset: u64,
    pub row: u32,
}

impl fmt::Display for LastRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LastRow {
            feed,
            epoch,
            partition,
            offset,
            row,
        } = self;
        write!(f, "{feed}/{epoch}/{partition}, offset {offset}, row {row}")
    }
}

/// A cell, and where its last row came from if that is known. The latter is told with a difference, but is none.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Traced<T> {
    /// The cell.
    #[serde(flatten)]
    pub cell: T,
    /// Where the last row came from.
    #[serde(default)]
    pub last: Option<LastRow>,
}

impl<T: PartialEq> PartialEq for Traced<T> {
    fn eq(&self, other: &Traced<T>) -> bool {
        self.cell == other.cell
    }
}

impl<T> From<T> for Traced<T> {
    fn from(cell: T) -> Traced<T> {
        Traced { cell, last: None }
    }
}

/// Tables whose keys are no text, as lists of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer, K: Serialize, V: Serialize>(
        table: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(table)
    }

    pub(super) fn deserialize<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        D: Deserializer<'de>,
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
    {
        Vec::<(K, V)>::deserialize(deserializer).map(|pairs| pairs.into_iter().collect())
    }
}
