//! Ingest against a real Kafka: a feed in, frames out.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod carrier;
mod columns;
mod killed;
mod live;
mod log;
mod played;
mod service;
