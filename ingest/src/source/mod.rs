//! From a carrier's topic to batches of rows.

pub mod batch;



