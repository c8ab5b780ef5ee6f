-- The databases, and the table that remembers which migrations were applied. This file runs at every start.
-- hissa: facts, written by the aggregator alone. pub: views for analysts.
CREATE DATABASE IF NOT EXISTS hissa;

CREATE DATABASE IF NOT EXISTS pub;

CREATE TABLE IF NOT EXISTS hissa.schema_version
(
    version    UInt32,
    name       String,
    applied_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY version
SETTINGS fsync_after_insert = 1;
