//! Kafka and ClickHouse on one machine, for demos and tests: real parts, from the package registries, without
//! containers. Everything outside this crate knows only their addresses, so that a real cluster replaces it.
//!
//! - [`Stack::up`] starts both as children of this process; they die with it, however it dies.
//! - [`up_detached`], [`status`], [`down`] and [`supervise`] are `hissa stack up | status | down` and the process that
//!   `up` leaves behind.
//! - [`kafka::Kafka`] is one part alone.
//!
//! Downloads are pinned by checksum and kept in `$XDG_CACHE_HOME/hissa`.

pub mod accounts;
pub mod child;
pub mod clickhouse;
pub mod detached;
pub mod download;
pub mod error;
pub mod folders;
pub mod kafka;
pub mod ports;
pub mod progress;
pub mod stack;
pub mod state;
pub mod supervise;

mod cache;
mod clickhouse_probe;
mod log_tail;

pub use detached::{ServiceStatus, StackStatus, down, running, status, up_detached};
pub use error::StackError;
pub use progress::{Progress, Report};
pub use stack::{Stack, StackOptions, fetch};
pub use state::{Service, StackState};
pub use supervise::supervise;
