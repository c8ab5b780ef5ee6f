//! `hissa sim replace OLD NEW --at DATE`: the balance follows the tablet.

mod plan;

use std::io::BufRead as _;
use std::path::Path;

use hissa_links::key;

use crate::args::{ReplaceArgs, SimCommand};
use crate::change::{self, Change};
use crate::config::deployment::Deployment;
use crate::console::Console;
use crate::exit::{Exit, UsageError};
use crate::figures::local;
use crate::grant::date;
use crate::import::RegistryView;
use crate::import::cuts::balances;
use crate::sim_name::{self, NamedSim};
use plan::Replacement;

/// Runs the command.
///
/// # Errors
/// A name is not understood, the registry refuses it, Kafka or ClickHouse does not answer.
pub async fn run(
    command: &SimCommand,
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    let SimCommand::Replace(args) = command;
    let at = date("--at", &args.at)?;
    change::refuse_unasked(args.stdin, &args.change)?;
    let change = Change::open(config).await?;
    let view = change.session.view();
    let (old, new) = names(args, &change.deployment, view)?;
    change.deployment.clickhouse.answers().await?;
    let client = change.deployment.clickhouse.client()?;
    let generation = change.deployment.generation;
    let used = balances::of_sim(&client, generation, old.sim, at).await?;
    let as_of_ms = balances::as_of(&client, generation).await?;
    let replacement = Replacement {
        view,
        old: old.sim,
        new: new.sim,
        at,
    };
    let (commands, directory) = replacement.plan(&used)?;
    if view.local_date(as_of_ms) < at {
        console.remark(&format!(
            "{} goes on counting until {at}: its bytes are those of {}; run this again then, and the difference follows",
            old.name,
            local(as_of_ms, &view.zone(), true)
        ));
    }
    change
        .enter(commands, directory, &args.change, console)
        .await
}

/// Both SIMs: from the command line, or, where it does not name them, from stdin, one a line.
fn names(
    args: &ReplaceArgs,
    deployment: &Deployment,
    view: &RegistryView,
) -> anyhow::Result<(NamedSim, NamedSim)> {
    let key = args
        .stdin
        .then(|| key::load(&deployment.key_file))
        .transpose()?;
    let mut lines = std::io::stdin().lock().lines();
    let mut name = |given: &Option<String>| -> anyhow::Result<NamedSim> {
        match (given, &key) {
            (Some(name), _) => sim_name::by_name(name, view),
            (None, Some(key)) => {
                let line = lines.next().transpose()?.unwrap_or_default();
                Ok(sim_name::by_imsi(&line, key, view)?)
            }
            (None, None) => {
                let why = "name the SIM that leaves and the one that comes, or pipe the IMSI in with --stdin";
                Err(UsageError(why.into()).into())
            }
        }
    };
    let (old, new) = (name(&args.old)?, name(&args.new)?);
    if old.sim == new.sim {
        return Err(UsageError("the two are one SIM: name the one that comes".into()).into());
    }
    Ok((old, new))
}
