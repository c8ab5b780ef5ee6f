//! The rules of `docs/semantics.md`, each as a table or a small story.

mod alerts;
mod balances;
mod books;
mod days;
mod decisions;
mod enrolment;
mod facts;
mod framing;
mod grants;
mod halts;
mod outcomes;
mod policy;
mod snapshots;
mod story;
