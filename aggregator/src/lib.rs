//! The aggregator: shards, their decisions, and the rows of ClickHouse.
//!
//! # The path of an entry
//!
//! [`consume`] polls `hissa.usage` in one thread → [`shards`] hands the entry to the thread that owns its partition →
//! [`worker`] decodes and applies it, and says what is to be done → [`emit`] sends decisions and alert changes to Kafka at
//! once; [`clickhouse`] writes rows in batches that all shards share; [`snapshots`] keeps the state when both have
//! acknowledged. [`restore`] brings it back.

pub mod clickhouse;
mod config;
mod consume;
mod emit;
mod fatal;
mod fleet;
mod metrics;
pub mod restore;
mod service;
mod shards;
pub mod snapshots;
mod wall_clock;
pub mod worker;

pub use config::Config;
pub use emit::EmitError;
pub use service::run;
