//! Demand: what people would use, hour by hour, if no quota stopped them.

mod calendar;
mod flows;
mod month;
mod sessions;

pub use calendar::calendar_entries;
pub use month::{Day, month_of_days};
pub use sessions::{PlannedRecord, Planner};
