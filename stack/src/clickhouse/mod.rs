//! ClickHouse on one machine: its own engine, `libchdb`, in a process of its own behind the smallest HTTP front that
//! the `clickhouse` crate, `curl` and Grafana's plugin need.
//!
//! [`ClickHouse::launch`] starts that process (`hissa-clickhouse`, [`front`]) as a child. The path of a request:
//!
//! ```text
//! http/server ── http/request (user, SQL, parameters, settings) ── body complete ──► engine/pool
//!     ▲                                                                                  │
//!     │                          sql/guard, sql/readers: refused?  ◄── engine/statement ─┤
//!     └── wire/respond (compressed, in pieces) ◄── engine/ffi (libchdb) ◄────────────────┘
//! ```
//!
//! What it is not: a server for a network. It listens on the loopback interface, keeps no sessions, has no query log,
//! no users in SQL, no replication. Everything outside this crate knows only its URL, so that a real ClickHouse takes
//! its place.

pub mod engine;
pub mod exception;
pub mod front;
pub mod http;
pub mod launch;
mod probe;
pub mod sql;
pub mod users;
pub mod wire;

pub use launch::{ClickHouse, ClickHouseOptions};
pub use users::User;

/// `X-ClickHouse-Server-Display-Name`.
pub const DISPLAY_NAME: &str = "hissa-clickhouse";
