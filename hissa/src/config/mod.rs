//! Configuration: `hissa.toml`, `programme.toml`, `calendar.toml`, `catalogue.toml`, `roster.csv`.
//!
//! Each reader reports all that is wrong, with its place and a remedy, and yields a value only where nothing is. Only
//! what this version does is known: a setting without effect would mislead.

pub mod allowance;
pub mod calendar;
pub mod catalogue;
pub mod cohort;
mod csv_line;
pub mod deployment;
pub mod feed;
pub mod finding;
pub mod grant;
pub mod load;
pub mod programme;
pub mod quantity;
pub mod roster;
mod roster_conflicts;
mod roster_header;
pub mod section;
mod values;
