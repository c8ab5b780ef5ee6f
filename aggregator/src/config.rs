//! What an aggregator is told.

use std::net::SocketAddr;
use std::path::PathBuf;

use hissa_core::sim::Partitions;
use hissa_links::clickhouse::ClickHouseLink;
use hissa_links::kafka::KafkaLink;
use serde::{Deserialize, Serialize};

/// The configuration of an aggregator. Only links, paths and the address have no default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The cluster with the topics `hissa.*`.
    pub kafka: KafkaLink,
    pub clickhouse: ClickHouseLink,
    /// The key behind the pseudonyms, to name the SIM in decisions for the carrier.
    pub key_file: PathBuf,
    /// The folder of snapshots; it belongs to the log in `kafka`.
    pub snapshots: PathBuf,
    /// Of `/metrics`, `/livez`, `/readyz`.
    pub listen: SocketAddr,
    /// Partitions of `hissa.usage`.
    #[serde(default = "defaults::partitions")]
    pub partitions: Partitions,
    /// The generation of the log.
    #[serde(default = "defaults::generation")]
    pub generation: u32,
    /// The consumer group.
    #[serde(default = "defaults::group")]
    pub group: String,
    /// Shard threads; as many as cores, if none is named.
    #[serde(default)]
    pub threads: Option<usize>,
    /// From one snapshot of a shard to the next.
    #[serde(default = "defaults::snapshot_every_ms")]
    pub snapshot_every_ms: u64,
    /// So long rows wait for company before they are written.
    #[serde(default = "defaults::flush_every_ms")]
    pub flush_every_ms: u64,
    /// Rows of one shard that are written at once, at the most.
    #[serde(default = "defaults::batch_rows")]
    pub batch_rows: usize,
    /// How long the end may take: to finish what is under way and to store snapshots. 0: leave at once, as after a
    /// crash.
    #[serde(default = "defaults::drain_ms")]
    pub drain_ms: u64,
}

impl Config {
    /// With all defaults, and a port that is free.
    pub fn new(
        kafka: KafkaLink,
        clickhouse: ClickHouseLink,
        key_file: PathBuf,
        snapshots: PathBuf,
    ) -> Config {
        Config {
            kafka,
            clickhouse,
            key_file,
            snapshots,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            partitions: defaults::partitions(),
            generation: defaults::generation(),
            group: defaults::group(),
            threads: None,
            snapshot_every_ms: defaults::snapshot_every_ms(),
            flush_every_ms: defaults::flush_every_ms(),
            batch_rows: defaults::batch_rows(),
            drain_ms: defaults::drain_ms(),
        }
    }
}

mod defaults {
    use hissa_core::sim::Partitions;

    pub fn partitions() -> Partitions {
        Partitions::SMALL
    }

    pub fn generation() -> u32 {
        1
    }

    pub fn group() -> String {
        "hissa-aggregator".into()
    }

    pub fn snapshot_every_ms() -> u64 {
        180_000
    }

    pub fn flush_every_ms() -> u64 {
        1_000
    }

    pub fn batch_rows() -> usize {
        50_000
    }

    pub fn drain_ms() -> u64 {
        20_000
    }
}
