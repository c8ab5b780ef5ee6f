-- The books of a day: exactly one outcome for each record. reason is empty where the outcome has none.
CREATE TABLE IF NOT EXISTS hissa.outcome_day
(
    generation UInt32,
    partition  UInt16,
    feed       LowCardinality(String),
    booked_day Date32,
    outcome    LowCardinality(String),
    reason     LowCardinality(String),
    records    UInt64,
    bytes      UInt64,
    version    UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(booked_day)
ORDER BY (generation, partition, feed, booked_day, outcome, reason)
SETTINGS fsync_after_insert = 1;
