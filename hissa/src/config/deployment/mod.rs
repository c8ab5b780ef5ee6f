//! `hissa.toml`: the deployment, that is where Kafka and ClickHouse are, where state and the key live, and how the
//! services listen.

mod reading;
mod secrets;
mod writing;

use std::net::SocketAddr;
use std::path::PathBuf;

use hissa_core::sim::Partitions;
use hissa_links::clickhouse::ClickHouseLink;
use hissa_links::kafka::KafkaLink;

pub use reading::read;
pub use secrets::{Secret, secrets};

/// A deployment. Paths are absolute, or relative to the working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    pub partitions: Partitions,
    pub generation: u32,
    /// Snapshots are kept below it.
    pub state_dir: PathBuf,
    /// The key of the pseudonyms.
    pub key_file: PathBuf,
    /// `programme.toml`, which names the feeds.
    pub programme: PathBuf,
    /// Our own cluster.
    pub kafka: KafkaLink,
    /// The carrier's cluster; our own, where the file names no other.
    pub carrier: KafkaLink,
    pub clickhouse: ClickHouseLink,
    pub ingest: IngestSection,
    pub aggregator: AggregatorSection,
    pub notify: NotifySection,
}

/// `[ingest]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestSection {
    /// `/metrics`, `/livez`, `/readyz`.
    pub listen: SocketAddr,
}

/// `[aggregator]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregatorSection {
    pub listen: SocketAddr,
    /// How often a shard's state is stored.
    pub snapshot_every_ms: u64,
}

/// `[notify]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifySection {
    pub listen: SocketAddr,
    /// Where alerts go, and the file with the secret that signs them.
    pub webhook: Option<Webhook>,
    /// Where a message leads its reader: a URL in which `{alert}` stands for the alert's opaque id.
    pub link: String,
}

/// A receiver of Standard Webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub url: String,
    /// The file with `whsec_…`.
    pub secret_file: PathBuf,
}
