//! `hissa import roster|catalogue|programme FILE|-`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hissa_links::key;

use super::{ImportError, Plan, Session};
use crate::args::{ImportArgs, ImportKind};
use crate::config::deployment::Deployment;
use crate::config::finding::Findings;
use crate::config::load::{self, ConfigError};
use crate::config::{catalogue, programme, roster};
use crate::console::Console;
use crate::exit::{Exit, UsageError};

/// A file, read and checked.
enum Content {
    Roster(Vec<roster::RosterRow>),
    Catalogue(hissa_core::registry::Catalogue),
    Programme(programme::ProgrammeFile),
}

/// Runs the command: the file is checked before anything is connected to.
///
/// # Errors
/// The file is wrong, Kafka does not answer, or the file contradicts the registry.
pub async fn run(
    args: &ImportArgs,
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    if args.file.as_os_str() == "-" && !args.change.yes && !args.change.dry_run {
        let why = "a file from stdin leaves nobody to ask: add --yes or --dry-run";
        return Err(UsageError(why.into()).into());
    }
    let content = read(args.what, &args.file)?;
    let deployment = load::deployment(config)?;
    let mut session = open(&deployment).await?;
    let now_ms = now_ms();
    let (what, mut plan) = match &content {
        Content::Roster(rows) => ("SIMs", session.plan_roster(rows)?),
        Content::Catalogue(catalogue) => ("rules", session.plan_catalogue(catalogue, now_ms)?),
        Content::Programme(file) => ("programme, cohorts, feeds", session.plan_programme(file)?),
    };
    plan.reason.clone_from(&args.change.reason);
    let applied = settle(&mut session, &plan, what, args, now_ms, console).await?;
    if console.json {
        console.json_line(&serde_json::json!({
            "difference": plan.difference,
            "commands": plan.commands.len(),
            "applied": applied,
            "revisions": session.view().revisions,
        }))?;
    }
    Ok(Exit::Fine)
}

/// Opens the registry of a deployment.
///
/// # Errors
/// The key cannot be read, or Kafka does not answer.
pub async fn open(deployment: &Deployment) -> Result<Session, ImportError> {
    let key = key::load(&deployment.key_file)?;
    Session::open(&deployment.kafka, deployment.partitions, key).await
}

fn read(what: ImportKind, path: &Path) -> Result<Content, ConfigError> {
    let source = load::source(path)?;
    let findings = Findings::default();
    let content = match what {
        ImportKind::Roster => {
            let rows = roster::read(&source, &findings).rows;
            Some(Content::Roster(
                rows.into_iter().map(|line| line.row).collect(),
            ))
        }
        ImportKind::Catalogue => catalogue::read(&source, &findings).map(Content::Catalogue),
        ImportKind::Programme => programme::read(&source, &findings)
            .file
            .map(Content::Programme),
    };
    load::value(content, findings)
}

/// Shows the difference, asks, applies. Says whether anything was applied.
async fn settle(
    session: &mut Session,
    plan: &Plan,
    what: &str,
    args: &ImportArgs,
    now_ms: i64,
    console: &Console,
) -> anyhow::Result<bool> {
    if !console.json {
        console.data(&plan.difference.text(what));
    }
    if plan.is_empty() {
        console.remark("nothing to do: the registry says the same");
        return Ok(false);
    }
    if args.change.dry_run {
        console.remark("--dry-run: nothing was changed");
        return Ok(false);
    }
    let count = plan.commands.len();
    if !args.change.yes
        && !console.agrees(&format!("Enter this ({count} commands) into the registry?"))?
    {
        return Err(ImportError::NotAgreed.into());
    }
    let mut progress = console.progress("importing");
    session
        .apply(plan.clone(), now_ms, move |done, all| {
            progress.at(done, all)
        })
        .await?;
    let commands = if count == 1 { "command" } else { "commands" };
    console.remark(&format!(
        "entered {count} {commands}; the registry has {} revisions",
        session.view().revisions
    ));
    Ok(true)
}

/// This machine's time (UTC milliseconds).
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
