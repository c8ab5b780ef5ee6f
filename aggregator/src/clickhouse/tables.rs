//! The tables of facts: their columns, and how a fact becomes a row.

use hissa_core::facts::{Assignment, DecisionRow, Fact, OutcomeDay, SimCycle, SimDay};

use super::row_binary::RowBinary;
use crate::worker::Freshness;

/// A table of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    Assignment,
    SimDay,
    SimCycle,
    Decision,
    OutcomeDay,
    Freshness,
}

impl Table {
    /// All of them, each at its own index, in the order in which they are written: freshness is last, for it speaks of
    /// the others.
    pub const ALL: [Table; 6] = [
        Table::Assignment,
        Table::SimDay,
        Table::SimCycle,
        Table::Decision,
        Table::OutcomeDay,
        Table::Freshness,
    ];

    /// The name, without the database.
    pub fn name(self) -> &'static str {
        match self {
            Table::SimDay => "sim_day",
            Table::SimCycle => "sim_cycle",
            Table::Decision => "decision",
            Table::OutcomeDay => "outcome_day",
            Table::Assignment => "assignment",
            Table::Freshness => "freshness",
        }
    }

    pub(super) fn of(fact: &Fact) -> Table {
        match fact {
            Fact::SimDay(_) => Table::SimDay,
            Fact::SimCycle(_) => Table::SimCycle,
            Fact::Decision(_) => Table::Decision,
            Fact::OutcomeDay(_) => Table::OutcomeDay,
            Fact::Assignment(_) => Table::Assignment,
        }
    }

    /// Names and types of the columns, in the order of a row. ClickHouse compares them with its own at each insert.
    pub(super) fn columns(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Table::SimDay => &[
                ("generation", "UInt32"),
                ("partition", "UInt16"),
                ("sim", "FixedString(16)"),
                ("usage_day", "Date32"),
                ("class", LOW),
                ("service", LOW),
                ("booked_day", "Date32"),
                ("uplink_bytes", "UInt64"),
                ("downlink_bytes", "UInt64"),
                ("records", "UInt64"),
                ("version", "UInt64"),
            ],
            Table::SimCycle => &[
                ("generation", "UInt32"),
                ("partition", "UInt16"),
                ("sim", "FixedString(16)"),
                ("cycle_start", "Date32"),
                ("allowance", LOW),
                ("booked_day", "Date32"),
                ("limit_bytes", "UInt64"),
                ("granted_bytes", "UInt64"),
                ("used_bytes", "UInt64"),
                ("state", LOW),
                ("thresholds", "Array(UInt16)"),
                ("reached_at_ms", "Array(Int64)"),
                ("version", "UInt64"),
            ],
            Table::Decision => DECISION,
            Table::OutcomeDay => &[
                ("generation", "UInt32"),
                ("partition", "UInt16"),
                ("feed", LOW),
                ("booked_day", "Date32"),
                ("outcome", LOW),
                ("reason", LOW),
                ("records", "UInt64"),
                ("bytes", "UInt64"),
                ("version", "UInt64"),
            ],
            Table::Assignment => &[
                ("generation", "UInt32"),
                ("partition", "UInt16"),
                ("sim", "FixedString(16)"),
                ("valid_from", "Date32"),
                ("booked_day", "Date32"),
                ("cohort", LOW),
                ("school", LOW),
                ("commune", LOW),
                ("province", LOW),
                ("region", LOW),
                ("milieu", LOW),
                ("revision", "UInt64"),
                ("version", "UInt64"),
            ],
            Table::Freshness => &[
                ("generation", "UInt32"),
                ("partition", "UInt16"),
                ("offset", "UInt64"),
                ("clock_ms", "Int64"),
                ("open_booked_day", "Date32"),
                ("version", "UInt64"),
            ],
        }
    }
}

const LOW: &str = "LowCardinality(String)";

const DECISION: &[(&str, &str)] = &[
    ("generation", "UInt32"),
    ("partition", "UInt16"),
    ("number", "UInt64"),
    ("booked_day", "Date32"),
    ("sim", "FixedString(16)"),
    ("class", LOW),
    ("action", LOW),
    ("kbit_s", "UInt32"),
    ("sequence", "UInt64"),
    ("reason", LOW),
    ("cohort", LOW),
    ("cycle", "Date32"),
    ("limit_bytes", "UInt64"),
    ("used_bytes", "UInt64"),
    ("effective_at_ms", "Int64"),
    ("until_ms", "Nullable(Int64)"),
    ("policy_version", LOW),
    ("catalogue_version", LOW),
    ("rule", "String"),
    ("cause_offset", "Nullable(UInt64)"),
    ("cause_row", "Nullable(UInt32)"),
    ("cause_feed", "Nullable(String)"),
    ("cause_epoch", "Nullable(UInt32)"),
    ("cause_source_partition", "Nullable(UInt32)"),
    ("cause_source_offset", "Nullable(UInt64)"),
    ("cause_source_row", "Nullable(UInt32)"),
    ("cause_node", "Nullable(String)"),
    ("cause_charging_id", "Nullable(UInt64)"),
    ("cause_record_sequence", "Nullable(UInt32)"),
    ("cause_opened_at_ms", "Nullable(Int64)"),
    ("cause_rating_group", "Nullable(UInt32)"),
    ("cause_service_id", "Nullable(UInt32)"),
    ("cause_container_sequence", "Nullable(UInt32)"),
    ("version", "UInt64"),
];

