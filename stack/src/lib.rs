//! Kafka and ClickHouse on one machine, for demos and tests.

pub mod child;
pub mod download;
pub mod error;
pub mod folders;
pub mod kafka;
pub mod ports;
pub mod progress;

mod cache;
mod log_tail;

pub use error::StackError;
pub use progress::{Progress, Report};
