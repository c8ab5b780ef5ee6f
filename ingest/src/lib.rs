//! Carrier feeds into `hissa.usage`.
//!
//! # The path of a message
//!
//! [`source`] reads it from the carrier's topic → [`decode`] makes a record of it, or says why it is none → [`admit`]
//! halts the feed where a clock is wrong → [`rows`] makes rows under pseudonyms → [`publish`] gathers them into frames
//! by SIM, puts the registry's commands before them and Progress behind them → [`position`] is stored once all that is
//! acknowledged. What is no record becomes a stub row and an entry of [`reject`].
//!
//! # Without Kafka
//!
//! All that decides is free of Kafka and of clocks, and open to other crates: simulations and fuzzers drive what the
//! service runs. [`decode::json::decode`] reads one message; [`source::reader::Reader`] makes [`source::batch::Batch`]es
//! of messages; [`publish::Publisher`] turns [`publish::Event`]s into [`publish::Command`]s. `tests/surface.rs` shows all of
//! it on a page.

pub mod admit;
pub mod clock;
pub mod config;
pub mod decode;
pub mod halt;
pub mod metrics;
pub mod node_sequence;
pub mod position;
pub mod producer;
pub mod publish;
pub mod registry;
pub mod reject;
pub mod rows;
pub mod run;
mod running;
pub mod source;

pub use config::Config;
pub use run::{Ingest, run};
