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

// Results must not differ from run to run, and bytes are exact: no walk over a hash map, no floating point.
#![deny(clippy::float_arithmetic, clippy::iter_over_hash_type)]

pub mod alert;
mod booking;
mod breaker;
pub mod calendar;
pub mod catalogue;
mod chunks;
mod counters;
mod cycle;
pub mod decision;
pub mod facts;
mod fixed_hash;
pub mod grants;
mod heard;
mod held;
mod interned;
mod ledger;
mod numbers;
pub mod outcome;
pub mod programme;
pub mod pseudonym;
pub mod registry;
mod roster;
mod seen;
pub mod shard;
pub mod sim;
pub mod snapshot;
pub mod sources;
pub mod usage;
mod watches;
pub mod wire;
mod zone;

pub use fixed_hash::FixedHash;
pub use seen::SeenSize;
pub use zone::ZoneError;
