//! Shards, their decisions, and the rows of ClickHouse.

pub mod clickhouse;