/// The shard whose rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub generation: u32,
    pub partition: u16,
}

impl Owner {
    pub(super) fn fact(self, row: &mut RowBinary, fact: &Fact) {
        row.u32(self.generation).u16(self.partition);
        match fact {
            Fact::SimDay(fact) => sim_day(row, fact),
            Fact::SimCycle(fact) => sim_cycle(row, fact),
            Fact::Decision(fact) => decision(row, fact),
            Fact::OutcomeDay(fact) => outcome_day(row, fact),
            Fact::Assignment(fact) => assignment(row, fact),
        };
    }

    pub(super) fn freshness(self, row: &mut RowBinary, freshness: &Freshness) {
        row.u32(self.generation)
            .u16(self.partition)
            .u64(freshness.offset)
            .i64(freshness.clock_ms)
            .date(freshness.open_booked_day)
            .u64(freshness.offset);
    }
}

fn sim_day<'a>(row: &'a mut RowBinary, fact: &SimDay) -> &'a mut RowBinary {
    row.fixed(&fact.sim.0)
        .date(fact.usage_day)
        .string(fact.class.as_str())
        .string(&fact.service)
        .date(fact.booked_day)
        .u64(fact.uplink_bytes)
        .u64(fact.downlink_bytes)
        .u64(fact.records)
        .u64(fact.version)
}

fn sim_cycle<'a>(row: &'a mut RowBinary, fact: &SimCycle) -> &'a mut RowBinary {
    row.fixed(&fact.sim.0)
        .date(fact.cycle_start)
        .string(fact.allowance.as_str())
        .date(fact.booked_day)
        .u64(fact.limit_bytes)
        .u64(fact.granted_bytes)
        .u64(fact.used_bytes)
        .string(fact.state)
        .array(&fact.thresholds, RowBinary::u16)
        .array(&fact.reached_at_ms, RowBinary::i64)
        .u64(fact.version)
}

fn decision<'a>(row: &'a mut RowBinary, fact: &DecisionRow) -> &'a mut RowBinary {
    let decision = &fact.decision;
    let cause = decision.cause.as_ref();
    let record = cause.map(|cause| &cause.record);
    row.u64(decision.number)
        .date(fact.booked_day)
        .fixed(&decision.sim.0)
        .string(decision.class.as_str())
        .string(decision.action.as_str())
        .u32(decision.action.kbit_s())
        .u64(decision.sequence)
        .string(decision.reason.as_str())
        .string(&decision.cohort)
        .date(decision.cycle)
        .u64(decision.allowance.limit_bytes)
        .u64(decision.allowance.used_bytes)
        .i64(decision.effective_at_ms)
        .nullable(decision.until_ms, RowBinary::i64)
        .string(&decision.policy_version)
        .string(&decision.catalogue_version)
        .string(&decision.rule)
        .nullable(cause.map(|cause| cause.offset), RowBinary::u64)
        .nullable(cause.map(|cause| cause.row), RowBinary::u32)
        .nullable(
            cause.map(|cause| cause.source.feed.as_str()),
            RowBinary::string,
        )
        .nullable(cause.map(|cause| cause.source.epoch), RowBinary::u32)
        .nullable(cause.map(|cause| cause.source.partition), RowBinary::u32)
        .nullable(
            cause.map(|cause| cause.source_position.offset),
            RowBinary::u64,
        )
        .nullable(cause.map(|cause| cause.source_position.row), RowBinary::u32)
        .nullable(record.map(|record| record.node.as_str()), RowBinary::string)
        .nullable(record.map(|record| record.charging_id), RowBinary::u64)
        .nullable(record.map(|record| record.record_sequence), RowBinary::u32)
        .nullable(record.map(|record| record.opened_at_ms), RowBinary::i64)
        .nullable(record.map(|record| record.rating_group), RowBinary::u32)
        .nullable(record.map(|record| record.service_id), RowBinary::u32)
        .nullable(
            record.map(|record| record.container_sequence),
            RowBinary::u32,
        )
        .u64(fact.version)
}

fn outcome_day<'a>(row: &'a mut RowBinary, fact: &OutcomeDay) -> &'a mut RowBinary {
    row.string(fact.feed.as_str())
        .date(fact.booked_day)
        .string(fact.outcome.as_str())
        .string(fact.outcome.reason())
        .u64(fact.records)
        .u64(fact.bytes)
        .u64(fact.version)
}

fn assignment<'a>(row: &'a mut RowBinary, fact: &Assignment) -> &'a mut RowBinary {
    row.fixed(&fact.sim.0)
        .date(fact.valid_from)
        .date(fact.booked_day)
        .string(&fact.cohort)
        .string(&fact.place.school)
        .string(&fact.place.commune)
        .string(&fact.place.province)
        .string(&fact.place.region)
        .string(&fact.place.milieu)
        .u64(fact.revision)
        .u64(fact.version)
}
