//! From a carrier's topic to batches of rows.

pub mod batch;
mod begin;
mod consumer;
pub mod reader;
#[cfg(test)]
mod reader_tests;
mod reading;
mod watch;

pub use begin::BeginError;
pub use consumer::{Committed, FeedConsumer, FeedEvent};
pub use reading::Surroundings;
