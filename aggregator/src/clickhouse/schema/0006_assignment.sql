-- Where a SIM belongs from a local date on, as known on a booked day. Places are official codes.
CREATE TABLE IF NOT EXISTS hissa.assignment
(
    generation UInt32,
    partition  UInt16,
    sim        FixedString(16),
    valid_from Date32,
    booked_day Date32,
    cohort     LowCardinality(String),
    school     LowCardinality(String),
    commune    LowCardinality(String),
    province   LowCardinality(String),
    region     LowCardinality(String),
    milieu     LowCardinality(String),
    revision   UInt64,
    version    UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(booked_day)
ORDER BY (generation, sim, valid_from, booked_day)
SETTINGS fsync_after_insert = 1;
