//! The rules of `docs/semantics.md` a second time, the slow and obvious way.
//!
//! From the carrier's raw feed and the registry, taking only the order of rows, blocks and times from `hissa.usage`, it
//! computes every SIM-day, balance, outcome, alert and decision. It is written from the pages in `docs/` alone, never
//! from `core/`, so that two independent readings of the rules meet. [`compare`] then asks for equality, and tells the
//! first SIM, day and record where there is none.
//!
//! - [`judge`] judges a whole log; [`Judge`] judges it entry by entry.
//! - [`Findings`] is what both sides are turned into. Decisions and alert changes read from the JSON that the system
//!   emits; fields that are not compared (`rule`) are left out.
//! - [`Refused`] tells where a shard must halt, or where the log contradicts the feed or the registry.

mod balance;
mod check;
mod compare;
mod counter;
mod day;
mod findings;
mod input;
mod instant;
mod json;
mod judge;
mod names;
mod period;
mod pseudonym;
mod record;
mod registry;
mod row;
mod rules;
mod said;
mod seen;
mod shard;
mod sim;
mod watch;
mod zone;

pub use compare::{DIFFERENCES_PER_TABLE, Difference, compare};
pub use day::{Day, NoDate};
pub use findings::{
    AssignmentKey, AssignmentRow, Bytes, CycleRow, Discrepancy, Findings, FlagDay, LastRow,
    OutcomeDay, PlaceHour, Rows, SimCycle, SimDay, Traced, UpDown,
};
pub use input::{Entry, Input, Kind, Messages, RawFeed, Refused, Settings, Why};
pub use judge::{Judge, judge};
pub use names::{Class, Feed, NoName, Outcome, Pseudonym};
pub use record::why_rejected;
pub use said::{AlertChange, Cause, Decision, RecordName, SourcePosition, Standing};
