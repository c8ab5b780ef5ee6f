//! `hissa grant add | list | void`: bytes on top of an allowance, for a cohort or for one SIM.

mod list;

use std::path::Path;

use hissa_core::registry::{Command, Grant, Void};
use jiff::civil::Date;

use crate::args::{GrantAddArgs, GrantCommand, GrantVoidArgs};
use crate::blocking::blocking;
use crate::change::{Change, refuse_unasked};
use crate::config::grant::EID;
use crate::config::{calendar, load, quantity};
use crate::console::Console;
use crate::exit::{Exit, UsageError};
use crate::import::RegistryView;
use crate::import::command::now_ms;
use crate::sim_name;

/// Runs the command.
///
/// # Errors
/// An argument is not understood, the registry refuses the grant, or Kafka does not answer.
pub async fn run(
    command: &GrantCommand,
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    match command {
        GrantCommand::Add(args) => add(args, config, console).await,
        GrantCommand::Void(args) => void(args, config, console).await,
        GrantCommand::List => {
            let deployment = load::deployment(config)?;
            let link = deployment.kafka.clone();
            let view = blocking(move || RegistryView::read(&link)).await?;
            let listed = list::of(&view, view.local_date(now_ms()));
            if console.json {
                console.json_line(&listed)?;
            } else {
                console.data(&list::text(&listed));
            }
            Ok(Exit::Fine)
        }
    }
}

async fn add(
    args: &GrantAddArgs,
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    // What can be refused without a connection is refused before there is one.
    let bytes = quantity::bytes(&args.bytes)
        .map_err(|why| UsageError(format!("--bytes {}: {why}; write \"10 GB\"", args.bytes)))?;
    let valid_from = date("--from", &args.from)?;
    if args.until != EID {
        date("--until", &args.until)?;
    }
    refuse_unasked(args.sim.stdin, &args.change)?;
    let change = Change::open(config).await?;
    let view = change.session.view();
    let named = sim_name::find(&args.sim, &change.deployment, view)?;
    if named.is_some() == args.cohort.is_some() {
        let why = "a grant is for a cohort (--cohort) or for one SIM (its tag, or --stdin): name one of them";
        return Err(UsageError(why.into()).into());
    }
    let sim = named.map(|named| named.sim);
    let cohort = args.cohort.clone().or_else(|| {
        let history = view.sims.get(&sim?)?;
        let present = history.present(valid_from)?;
        Some(present.cohort.clone())
    });
    let grant = Grant {
        id: args.id.clone(),
        cohort: args.cohort.clone(),
        sim,
        allowance: args.allowance.clone(),
        bytes,
        valid_from,
        valid_until: until(&args.until, view, valid_from, cohort.as_deref())?,
        priority: args.priority,
        donor: args.donor.clone().unwrap_or_default(),
    };
    let commands = vec![Command::Grant(grant)];
    change
        .enter(commands, Vec::new(), &args.change, console)
        .await
}

async fn void(
    args: &GrantVoidArgs,
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    let change = Change::open(config).await?;
    let held = change.session.view().grants.get(&args.id);
    let void = Void {
        grant: args.id.clone(),
        sim: held.and_then(|held| held.grant.sim),
    };
    let commands = vec![Command::Void(void)];
    change
        .enter(commands, Vec::new(), &args.change, console)
        .await
}

/// The first day on which the grant no longer holds.
fn until(
    text: &str,
    view: &RegistryView,
    from: Date,
    cohort: Option<&str>,
) -> Result<Date, UsageError> {
    if text != EID {
        return date("--until", text);
    }
    let entries = &view.calendar.entries;
    calendar::eid_al_fitr(entries, from, cohort.unwrap_or_default()).ok_or_else(|| {
        UsageError(format!(
            "--until {EID}: no `ramadan` of the registered calendar ends on or after {from}; import the calendar, or write the date"
        ))
    })
}

/// A local date of an option.
///
/// # Errors
/// The text is none.
pub fn date(option: &str, text: &str) -> Result<Date, UsageError> {
    // A date and nothing else: `parse` alone would read the date of a time as well.
    let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    date.ok_or_else(|| {
        UsageError(format!(
            "{option} {text} is no date: write year-month-day, such as 2026-02-19"
        ))
    })
}
