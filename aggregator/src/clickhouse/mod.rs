//! ClickHouse: the schema of the facts, their rows, and the sink that writes them.

mod batch;
mod fault;
mod row_binary;
mod rows;
mod schema;
mod sink;
mod tables;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Rows};
pub use fault::Fault;
pub use rows::Owner;
pub use schema::{SchemaError, migrate};
pub use sink::{Answer, Delivery, Sink};
pub use tables::Table;
