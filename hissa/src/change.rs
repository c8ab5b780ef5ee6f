//! What the commands share that change the registry without a file.

use std::path::Path;

use hissa_core::registry::Command;

use crate::args::ChangeArgs;
use crate::config::deployment::Deployment;
use crate::config::load;
use crate::console::Console;
use crate::exit::{Exit, UsageError};
use crate::import::Session;
use crate::import::command::{now_ms, open};
use crate::import::settle::settle_and_tell;

/// The deployment and its registry, opened to be changed.
pub struct Change {
    pub deployment: Deployment,
    pub session: Session,
    /// When the commands are entered (UTC milliseconds).
    pub now_ms: i64,
}

impl Change {
    /// Opens both.
    ///
    /// # Errors
    /// The configuration is not usable, or Kafka does not answer.
    pub async fn open(config: Option<&Path>) -> anyhow::Result<Change> {
        let deployment = load::deployment(config)?;
        let session = open(&deployment).await?;
        Ok(Change {
            deployment,
            session,
            now_ms: now_ms(),
        })
    }

    /// Shows the commands, asks, enters them; `directory` goes with them.
    ///
    /// # Errors
    /// The registry refuses one of them, nobody agrees, or Kafka does not take all of it.
    pub async fn enter(
        mut self,
        commands: Vec<Command>,
        directory: Vec<(String, Option<String>)>,
        change: &ChangeArgs,
        console: &Console,
    ) -> anyhow::Result<Exit> {
        let mut plan = self.session.plan_commands(commands, self.now_ms)?;
        plan.directory = directory;
        let session = &mut self.session;
        settle_and_tell(session, plan, "commands", change, self.now_ms, console).await
    }
}

/// Where stdin brings identifiers, nobody can be asked on it.
///
/// # Errors
/// The command would have to ask.
pub fn refuse_unasked(stdin: bool, change: &ChangeArgs) -> Result<(), UsageError> {
    if stdin && !change.yes && !change.dry_run {
        let why = "identifiers from stdin leave nobody to ask: add --yes or --dry-run";
        return Err(UsageError(why.into()));
    }
    Ok(())
}
