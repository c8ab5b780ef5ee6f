//! Alerts to people: reads the changes of alerts, says them in words, and delivers them to a webhook.
//!
//! The path of an alert change: [`service`] reads it from `hissa.alerts` → [`desk`] asks whether its revision is news,
//! and keeps the order per alert → [`message`] puts the tablet's asset tag and the words of [`text`] in the place of
//! identifiers → [`webhook`] signs and posts it until the receiver has it → [`desk`] says how far a partition is
//! done → its offset is committed. So a change arrives at least once, under the same id each time; the receiver drops
//! a repeat by its id.

pub mod config;
mod desk;
mod details;
mod directory;
mod ends;
mod log;
pub mod message;
mod metrics;
pub mod receiver;
#[cfg(test)]
mod samples;
mod service;
pub mod text;
pub mod webhook;

pub use config::Config;
pub use details::{
    About, ConflictDetails, ExpiringDetails, HeldDetails, IdleDetails, MovedDetails, QuotaDetails,
    SharingDetails,
};
pub use service::run;
