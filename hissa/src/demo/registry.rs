//! The demo's registry: everything is entered beforehand, with the times at which it would have been.

use hissa_carrier::{Opening, RegistryEvent, RegistryFile, Replacement, roster_csv};
use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::registry::{self, Command, Retirement};
use hissa_core::sim::{Imsi, SimId};
use hissa_links::key;

use super::workshop::Workshop;
use crate::config::deployment::Deployment;
use crate::config::finding::Findings;
use crate::config::{catalogue, load, programme, roster};
use crate::console::Console;
use crate::import::{self, Plan, Session};

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
    let session = import::command::open(deployment).await?;
    let mut entering = Entering {
        workshop,
        session,
        key: key::load(&deployment.key_file)?,
        console,
    };
    let (mut rosters, mut replacements) = (0, 0);
    for event in events {
        entering.event(event).await?;
        rosters += u64::from(matches!(event.file, RegistryFile::Roster(_)));
        replacements += u64::from(matches!(event.file, RegistryFile::Replacement(_)));
    }
    console.remark(&format!(
        "imported programme, catalogue and {rosters} rosters; {replacements} tablets get another SIM"
    ));
    Ok(())
}

struct Entering<'a> {
    workshop: &'a Workshop,
    session: Session,
    key: Pseudonymizer,
    console: &'a Console,
}

impl Entering<'_> {
    async fn event(&mut self, event: &RegistryEvent) -> anyhow::Result<()> {
        let at_ms = event.entered_at_ms;
        match &event.file {
            RegistryFile::Programme => {
                let source = load::source(&self.workshop.path(&event.file_name))?;
                let findings = Findings::default();
                let file = programme::read(&source, &findings).file;
                let file = load::value(file, findings)?;
                let plan = self.session.plan_programme(&file)?;
                self.apply(plan, event).await
            }
            RegistryFile::Catalogue => {
                let source = load::source(&self.workshop.path(&event.file_name))?;
                let findings = Findings::default();
                let read = catalogue::read(&source, &findings);
                let read = load::value(read, findings)?;
                let plan = self.session.plan_catalogue(&read, at_ms)?;
                self.apply(plan, event).await
            }
            RegistryFile::Roster(rows) => {
                let plan = self.roster(&event.file_name, rows)?;
                self.apply(plan, event).await
            }
            RegistryFile::Replacement(replacement) => self.replace(replacement, event).await,
            RegistryFile::Openings(openings) => {
                let plan = self.openings(openings, at_ms)?;
                self.apply(plan, event).await
            }
        }
    }

    /// The old SIM leaves, then the new one comes, then it is said what it brings along.
    async fn replace(
        &mut self,
        replacement: &Replacement,
        event: &RegistryEvent,
    ) -> anyhow::Result<()> {
        let retirement = Retirement {
            sim: self.sim(&replacement.old_imsi)?,
            at: jiff_date(replacement.on)?,
        };
        let retire = vec![Command::Retire(retirement)];
        let plan = self.session.plan_commands(retire, event.entered_at_ms)?;
        self.apply(plan, event).await?;
        let file_name = format!("{}.csv", event.file_name.trim_end_matches(".json"));
        let rows = std::slice::from_ref(&replacement.row);
        let plan = self.roster(&file_name, rows)?;
        self.apply(plan, event).await?;
        let plan = self.openings(&replacement.openings, event.entered_at_ms)?;
        self.apply(plan, event).await
    }

    fn roster(&self, file_name: &str, rows: &[hissa_carrier::RosterRow]) -> anyhow::Result<Plan> {
        let source = load::source(&self.workshop.write(file_name, roster_csv(rows))?)?;
        let findings = Findings::default();
        let rows = roster::read(&source, &findings).rows;
        let rows: Vec<_> = rows.into_iter().map(|line| line.row).collect();
        let rows = load::value(Some(rows), findings)?;
        Ok(self.session.plan_roster(&rows)?)
    }

    fn openings(&self, openings: &[Opening], entered_at_ms: i64) -> anyhow::Result<Plan> {
        let mut commands = Vec::new();
        for opening in openings {
            commands.push(Command::Opening(registry::Opening {
                sim: self.sim(&opening.imsi)?,
                allowance: opening.allowance.clone(),
                used_bytes: opening.used_bytes,
                as_of: jiff_date(opening.as_of)?,
                revision: opening.revision,
            }));
        }
        Ok(self.session.plan_commands(commands, entered_at_ms)?)
    }

    fn sim(&self, imsi: &str) -> anyhow::Result<SimId> {
        Ok(self.key.sim(&Imsi::parse(imsi)?))
    }

    async fn apply(&mut self, plan: Plan, event: &RegistryEvent) -> anyhow::Result<()> {
        let doing = format!("importing {}", event.file_name);
        let mut progress = self.console.progress(&doing);
        let tell = move |done, all| progress.at(done, all);
        self.session.apply(plan, event.entered_at_ms, tell).await?;
        Ok(())
    }
}

/// The generator has dates of another library: that the two agree is part of what is proven.
fn jiff_date(date: hissa_carrier::Date) -> anyhow::Result<jiff::civil::Date> {
    Ok(date.to_string().parse()?)
}
