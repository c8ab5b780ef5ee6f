//! The pure core of Hissa: what a byte counts for, what a SIM may do, and why.
//!
//! # The path of one row
//!
//! [`wire`] reads an entry of `hissa.usage` → [`shard`] moves its clock and runs the timers → [`seen`] says whether the
//! [`usage`] row is new → [`catalogue`] names its class and service → [`outcome`] → [`booking`] adds it to the cells of
//! the open booked day → [`ledger`] adds it to the SIM's balance → [`decision`] and [`alert`] where something changed.
//!
//! There is no clock here, no randomness, no file, no thread, no log: time is an argument, effects are values.
//! The rules are in `docs/semantics.md`.

pub mod alert;
pub mod decision;
pub mod facts;
pub mod outcome;
pub mod pseudonym;
pub mod registry;
pub mod shard;
pub mod sim;
pub mod snapshot;
pub mod sources;
pub mod usage;
pub mod wire;
