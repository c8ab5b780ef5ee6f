//! How a fact becomes a row: its values in the order of the table's columns.

use hissa_core::facts::{
    Assignment, DecisionRow, Fact, FlagDay, OutcomeDay, PlaceHour, SimCycle, SimDay,
};

use super::row_binary::RowBinary;
use crate::worker::Freshness;

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
            Fact::PlaceHour(fact) => place_hour(row, fact),
            Fact::FlagDay(fact) => flag_day(row, fact),
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
        .string(&fact.allowance)
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
        .string(&decision.allowance.id)
        .u64(decision.allowance.limit_bytes)
        .u64(decision.allowance.granted_bytes)
        .u64(decision.allowance.used_bytes)
        .i64(decision.effective_at_ms)
        .i64(decision.apply_after_ms)
        .nullable(decision.until_ms, RowBinary::i64)
        .string(&decision.policy_version)
        .string(&decision.catalogue_version)
        .string(&decision.rule)
        .u64(decision.offset)
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

fn place_hour<'a>(row: &'a mut RowBinary, fact: &PlaceHour) -> &'a mut RowBinary {
    row.string(&fact.province)
        .string(&fact.cohort)
        .date(fact.usage_day)
        .u8(fact.hour)
        .string(fact.class.as_str())
        .date(fact.booked_day)
        .u64(fact.uplink_bytes)
        .u64(fact.downlink_bytes)
        .u64(fact.version)
}

fn flag_day<'a>(row: &'a mut RowBinary, fact: &FlagDay) -> &'a mut RowBinary {
    row.string(fact.feed.as_str())
        .date(fact.booked_day)
        .string(fact.flag.as_str())
        .u64(fact.records)
        .u64(fact.bytes)
        .u64(fact.version)
}

fn assignment<'a>(row: &'a mut RowBinary, fact: &Assignment) -> &'a mut RowBinary {
    row.fixed(&fact.sim.0)
        .date(fact.valid_from)
        .date(fact.booked_day)
        .nullable(fact.valid_until, RowBinary::date)
        .string(&fact.cohort)
        .string(&fact.place.school)
        .string(&fact.place.commune)
        .string(&fact.place.province)
        .string(&fact.place.region)
        .string(&fact.place.milieu)
        .u64(fact.revision)
        .u64(fact.version)
}
