//! The tables of facts, and their columns.

use hissa_core::facts::Fact;

/// A table of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    Assignment,
    SimDay,
    SimCycle,
    Decision,
    OutcomeDay,
    PlaceHour,
    FlagDay,
    Freshness,
}

impl Table {
    /// All of them, each at its own index, in the order in which they are written: freshness is last, for it speaks of
    /// the others.
    pub const ALL: [Table; 8] = [
        Table::Assignment,
        Table::SimDay,
        Table::SimCycle,
        Table::Decision,
        Table::OutcomeDay,
        Table::PlaceHour,
        Table::FlagDay,
        Table::Freshness,
    ];

    /// The name, without the database.
    pub fn name(self) -> &'static str {
        match self {
            Table::SimDay => "sim_day",
            Table::SimCycle => "sim_cycle",
            Table::Decision => "decision",
            Table::OutcomeDay => "outcome_day",
            Table::PlaceHour => "place_hour",
            Table::FlagDay => "flag_day",
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
            Fact::PlaceHour(_) => Table::PlaceHour,
            Fact::FlagDay(_) => Table::FlagDay,
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
            Table::PlaceHour => &[
                ("generation", "UInt32"),
                ("partition", "UInt16"),
                ("province", LOW),
                ("cohort", LOW),
                ("usage_day", "Date32"),
                ("hour", "UInt8"),
                ("class", LOW),
                ("booked_day", "Date32"),
                ("uplink_bytes", "UInt64"),
                ("downlink_bytes", "UInt64"),
                ("version", "UInt64"),
            ],
            Table::FlagDay => &[
                ("generation", "UInt32"),
                ("partition", "UInt16"),
                ("feed", LOW),
                ("booked_day", "Date32"),
                ("flag", LOW),
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
                ("valid_until", "Nullable(Date32)"),
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
    ("allowance", LOW),
    ("limit_bytes", "UInt64"),
    ("granted_bytes", "UInt64"),
    ("used_bytes", "UInt64"),
    ("effective_at_ms", "Int64"),
    ("apply_after_ms", "Int64"),
    ("until_ms", "Nullable(Int64)"),
    ("policy_version", LOW),
    ("catalogue_version", LOW),
    ("rule", "String"),
    ("offset", "UInt64"),
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
