//! Seeded runs of the real core, worker and publisher on a simulated log, store, sink and clock.
//!
//! # The path of a seed
//!
//! [`scenario`] makes of it what the carrier and the registry say → [`faults`] makes a list of what goes wrong →
//! [`world`] steps ingesters and owners of partitions through both → [`check`] holds what came out against one quiet
//! reading of the same log.

pub mod check;
pub mod coverage;
pub mod dice;
pub mod faults;
pub mod kept;
mod panics;
mod quick;
pub mod runs;
pub mod scenario;
pub mod seed;
pub mod small;
pub mod sort;
pub mod world;
