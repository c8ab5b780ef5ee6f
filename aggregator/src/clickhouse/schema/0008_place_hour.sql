-- Bytes of a province and cohort in a local hour (0 to 23) of a usage day, as far as they were booked on a booked day,
-- by the assignment that spoke of the usage day as known then. The partition is a part of the key: several shards have
-- SIMs of one place, and each writes its own share.
CREATE TABLE IF NOT EXISTS hissa.place_hour
(
    generation     UInt32,
    partition      UInt16,
    province       LowCardinality(String),
    cohort         LowCardinality(String),
    usage_day      Date32,
    hour           UInt8,
    class          LowCardinality(String),
    booked_day     Date32,
    uplink_bytes   UInt64,
    downlink_bytes UInt64,
    version        UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(booked_day)
ORDER BY (generation, province, cohort, usage_day, hour, class, booked_day, partition)
SETTINGS fsync_after_insert = 1;
