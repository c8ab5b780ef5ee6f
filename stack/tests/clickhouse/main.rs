//! The front with the real engine, as its clients see it: the `clickhouse` crate, `curl`, and what a driver of Go
//! sends. One ClickHouse serves all tests that do not need their own; each test has its own database.
// The lint's exemption of tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used)]

mod compression;
mod crate_client;
mod curl_client;
mod durability;
mod harness;
mod life;
mod native;
mod readers;
mod refusals;
