//! What the core makes of a log, in the oracle's tables.

use std::collections::BTreeMap;
use std::fmt::Display;

use hissa_core::facts::Fact;
use hissa_core::shard::{Effects, Shard, ShardConfig};
use hissa_core::wire;
use hissa_oracle::{
    AssignmentKey, AssignmentRow, Bytes, CycleRow, Day, Discrepancy, Entry, Findings, FlagDay,
    Kind, OutcomeDay, PlaceHour, Rows, Settings, SimCycle, SimDay, Traced, UpDown,
};
use serde::de::DeserializeOwned;

/// All shards of the core.
pub struct Core {
    config: BTreeMap<u16, ShardConfig>,
    shards: BTreeMap<u16, Shard>,
    pub findings: Findings,
}

fn told<T: DeserializeOwned>(value: &impl serde::Serialize) -> T {
    serde_json::from_value(serde_json::to_value(value).unwrap()).unwrap()
}

fn read<T: std::str::FromStr>(text: impl Display) -> T
where
    T::Err: std::fmt::Debug,
{
    text.to_string().parse().unwrap()
}

impl Core {
    pub fn new(settings: &Settings) -> Core {
        let mut core = Core {
            config: BTreeMap::new(),
            shards: BTreeMap::new(),
            findings: Findings::default(),
        };
        for partition in 0..settings.partitions {
            let mut config = ShardConfig::new(settings.generation, partition, settings.partitions);
            config.held_sims_max = settings.held_sims_max.try_into().unwrap();
            config.horizon_days = settings.horizon_days.try_into().unwrap();
            core.config.insert(partition, config);
            core.shards.insert(partition, Shard::new(config));
        }
        core
    }

    /// Applies an entry; in words, why the shard halts.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), String> {
        let kind = match entry.kind {
            Kind::Rows => wire::Kind::Rows,
            Kind::Block => wire::Kind::Block,
            Kind::Progress => wire::Kind::Progress,
        };
        let read = wire::decode(
            kind.as_str().as_bytes(),
            kind.version().as_bytes(),
            &entry.payload,
        );
        let read = read.map_err(|error| error.to_string())?;
        let shard = self.shards.get_mut(&entry.partition).unwrap();
        let mut effects = Effects::default();
        shard
            .apply(&read, entry.offset, &mut effects)
            .map_err(|halt| halt.to_string())?;
        self.note(entry, effects);
        Ok(())
    }

    fn note(&mut self, entry: &Entry, effects: Effects) {
        let partition = entry.partition;
        for decision in &effects.decisions {
            let list = self.findings.decisions.entry(partition).or_default();
            list.push(told(decision));
        }
        for change in &effects.alerts {
            let list = self.findings.alerts.entry(partition).or_default();
            list.push(told(change));
        }
        for found in effects.discrepancies {
            self.findings.discrepancies.push(Discrepancy {
                partition,
                offset: entry.offset,
                feed: read(found.source.feed),
                epoch: found.source.epoch,
                source_partition: found.source.partition,
                through: found.through,
                told_rows: found.promised_rows,
                told_bytes: found.promised_bytes,
                found_rows: found.found_rows,
                found_bytes: found.found_bytes,
            });
        }
    }

    /// The shard goes through a snapshot.
    pub fn restore(&mut self, partition: u16) {
        let shard = self.shards.get_mut(&partition).unwrap();
        *shard = Shard::restore(&shard.snapshot(), self.config[&partition]).unwrap();
    }

    /// Takes facts, at most so many.
    pub fn take(&mut self, partition: u16, most: usize) {
        for fact in self.shards.get_mut(&partition).unwrap().take_facts(most) {
            self.fact(partition, fact);
        }
    }

    fn fact(&mut self, partition: u16, fact: Fact) {
        let findings = &mut self.findings;
        match fact {
            Fact::SimDay(row) => {
                let key = SimDay {
                    sim: read(row.sim),
                    usage_day: read(row.usage_day),
                    class: read(row.class.as_str()),
                    service: row.service,
                    booked_day: read(row.booked_day),
                };
                let bytes = Bytes {
                    up: row.uplink_bytes,
                    down: row.downlink_bytes,
                    records: row.records,
                };
                findings.sim_day.insert(key, bytes.into());
            }
            Fact::SimCycle(row) => {
                let key = SimCycle {
                    sim: read(row.sim),
                    cycle_start: read(row.cycle_start),
                    allowance: row.allowance,
                };
                let percents = row.thresholds.iter().map(|&percent| percent.into());
                let stands = CycleRow {
                    limit: row.limit_bytes,
                    granted: row.granted_bytes,
                    used: row.used_bytes,
                    state: row.state.to_owned(),
                    thresholds: percents.zip(row.reached_at_ms).collect(),
                };
                let days = findings.sim_cycle.entry(key).or_default();
                days.insert(read(row.booked_day), stands);
            }
            Fact::PlaceHour(row) => {
                let key = PlaceHour {
                    partition,
                    province: row.province,
                    cohort: row.cohort,
                    usage_day: read(row.usage_day),
                    hour: row.hour,
                    class: read(row.class.as_str()),
                    booked_day: read(row.booked_day),
                };
                let bytes = UpDown {
                    up: row.uplink_bytes,
                    down: row.downlink_bytes,
                };
                findings.place_hour.insert(key, bytes);
            }
            Fact::OutcomeDay(row) => {
                let key = OutcomeDay {
                    partition,
                    feed: read(row.feed),
                    booked_day: read(row.booked_day),
                    outcome: read(row.outcome.as_str()),
                    reason: row.outcome.reason().to_owned(),
                };
                let rows = counted(row.records, row.bytes);
                findings.outcome_day.insert(key, rows);
            }
            Fact::FlagDay(row) => {
                let key = FlagDay {
                    partition,
                    feed: read(row.feed),
                    booked_day: read(row.booked_day),
                    flag: row.flag.as_str().to_owned(),
                };
                findings
                    .flag_day
                    .insert(key, counted(row.records, row.bytes));
            }
            Fact::Assignment(row) => {
                let key = AssignmentKey {
                    sim: read(row.sim),
                    valid_from: read(row.valid_from),
                    booked_day: read(row.booked_day),
                };
                let assignment = AssignmentRow {
                    cohort: row.cohort,
                    place: told(&row.place),
                    valid_until: row.valid_until.map(read::<Day>),
                    revision: row.revision,
                };
                findings.assignments.insert(key, assignment);
            }
            // Decisions are compared as they are emitted.
            Fact::Decision(_) => (),
        }
    }
}

fn counted(records: u64, bytes: u64) -> Traced<Rows> {
    Rows { records, bytes }.into()
}
