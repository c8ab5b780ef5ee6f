-- Up to where a partition's rows are written: every fact of entries at or before offset is in the tables above.
-- clock_ms is the shard's clock there; open_booked_day is the booked day that is not over yet.
CREATE TABLE IF NOT EXISTS hissa.freshness
(
    generation      UInt32,
    partition       UInt16,
    `offset`        UInt64,
    clock_ms        Int64,
    open_booked_day Date32,
    version         UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (generation, partition)
SETTINGS fsync_after_insert = 1;
