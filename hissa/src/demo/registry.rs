//! The demo's registry: everything is entered beforehand, with the times at which it would have been.

use hissa_carrier::{RegistryEvent, RegistryFile, roster_csv};

use super::workshop::Workshop;
use crate::config::deployment::Deployment;
use crate::config::finding::Findings;
use crate::config::{catalogue, load, programme, roster};
use crate::console::Console;
use crate::import;

/// Enters all events by the same reading, checking and planning that `hissa import` does.
///
/// # Errors
/// A file of the generator does not pass the checks, or Kafka does not answer.
pub async fn enter(
    workshop: &Workshop,
    deployment: &Deployment,
    events: &[RegistryEvent],
    console: &Console,
) -> anyhow::Result<()> {
    let mut session = import::command::open(deployment).await?;
    for event in events {
        let path = match &event.file {
            RegistryFile::Roster(rows) => workshop.write(&event.file_name, roster_csv(rows))?,
            RegistryFile::Programme | RegistryFile::Catalogue => workshop.path(&event.file_name),
        };
        let source = load::source(&path)?;
        let findings = Findings::default();
        let plan = match &event.file {
            RegistryFile::Programme => {
                let file = programme::read(&source, &findings).file;
                session.plan_programme(&load::value(file, findings)?)?
            }
            RegistryFile::Catalogue => {
                let read = catalogue::read(&source, &findings);
                session.plan_catalogue(&load::value(read, findings)?, event.entered_at_ms)?
            }
            RegistryFile::Roster(_) => {
                let rows = roster::read(&source, &findings).rows;
                let rows: Vec<_> = rows.into_iter().map(|line| line.row).collect();
                session.plan_roster(&load::value(Some(rows), findings)?)?
            }
        };
        let mut progress = console.progress(&format!("importing {}", event.file_name));
        session
            .apply(plan, event.entered_at_ms, move |done, all| {
                progress.at(done, all)
            })
            .await?;
    }
    console.remark(&format!(
        "imported programme, catalogue and {} rosters",
        events.len().saturating_sub(2)
    ));
    Ok(())
}
