//! Files into the registry: the difference to what it holds, then the events that make it so.
//!
//! A program imports through a [`Session`]: `plan_*` says what would change, `apply` enters it. The command line does
//! the same and asks in between.

pub mod calendar;
pub mod catalogue;
pub mod command;
pub mod commands;
pub mod cuts;
pub mod describe;
pub mod plan;
pub mod programme;
pub mod registry_view;
pub mod roster;
mod roster_changes;
pub mod session;
pub mod settle;
pub mod sim_history;
#[cfg(test)]
mod tests;

pub use command::run;
pub use plan::{Difference, Plan};
pub use registry_view::RegistryView;
pub use session::Session;

/// Why an import is not done.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Link(#[from] hissa_links::LinkError),
    #[error("the registry has no programme yet: run `hissa import programme programme.toml` first")]
    NoProgramme,
    #[error("nothing was imported:\n  {}", .0.join("\n  "))]
    Refused(Vec<String>),
    #[error(
        "{topic} @{offset} holds a command that this version does not know ({why}): use the version that wrote it"
    )]
    Malformed {
        topic: &'static str,
        offset: i64,
        why: String,
    },
    #[error(
        "nothing was imported, for nobody agreed: run it in a terminal, or with --yes (--dry-run shows the difference only)"
    )]
    NotAgreed,
}
