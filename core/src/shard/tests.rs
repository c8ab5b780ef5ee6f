//! The rules of `docs/semantics.md`, each as a table or a small story.

mod alerts;
mod allowances;
mod assignments;
mod balances;
mod books;
mod breaker;
mod calendar;
mod commands;
mod counters;
mod days;
mod decisions;
mod enrolment;
mod facts;
mod framing;
mod grants;
mod halts;
mod leaks;
mod openings;
mod outcomes;
mod places;
mod policy;
mod properties;
mod snapshots;
mod story;
mod watches;
mod zones;
