-- An allowance of a SIM in a cycle, as a booked day ended (or stands, for the open one). state is within, exhausted or
-- observed. thresholds are percent, reached_at_ms the UTC milliseconds beside them.
CREATE TABLE IF NOT EXISTS hissa.sim_cycle
(
    generation    UInt32,
    partition     UInt16,
    sim           FixedString(16),
    cycle_start   Date32,
    allowance     LowCardinality(String),
    booked_day    Date32,
    limit_bytes   UInt64,
    granted_bytes UInt64,
    used_bytes    UInt64,
    state         LowCardinality(String),
    thresholds    Array(UInt16),
    reached_at_ms Array(Int64),
    version       UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(booked_day)
ORDER BY (generation, sim, cycle_start, allowance, booked_day)
SETTINGS fsync_after_insert = 1;
