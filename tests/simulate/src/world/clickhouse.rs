//! ClickHouse: rows under keys, the newest version of which is read.

use std::collections::HashMap;

use hissa_aggregator::worker::Freshness;
use hissa_core::facts::{Fact, Flag};
use hissa_core::outcome::Outcome;
use hissa_core::registry::Class;
use hissa_core::sim::{FeedId, SimId};
use jiff::civil::Date;

use super::Surroundings;
use crate::quick::Quick;

/// The key of a row, with its table. Generation is 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    SimDay(SimId, Date, Class, String, Date),
    SimCycle(SimId, Date, String, Date),
    PlaceHour(String, String, Date, u8, Class, Date, u16),
    Decision(u16, u64),
    OutcomeDay(u16, FeedId, Date, Outcome),
    FlagDay(u16, FeedId, Date, Flag),
    Assignment(SimId, Date, Date),
}

/// The names of the tables, in the order of [`Key::table`].
pub const TABLES: [&str; 7] = [
    "sim_day",
    "sim_cycle",
    "place_hour",
    "decision",
    "outcome_day",
    "flag_day",
    "assignment",
];

/// A version of a row.
pub struct Row {
    pub version: u64,
    pub fact: Fact,
    /// When it arrived first.
    pub tick: u64,
}

/// All tables.
#[derive(Default)]
pub struct ClickHouse {
    /// Versions of each row, rising.
    pub rows: HashMap<(u16, Key), Vec<Row>, Quick>,
    /// What `freshness` said: partition, the row, tick.
    pub freshness: Vec<(u16, Freshness, u64)>,
    /// Rows of versions that had been there already.
    pub repeats: u64,
}

/// The key of a fact.
pub fn key(partition: u16, fact: &Fact) -> Key {
    match fact {
        Fact::SimDay(row) => Key::SimDay(
            row.sim,
            row.usage_day,
            row.class,
            row.service.clone(),
            row.booked_day,
        ),
        Fact::SimCycle(row) => Key::SimCycle(
            row.sim,
            row.cycle_start,
            row.allowance.clone(),
            row.booked_day,
        ),
        Fact::PlaceHour(row) => Key::PlaceHour(
            row.province.clone(),
            row.cohort.clone(),
            row.usage_day,
            row.hour,
            row.class,
            row.booked_day,
            partition,
        ),
        Fact::Decision(row) => Key::Decision(partition, row.decision.number),
        Fact::OutcomeDay(row) => Key::OutcomeDay(partition, row.feed, row.booked_day, row.outcome),
        Fact::FlagDay(row) => Key::FlagDay(partition, row.feed, row.booked_day, row.flag),
        Fact::Assignment(row) => Key::Assignment(row.sim, row.valid_from, row.booked_day),
    }
}

/// The version of a fact.
pub fn version(fact: &Fact) -> u64 {
    match fact {
        Fact::SimDay(row) => row.version,
        Fact::SimCycle(row) => row.version,
        Fact::PlaceHour(row) => row.version,
        Fact::Decision(row) => row.version,
        Fact::OutcomeDay(row) => row.version,
        Fact::FlagDay(row) => row.version,
        Fact::Assignment(row) => row.version,
    }
}

/// The booked day of a fact.
pub fn booked_day(fact: &Fact) -> Date {
    match fact {
        Fact::SimDay(row) => row.booked_day,
        Fact::SimCycle(row) => row.booked_day,
        Fact::PlaceHour(row) => row.booked_day,
        Fact::Decision(row) => row.booked_day,
        Fact::OutcomeDay(row) => row.booked_day,
        Fact::FlagDay(row) => row.booked_day,
        Fact::Assignment(row) => row.booked_day,
    }
}

impl Key {
    /// The place of the table in [`TABLES`].
    pub fn table(&self) -> usize {
        match self {
            Key::SimDay(..) => 0,
            Key::SimCycle(..) => 1,
            Key::PlaceHour(..) => 2,
            Key::Decision(..) => 3,
            Key::OutcomeDay(..) => 4,
            Key::FlagDay(..) => 5,
            Key::Assignment(..) => 6,
        }
    }
}

impl Surroundings<'_> {
    /// Rows of an owner arrive.
    pub fn insert(&mut self, partition: u16, facts: Vec<Fact>) {
        let tick = self.tick();
        for fact in facts {
            let (key, version) = (key(partition, &fact), version(&fact));
            self.digest.update(&[key.table() as u8]);
            self.digest.update(&version.to_le_bytes());
            let versions = self.clickhouse.rows.entry((partition, key)).or_default();
            let place = versions.partition_point(|row| row.version < version);
            match versions.get(place) {
                Some(row) if row.version == version && row.fact == fact => {
                    self.clickhouse.repeats += 1
                }
                Some(row) if row.version == version => {
                    let told = format!(
                        "one version of a row, other bytes: {:?} and {fact:?}",
                        row.fact
                    );
                    self.violated(told);
                }
                _ => versions.insert(
                    place,
                    Row {
                        version,
                        fact,
                        tick,
                    },
                ),
            }
        }
    }

    /// A row of `freshness` arrives.
    pub fn freshen(&mut self, partition: u16, freshness: Freshness) {
        let tick = self.tick();
        self.digest.update(&freshness.offset.to_le_bytes());
        self.clickhouse.freshness.push((partition, freshness, tick));
    }
}
