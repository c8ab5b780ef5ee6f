//! ClickHouse: the schema of the facts, their rows, and the sink that writes them.

mod schema;

pub use schema::{SchemaError, migrate};
