-- Records of a booked day with something to be said about them beside their outcome: what a counter did (sentinel,
-- late_reading, wrap, reset), and what was used behind a block (leaked_education, leaked_other).
CREATE TABLE IF NOT EXISTS hissa.flag_day
(
    generation UInt32,
    partition  UInt16,
    feed       LowCardinality(String),
    booked_day Date32,
    flag       LowCardinality(String),
    records    UInt64,
    bytes      UInt64,
    version    UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(booked_day)
ORDER BY (generation, partition, feed, booked_day, flag)
SETTINGS fsync_after_insert = 1;
