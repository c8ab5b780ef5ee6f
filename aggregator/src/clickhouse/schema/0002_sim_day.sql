-- Bytes of a SIM on a usage day, of a class and service, as far as they were booked on a booked day. A row is absolute
-- and may be written again: of a key the row with the greatest version holds. Read it with FINAL.
-- Enrolled SIMs, held SIMs and late bytes are all here. service is empty for the class unknown.
CREATE TABLE IF NOT EXISTS hissa.sim_day
(
    generation     UInt32,
    partition      UInt16,
    sim            FixedString(16),
    usage_day      Date32,
    class          LowCardinality(String),
    service        LowCardinality(String),
    booked_day     Date32,
    uplink_bytes   UInt64,
    downlink_bytes UInt64,
    records        UInt64,
    version        UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(booked_day)
ORDER BY (generation, sim, usage_day, class, service, booked_day)
SETTINGS fsync_after_insert = 1;
