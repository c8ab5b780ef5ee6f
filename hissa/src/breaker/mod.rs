//! `hissa breaker list | release | drop`: orders that the shards hold back, because too many came at once.

mod held;

use std::path::Path;

use hissa_core::registry::{BreakerAction, BreakerOrder, Command};

use crate::args::{BreakerArgs, BreakerCommand};
use crate::blocking::blocking;
use crate::change::Change;
use crate::config::load;
use crate::console::Console;
use crate::exit::Exit;
use crate::import::RegistryView;

/// Runs the command.
///
/// # Errors
/// Kafka does not answer, or the programme has no such cohort.
pub async fn run(
    command: &BreakerCommand,
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    match command {
        BreakerCommand::List => list(config, console).await,
        BreakerCommand::Release(args) => order(args, BreakerAction::Release, config, console).await,
        BreakerCommand::Drop(args) => order(args, BreakerAction::Drop, config, console).await,
    }
}

async fn list(config: Option<&Path>, console: &Console) -> anyhow::Result<Exit> {
    let deployment = load::deployment(config)?;
    let link = deployment.kafka.clone();
    let (view, held) = blocking(move || -> anyhow::Result<_> {
        Ok((RegistryView::read(&link)?, held::read(&link)?))
    })
    .await?;
    if console.json {
        console.json_line(&held)?;
    } else {
        console.data(&held::text(&held, &view.zone()));
    }
    // Orders that wait for somebody are a finding.
    Ok(if held.is_empty() {
        Exit::Fine
    } else {
        Exit::Finding
    })
}

async fn order(
    args: &BreakerArgs,
    action: BreakerAction,
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    let change = Change::open(config).await?;
    let link = change.deployment.kafka.clone();
    let mut held = blocking(move || held::read(&link)).await?;
    held.retain(|held| held.cohort == args.cohort);
    if held.is_empty() {
        console.remark(&format!(
            "no alert says that orders of {} are held: the command may find nothing",
            args.cohort
        ));
    } else {
        console.remark(held::text(&held, &change.session.view().zone()).trim_end());
    }
    let order = Command::Breaker(BreakerOrder {
        action,
        cohort: args.cohort.clone(),
    });
    change
        .enter(vec![order], Vec::new(), &args.change, console)
        .await
}
