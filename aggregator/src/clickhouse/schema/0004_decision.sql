-- Decisions with their provenance, under the shard's own numbers. kbit_s is 0 unless the action is throttle.
-- The cause_ columns are null where no row caused the decision: cause_offset and cause_row are the entry of hissa.usage,
-- cause_source_ the carrier's record, the others its identity.
CREATE TABLE IF NOT EXISTS hissa.decision
(
    generation               UInt32,
    partition                UInt16,
    number                   UInt64,
    booked_day               Date32,
    sim                      FixedString(16),
    class                    LowCardinality(String),
    action                   LowCardinality(String),
    kbit_s                   UInt32,
    sequence                 UInt64,
    reason                   LowCardinality(String),
    cohort                   LowCardinality(String),
    cycle                    Date32,
    limit_bytes              UInt64,
    used_bytes               UInt64,
    effective_at_ms          Int64,
    until_ms                 Nullable(Int64),
    policy_version           LowCardinality(String),
    catalogue_version        LowCardinality(String),
    rule                     String,
    cause_offset             Nullable(UInt64),
    cause_row                Nullable(UInt32),
    cause_feed               Nullable(String),
    cause_epoch              Nullable(UInt32),
    cause_source_partition   Nullable(UInt32),
    cause_source_offset      Nullable(UInt64),
    cause_source_row         Nullable(UInt32),
    cause_node               Nullable(String),
    cause_charging_id        Nullable(UInt64),
    cause_record_sequence    Nullable(UInt32),
    cause_opened_at_ms       Nullable(Int64),
    cause_rating_group       Nullable(UInt32),
    cause_service_id         Nullable(UInt32),
    cause_container_sequence Nullable(UInt32),
    version                  UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(booked_day)
ORDER BY (generation, partition, number)
SETTINGS fsync_after_insert = 1;
