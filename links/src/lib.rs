//! Links from Hissa's services to what lies outside: Kafka, ClickHouse, the key, Prometheus, the operator's signals.
//!
//! Each service is configured with these and nothing else talks to the outside, so that "any librdkafka property",
//! "a secret from a file" and "ready means that it answered" hold everywhere alike.

pub mod clickhouse;
mod error;
pub mod health;
pub mod http;
pub mod kafka;
pub mod key;
pub mod logging;
pub mod secret;
pub mod stop;
pub mod topics;
pub mod whole;

pub use error::LinkError;
