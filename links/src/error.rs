//! What can be wrong with a link; each message is one sentence with its remedy.

use std::path::PathBuf;

/// A dependency that is missing, does not answer, or is not set up. The command line ends with code 4.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(
        "Kafka at {servers} did not answer within {seconds} s while {doing} ({why}): is it running, and is `bootstrap.servers` right?"
    )]
    KafkaSilent {
        servers: String,
        seconds: u64,
        doing: String,
        why: String,
    },
    #[error("Kafka refused {doing}: {why}")]
    KafkaRefused { doing: String, why: String },
    #[error("the Kafka properties for {role} are not usable: {why}")]
    KafkaProperties { role: String, why: String },
    #[error(
        "topic {topic} has {found} partitions, and the configuration says {expected}: the number is never changed in place; set `partitions` to {found}, or begin a new generation"
    )]
    Partitions {
        topic: String,
        found: usize,
        expected: u16,
    },
    #[error(
        "ClickHouse at {url} did not answer ({why}): is it running, and are url, user and password right?"
    )]
    ClickHouseSilent { url: String, why: String },
    #[error("cannot read {what} {path}: {why}")]
    Unreadable {
        what: &'static str,
        path: PathBuf,
        why: String,
    },
    #[error("{what} {path} can be read by others (mode {mode:o}): run `chmod 600 {path}`")]
    Permissions {
        what: &'static str,
        path: PathBuf,
        mode: u32,
    },
    #[error("{what} {path} is not usable: {why}")]
    Malformed {
        what: &'static str,
        path: PathBuf,
        why: &'static str,
    },
    #[error("cannot listen on {address}: {why}; free the port, or set another one")]
    Listen {
        address: std::net::SocketAddr,
        why: String,
    },
}
